"""Run folders read for the index: what did not change is not read again, a journal that grows only where it grew."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from labnb.model.errors import NotFound, StoreCorrupt
from labnb.model.run import Run
from labnb.ports.run_index import Entry
from labnb.runfolder.folder import RunFolder, with_lines
from labnb.runfolder.job_paths import JobPaths
from labnb.runfolder.journal import read_journal
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import RUN_FILE, LabPaths
from labnb.runfolder.published import Published


@dataclass
class _Live:
    """A run that goes on: what its journal said up to `offset`, on top of run.json in the state `key`."""

    key: str
    run: Run
    owner: Owner | None
    offset: int = 0


class FolderReader:
    """Reads run folders; remembers those that go on."""

    def __init__(self, lab: LabPaths) -> None:
        self._lab = lab
        self._live: dict[str, _Live] = {}
        self._jobs: set[str] = set()
        self._dead: set[str] = set()
        self._lock = threading.Lock()

    @property
    def live(self) -> frozenset[str]:
        """The runs that had not ended when they were read, or whose jobs were not collected."""
        return frozenset(self._live) | self._jobs

    @property
    def owned(self) -> bool:
        """Whether a run goes on in a process, which may be gone without a word."""
        return any(live.owner is not None for live in list(self._live.values()))

    @property
    def found_dead(self) -> bool:
        """Whether runs were read since `dead` whose processes are gone and have not written their ends."""
        return bool(self._dead)

    def dead(self) -> list[str]:
        """Name the runs, each once, that were read without an end of their own while their processes are gone."""
        with self._lock:
            found, self._dead = sorted(self._dead), set()
        return found

    def orphans(self) -> list[str]:
        """Name the runs whose processes are gone."""
        return [
            uid
            for uid, live in list(self._live.items())
            if live.owner is not None and RunFolder(self._lab.run(uid)).over(live.owner)
        ]

    def names(self) -> Iterator[tuple[str, int]]:
        """Give the uids of all run folders, each with the time (ns) at which run.json was written."""
        try:
            names = os.listdir(self._lab.runs)
        except (FileNotFoundError, NotADirectoryError):
            return
        above = os.fspath(self._lab.runs)
        for name in names:
            with suppress(OSError):
                yield name, os.stat(f"{above}/{name}/{RUN_FILE}").st_mtime_ns

    def same(self, uid: str, state: str | None) -> bool:
        """Whether a run folder is as it was when it had this state."""
        return state is not None and uid not in self._live and state == self._state(uid)

    def read(self, uid: str) -> Entry | None:
        """Read a run folder; None where there is none (any more). Raises StoreCorrupt."""
        with self._lock:
            folder = RunFolder(self._lab.run(uid))
            state = self._state(uid)
            self._dead.discard(uid)
            try:
                run = self._run(folder)
            except (NotFound, StoreCorrupt) as error:
                self._live.pop(uid, None)
                self._jobs.discard(uid)
                if isinstance(error, NotFound):
                    return None
                raise
            # Whatever has no end of its own is read again at the next look, though nothing was written.
            word = " dead" if uid in self._dead else "" if run.status.ended else " live"
            return Entry(self._with_job(folder, run), "folder", state + word)

    def _run(self, folder: RunFolder) -> Run:
        key = folder.state_key()
        live = self._live.get(folder.uid)
        if live is None or live.key != key:
            run, owner = folder.stored()
            if run.status.ended:
                self._live.pop(folder.uid, None)
                return _published(folder, run)
            live = self._live[folder.uid] = _Live(key, run, owner)
        lines = list(read_journal(folder.paths.journal, live.offset))
        if lines:
            live.offset = lines[-1][0]
            live.run = with_lines(live.run, (line for _, line in lines))
        if folder.over(live.owner):
            self._live.pop(folder.uid, None)
            self._dead.add(folder.uid)
            return folder.read()
        return _published(folder, live.run)

    def _with_job(self, folder: RunFolder, run: Run) -> Run:
        try:
            job = json.loads(JobPaths(folder.paths.folder).job.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            job = None
        if not isinstance(job, dict):
            self._jobs.discard(folder.uid)
            return run
        if job.get("collected"):
            self._jobs.discard(folder.uid)
        else:
            self._jobs.add(folder.uid)
        return dataclasses.replace(run, job=job)

    def _state(self, uid: str) -> str:
        paths = self._lab.run(uid)
        return ":".join(_stamp(path) for path in (paths.run, paths.published, JobPaths(paths.folder).job))


def _published(folder: RunFolder, run: Run) -> Run:
    published = Published.read(folder.paths.published)
    return dataclasses.replace(
        run, published=published.word, published_why=published.why, mlflow=published.link or run.mlflow
    )


def _stamp(path: os.PathLike[str]) -> str:
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_ino}.{found.st_mtime_ns}.{found.st_size}"
