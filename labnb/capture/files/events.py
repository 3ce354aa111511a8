"""The file system's events, in the bits that inotify and fanotify share, and the choice between the two."""

from __future__ import annotations

import sys
from typing import Final, Protocol

ACCESS: Final = 0x1
MODIFY: Final = 0x2
CLOSE_WRITE: Final = 0x8
CLOSE_READ: Final = 0x10
OPEN: Final = 0x20
MOVED_FROM: Final = 0x40
MOVED_TO: Final = 0x80
CREATE: Final = 0x100
DELETE: Final = 0x200
OVERFLOW: Final = 0x4000
IS_FOLDER: Final = 0x40000000

CHANGES: Final = CLOSE_WRITE | CREATE | MOVED_TO | MODIFY
FOLDER_EVENTS: Final = CLOSE_WRITE | CLOSE_READ | OPEN | MOVED_FROM | MOVED_TO | CREATE | DELETE
FILE_EVENTS: Final = ACCESS | MODIFY
UNKNOWN_PROCESS: Final = -1

Event = tuple[str, str, int, int]
"""Folder, name, bits, and the process: its id, 0 for any other process, UNKNOWN_PROCESS where nothing is told."""


class Watcher(Protocol):
    """A source of events about folders. Methods raise OSError where a folder or file cannot be watched."""

    name: str

    def fileno(self) -> int:
        """The descriptor to poll."""

    def add_folder(self, folder: str) -> None:
        """Watch what lies directly in a folder."""

    def add_file(self, path: str) -> None:
        """Watch reading and writing through an open descriptor of one file."""

    def remove_file(self, path: str) -> None:
        """Stop what `add_file` began."""

    def read(self) -> list[Event]:
        """Give all pending events without waiting."""

    def close(self) -> None:
        """Let go of the source."""


def open_watcher(root: str) -> Watcher | None:
    """Give the best source of events for a folder: fanotify, else inotify, else None (not Linux, or no quota left)."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        from labnb.capture.files.fanotify import Fanotify

        watcher = Fanotify()
        if watcher.answers(root):
            return watcher
        watcher.close()
    except (OSError, ImportError):
        pass  # an older kernel, a container that forbids it, a network file system
    try:
        from labnb.capture.files.inotify import Inotify

        simple = Inotify()
        simple.add_folder(root)
    except (OSError, ImportError):
        return None
    return simple
