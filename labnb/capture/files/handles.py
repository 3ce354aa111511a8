"""Files that were open, or mapped, before the cell began: reading through them opens nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from labnb.capture.files.events import Watcher
from labnb.capture.files.rules import Rules

_MAX_FILES: Final = 256


class OpenHandles:
    """Watches this process's open files for reading and writing while a cell runs."""

    def __init__(self, rules: Rules, watcher: Watcher) -> None:
        self._watcher = watcher
        self._files = [path for path in _open_files() if rules.wants(*path.rsplit("/", 1))]
        for path in self._files[:_MAX_FILES]:
            with suppress(OSError):
                watcher.add_file(path)

    def close(self) -> None:
        """Stop watching."""
        for path in self._files[:_MAX_FILES]:
            with suppress(OSError, KeyError):
                self._watcher.remove_file(path)


def mapped(files: Iterable[str]) -> set[str]:
    """Give those of the files that are mapped into this process's memory (`numpy.memmap`, Arrow's memory maps)."""
    wanted = set(files)
    if not wanted:
        return wanted
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as stream:
            return {line[line.index("/") :].rstrip("\n") for line in stream if "/" in line} & wanted
    except OSError:
        return set()


def _open_files() -> list[str]:
    found: dict[str, None] = {}
    try:
        numbers = os.listdir("/proc/self/fd")
    except OSError:
        return []
    for number in numbers:
        if number in ("0", "1", "2"):
            continue  # where the kernel's own output goes
        with suppress(OSError):
            path = os.readlink(f"/proc/self/fd/{number}")
            if path.startswith("/") and not path.startswith(("/dev/", "/proc/")) and os.path.isfile(path):
                found[path] = None
    return list(found)
