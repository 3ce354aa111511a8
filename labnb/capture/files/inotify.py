"""Linux inotify: news of folders, without a word about who caused them. For kernels where fanotify is not allowed."""

from __future__ import annotations

import os
import struct

from inotify_simple import INotify

from labnb.capture.files.events import FILE_EVENTS, FOLDER_EVENTS, OVERFLOW, UNKNOWN_PROCESS, Event

_HEAD = struct.Struct("=iIII")
_BUFFER = 1 << 18


class Inotify:
    """One inotify instance. Raises OSError where the user's limit of instances is reached."""

    name = "inotify"

    def __init__(self) -> None:
        self._inotify = INotify(nonblocking=True)
        self._folders: dict[int, str] = {}
        self._files: dict[int, tuple[str, str]] = {}
        self._numbers: dict[str, int] = {}

    def fileno(self) -> int:
        """The descriptor to poll."""
        return int(self._inotify.fileno())

    def add_folder(self, folder: str) -> None:
        """Watch what lies directly in a folder. OSError where it cannot be watched."""
        self._folders[self._inotify.add_watch(folder, FOLDER_EVENTS | 0x01000000)] = folder

    def add_file(self, path: str) -> None:
        """Watch reading and writing through an open descriptor of one file."""
        number = self._inotify.add_watch(path, FILE_EVENTS)
        folder, _, name = path.rpartition("/")
        self._files[number] = (folder, name)
        self._numbers[path] = number

    def remove_file(self, path: str) -> None:
        """Stop what `add_file` began."""
        number = self._numbers.pop(path)
        self._files.pop(number, None)
        self._inotify.rm_watch(number)

    def read(self) -> list[Event]:
        """Give all pending events without waiting."""
        events: list[Event] = []
        while True:
            try:
                data = os.read(self._inotify.fileno(), _BUFFER)
            except BlockingIOError:
                return events
            self._parse(data, events)

    def close(self) -> None:
        """End the instance."""
        self._inotify.close()

    def _parse(self, data: bytes, events: list[Event]) -> None:
        at, end = 0, len(data)
        while at < end:
            number, mask, _, size = _HEAD.unpack_from(data, at)
            at += 16 + size
            if mask & OVERFLOW:
                events.append(("", "", OVERFLOW, 0))
                continue
            folder = self._folders.get(number)
            if folder is not None:
                if size:
                    name = os.fsdecode(data[at - size : at].rstrip(b"\0"))
                    events.append((folder, name, mask, UNKNOWN_PROCESS))
            elif number in self._files:
                folder, name = self._files[number]
                events.append((folder, name, mask, UNKNOWN_PROCESS))
