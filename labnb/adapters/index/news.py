"""News of run folders through inotify: nothing is looked at while nothing happens."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labnb.ports.run_news import News
from labnb.runfolder.paths import LAB_FOLDER, LabPaths

# Without inotify the folders are looked at this often, in seconds.
SLOW = 5.0
#: Files of a run folder whose writing says something new; a cell may write thousands of artifacts.
_JOB = "job"


class RunFolderNews:
    """inotify on `.labnb/runs`, on the queue of what is to be published, and on the folders of runs that go on."""

    def __init__(self, lab: LabPaths) -> None:
        self._lab = lab
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._inotify = _inotify()
        self._places: dict[int, tuple[str, str]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._followed: frozenset[str] = frozenset()
        self._seen = 0
        self._place()

    @property
    def live(self) -> bool:
        return self._inotify is not None and ("runs", "") in self._numbers

    def follow(self, uids: Iterable[str]) -> frozenset[str]:
        """Follow what is written in these runs' folders, and in no others; give those that were not followed before."""
        wanted = frozenset(uids)
        new = wanted - self._followed
        for uid in self._followed - wanted:
            self._leave("run", uid)
            self._leave("job", uid)
        self._followed = wanted
        for uid in wanted:
            self._watch("run", uid, self._lab.run(uid).folder)
            self._watch("job", uid, self._lab.run(uid).folder / _JOB)
        return new

    def wait(self, timeout: float | None) -> News:
        """Wait for a change, a call of `wake`, or at most `timeout` seconds."""
        if self._place():
            return News(frozenset(), all=True)
        if self._inotify is None:
            timeout = SLOW if timeout is None else min(timeout, SLOW)
        waited = select.poll()
        waited.register(self._reader, select.POLLIN)
        if self._inotify is not None:
            waited.register(self._inotify.fileno(), select.POLLIN)
        waited.poll(None if timeout is None else max(timeout, 0) * 1000)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass
        return self._read() if self._inotify is not None else self._looked()

    def wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._writer, b".")

    def close(self) -> None:
        for fd in (self._reader, self._writer):
            with contextlib.suppress(OSError):
                os.close(fd)
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def _place(self) -> bool:
        """Watch the folders that are there; while one is missing, the one above it.

        Gives whether one is watched from now on that was not: what was put there before has told nothing.
        """
        lab, places = self._lab, (("runs", self._lab.runs), ("queue", self._lab.queue))
        lacking = [(word, folder) for word, folder in places if (word, "") not in self._numbers]
        if lacking:  # from above: what is made while this goes on is told by the one above it
            self._watch("root", "", lab.root)
            self._watch("home", "", lab.home)
        watched = [self._watch(word, "", folder) for word, folder in lacking]
        if all(watched):
            self._leave("home", "")
            self._leave("root", "")
        self._watch("data", "", lab.versions)
        return self._inotify is not None and any(watched)

    def _watch(self, word: str, uid: str, folder: Path) -> bool:
        key = (word, uid)
        if self._inotify is None or key in self._numbers:
            return self._inotify is not None
        from inotify_simple import flags

        names = flags.CREATE | flags.DELETE | flags.MOVED_TO | flags.MOVED_FROM
        mask = names | flags.MODIFY | flags.CLOSE_WRITE if word in ("run", "job") else names
        if word == "queue":  # a run that waits there already is announced again by opening its file
            mask |= flags.CLOSE_WRITE
        mask = flags.MODIFY | flags.DELETE_SELF if word == "data" else mask | flags.ONLYDIR
        try:
            number = int(self._inotify.add_watch(str(folder), mask))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        except OSError:  # no watches are left: such runs are looked at now and then
            return False
        self._places[number] = key
        self._numbers[key] = number
        return True

    def _leave(self, word: str, uid: str) -> None:
        number = self._numbers.pop((word, uid), None)
        if number is not None and self._inotify is not None:
            self._places.pop(number, None)
            with contextlib.suppress(OSError):
                self._inotify.rm_watch(number)

    def _read(self) -> News:
        from inotify_simple import flags

        uids: set[str] = set()
        everything = data = False
        for event in self._inotify.read(timeout=0) if self._inotify is not None else ():
            if event.mask & flags.Q_OVERFLOW:
                everything = True
            place = self._places.get(event.wd)
            if place is None:
                continue
            word, uid = place
            if event.mask & flags.IGNORED:  # the folder is gone
                self._places.pop(event.wd, None)
                self._numbers.pop(place, None)
                everything = everything or word in ("runs", "queue")
            if word in ("runs", "queue"):
                uids.add(event.name)
            elif word == "data":
                data = True
            elif word in ("run", "job"):
                uids.add(uid)
            elif event.name in (LAB_FOLDER, self._lab.runs.name, self._lab.queue.name):
                everything = True
        return News(frozenset(uid for uid in uids if uid and not uid.startswith(".")), all=everything, data=data)

    def _looked(self) -> News:
        """Without inotify: whether names came or went, and the followed runs."""
        try:
            now = self._lab.runs.stat().st_mtime_ns
        except OSError:
            now = 0
        changed, self._seen = now != self._seen, now
        return News(self._followed, all=changed)


def _inotify() -> Any:
    try:
        from inotify_simple import INotify

        return INotify(nonblocking=True)
    except (ImportError, OSError):
        return None
