"""Wait for a folder to change, without using the processor: inotify through the C library, standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

# From <sys/inotify.h>: a name appeared, went, or its file was written or touched.
_EVENTS = 0x00000100 | 0x00000200 | 0x00000040 | 0x00000080 | 0x00000008 | 0x00000004
_NONBLOCK = 0o0004000
_CLOEXEC = 0o2000000

# Without inotify (another system, or its limits are reached) folders are looked at this often, in seconds.
POLL = 0.05


class FolderWatch:
    """Watches folders (not what lies in their subfolders) from its creation on.

    >>> with FolderWatch(folder) as watch:      # doctest: +SKIP
    ...     while not done():
    ...         watch.wait(1.0)

    A change made between the creation and `wait` ends the wait at once, so nothing is missed when the state is
    looked at in between. On network file systems the changes of other machines are not seen: wait with a timeout.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._fd = _open(folders)
        self._seen = self._state()

    def wait(self, timeout: float, wake: Sequence[int] = ()) -> bool:
        """Wait for a change, at most `timeout` seconds, or for one of the descriptors `wake` to be readable.

        Gives False when nothing happened. Where there is no inotify, only names that come and go are seen.
        """
        if self._fd is None:
            return self._poll(timeout, wake)
        ready, _, _ = select.select([self._fd, *wake], [], [], max(timeout, 0))
        if self._fd in ready:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._fd, 65536):  # what happened is looked up in the folder, not here
                    pass
        return bool(ready)

    def _poll(self, timeout: float, wake: Sequence[int]) -> bool:
        deadline = time.monotonic() + timeout
        while True:
            now = self._state()
            if now != self._seen:
                self._seen = now
                return True
            left = deadline - time.monotonic()
            ready, _, _ = select.select(wake, [], [], max(min(left, POLL), 0))
            if ready or left <= 0:
                return bool(ready)

    def _state(self) -> list[int]:
        found = []
        for folder in self._folders if self._fd is None else ():
            try:
                found.append(folder.stat().st_mtime_ns)
            except OSError:
                found.append(0)
        return found

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> FolderWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(folders: Sequence[Path]) -> int | None:
    if sys.platform != "linux":
        return None
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        fd = int(libc.inotify_init1(_NONBLOCK | _CLOEXEC))
        if fd < 0:
            return None
        for folder in folders:
            if libc.inotify_add_watch(fd, os.fsencode(folder), ctypes.c_uint32(_EVENTS)) < 0:
                os.close(fd)
                return None
    except (OSError, AttributeError):
        return None
    return fd
