"""Wait for certain files to appear in many folders: inotify through the C library, standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType

# From <sys/inotify.h>: a name appeared by creation or renaming, went, was touched, or its file was written.
_APPEARED, _WENT, _TOUCHED, _WRITTEN = 0x00000100 | 0x00000080, 0x00000200 | 0x00000040, 0x00000004, 0x00000008
_NONBLOCK, _CLOEXEC = 0o0004000, 0o2000000
_EVENT = struct.Struct("iIII")

# Seconds between two looks where there is no inotify.
POLL = 0.1


class NameWatch:
    """Watches folders that come and go. On network file systems the changes of other machines are not seen.

    >>> with NameWatch() as watch:                          # doctest: +SKIP
    ...     watch.follow([folder / "job"])
    ...     watch.wait(1.0, {"end.json"})
    """

    def __init__(self, always: Iterable[Path] = ()) -> None:
        """`always` are folders in which every change counts."""
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._fd = -1
        if self._libc is not None:
            with contextlib.suppress(AttributeError):
                self._fd = int(self._libc.inotify_init1(_NONBLOCK | _CLOEXEC))
        self._always = {self._add(folder, _APPEARED | _WENT | _TOUCHED | _WRITTEN) for folder in always}
        self._folders: dict[Path, int] = {}
        self.whole = self._fd >= 0 and -1 not in self._always

    def follow(self, folders: Collection[Path]) -> None:
        """Watch these folders, and no longer those that were given before and are not among them."""
        wanted = set(folders)
        for folder in [folder for folder in self._folders if folder not in wanted]:
            number = self._folders.pop(folder)
            if self._libc is not None and number >= 0:
                self._libc.inotify_rm_watch(self._fd, number)
        for folder in wanted - set(self._folders):
            self._folders[folder] = self._add(folder, _APPEARED)
        self.whole = self._fd >= 0 and -1 not in self._folders.values() and -1 not in self._always

    def wait(self, timeout: float, names: Collection[str], wake: Sequence[int] = ()) -> bool:
        """Wait until one of the names appears in a folder, anything changes in those that always count, or one of the
        descriptors `wake` is readable; at most `timeout` seconds. False when nothing happened.

        Where not everything can be watched, the wait ends after a tenth of a second.
        """
        deadline = time.monotonic() + (timeout if self.whole else min(timeout, POLL))
        wanted = {os.fsencode(name) for name in names}
        while True:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([*([self._fd] if self._fd >= 0 else []), *wake], [], [], max(left, 0))
            if any(fd in wake for fd in ready):
                return True
            if self._fd in ready and self._happened(wanted):
                return True
            if left <= 0:
                return False

    def _happened(self, wanted: set[bytes]) -> bool:
        found = False
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._fd, 65536):
                at = 0
                while at < len(data):
                    number, mask, _, length = _EVENT.unpack_from(data, at)
                    name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
                    at += _EVENT.size + length
                    # A lost event (queue overflow, number -1) may have been any.
                    found = found or number in self._always or number < 0 or name in wanted or bool(mask & 0x4000)
        return found

    def _add(self, folder: Path, events: int) -> int:
        if self._libc is None or self._fd < 0:
            return -1
        return int(self._libc.inotify_add_watch(self._fd, os.fsencode(folder), ctypes.c_uint32(events)))

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> NameWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
