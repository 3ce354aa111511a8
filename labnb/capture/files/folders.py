"""The watched folders: the project's own, and those outside it that a cell points to."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from labnb.capture.files.events import CREATE, DELETE, MOVED_FROM, MOVED_TO, Watcher
from labnb.capture.files.rules import Rules

MAX_FOLDERS: Final = 5_000
MAX_LINKS: Final = 20_000
_OUTSIDE_DEPTH: Final = 3
_OUTSIDE_FOLDERS: Final = 500
_SLICE: Final = 64  # entries between two looks at the clock


class Folders:
    """Arms a watcher on a tree, folder by folder, so that the work can be cut at any moment and go on beside.

    Safe to use from several threads. `problem` says in words why the watch is not complete, or is "".
    """

    def __init__(self, rules: Rules, watcher: Watcher) -> None:
        self._rules = rules
        self._watcher = watcher
        self._lock = threading.RLock()
        self._pending: deque[tuple[str, int]] = deque()
        self._scan: Iterator[os.DirEntry[str]] | None = None
        self._depth = 0
        self.armed: set[str] = set()
        self._outside = 0
        self.links: dict[tuple[str, str], tuple[str, str]] = {}
        self.only_links: set[str] = set()
        self.names: dict[str, str] = {}
        self.problem = ""
        self.begin()

    def begin(self) -> None:
        """Go through the project again from its root: at first, and after events were lost."""
        with self._lock:
            self._pending.clear()
            self._scan = None
            self.armed.clear()
            self._outside = 0
            self.problem = ""
            self._pending.append((self._rules.root, MAX_FOLDERS))

    @property
    def complete(self) -> bool:
        """Whether no folder waits."""
        return self._scan is None and not self._pending

    def work(self, until: float) -> bool:
        """Arm folders until `time.perf_counter()` passes `until`; whether nothing is left to do."""
        with self._lock:
            while time.perf_counter() < until:
                if self._scan is None:
                    if not self._pending:
                        return True
                    folder, self._depth = self._pending.popleft()
                    if not self._arm(folder):
                        continue
                    try:
                        self._scan = os.scandir(folder)
                    except OSError:
                        continue
                self._walk(self._scan)
            return self.complete

    def add(self, folder: str, depth: int = MAX_FOLDERS) -> bool:
        """Arm a folder now (a real path) and leave its subfolders, `depth` levels of them, for `work`."""
        with self._lock:
            if folder in self.armed or not self._rules.watches(folder):
                return False
            if not self._arm(folder):
                return False
            if depth > 0:
                self._pending.append((folder, depth))
            return True

    def add_outside(self, folder: str, recursive: bool) -> None:
        """Arm a folder outside the project, within bounds: others' disks can be very large."""
        if folder in ("", "/") or self._outside >= _OUTSIDE_FOLDERS:
            return
        self.add(folder, _OUTSIDE_DEPTH if recursive else 0)

    def moved(self, folder: str, mask: int) -> bool:
        """Follow an event about a folder; whether it is new here and now watched."""
        if mask & (CREATE | MOVED_TO):
            if os.path.islink(folder):
                self.linked(folder)
                return False
            return self.add(folder)
        if mask & (DELETE | MOVED_FROM):
            self.forget(folder)
        return False

    def linked(self, path: str) -> None:
        """Watch what a new link leads to; any other file is none of this."""
        if os.path.islink(path):
            with self._lock:
                self._follow(path)

    def forget(self, folder: str) -> None:
        """Note that a folder was removed or moved away, with all below it."""
        with self._lock:
            self.armed = {path for path in self.armed if path != folder and not path.startswith(folder + "/")}

    def _arm(self, folder: str) -> bool:
        if folder in self.armed:
            return True
        if len(self.armed) >= MAX_FOLDERS:
            self.problem = f"the project has more than {MAX_FOLDERS} folders"
            self._pending.clear()
            return False
        if not self._rules.is_inside(folder + "/"):
            if self._outside >= _OUTSIDE_FOLDERS:
                return False
            self._outside += 1
        try:
            self._watcher.add_folder(folder)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self.problem = "this user's number of watched folders is used up"
                self._pending.clear()
            return False
        self.armed.add(folder)
        self.only_links.discard(folder)
        return True

    def _walk(self, scan: Iterator[os.DirEntry[str]]) -> None:
        """Look at the next entries of the folder that is being scanned."""
        try:
            for _ in range(_SLICE):
                entry = next(scan)
                if entry.is_symlink():
                    self._follow(entry.path)
                elif entry.is_dir(follow_symlinks=False) and self._depth > 0 and self._rules.watches(entry.path):
                    self._pending.append((entry.path, self._depth - 1))
        except StopIteration:
            self._scan = None
        except OSError:
            self._scan = None  # the folder went away meanwhile

    def _follow(self, path: str) -> None:
        """Watch what a link in the project leads to: the system names files by where they really are."""
        if not self._rules.is_inside(path) or len(self.links) >= MAX_LINKS:
            return
        target = os.path.realpath(path)
        if os.path.isdir(target):
            if not self._rules.is_inside(target) and target != self._rules.root and self._rules.wants_folder(target):
                self.names.setdefault(target, path)
                self._pending.append((target, _OUTSIDE_DEPTH))
        elif os.path.isfile(target):
            folder, _, name = target.rpartition("/")
            known = folder in self.armed or self._rules.is_inside(target)
            if not known or not self._rules.watches(folder):
                self._watch_target(folder, name, path)

    def _watch_target(self, folder: str, name: str, link: str) -> None:
        with suppress(OSError):
            if folder not in self.only_links and folder not in self.armed:
                self._watcher.add_folder(folder)
                self.only_links.add(folder)
            self.links[folder, name] = tuple(link.rsplit("/", 1))  # type: ignore[assignment]
