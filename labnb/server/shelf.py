"""What the server holds of one project: the use cases that answer, made at first use."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from labnb.lab import Lab

if TYPE_CHECKING:
    from labnb.config import Config
    from labnb.model.api import Freshness
    from labnb.model.api_runs import CellStates
    from labnb.server.announcer import Announcer
    from labnb.server.tracking import TrackingReader
    from labnb.usecases.compare_runs import CompareRuns
    from labnb.usecases.read_data import ReadData
    from labnb.usecases.read_index import ReadIndex
    from labnb.usecases.read_jobs import ReadJobs
    from labnb.usecases.run_detail import RunDetails
    from labnb.usecases.run_detail_edit import EditRun


#: Of more runs than this it is not looked up which are jobs.
MANY = 500


class Shelf:
    """One project. Its index of runs begins to be kept at the first question about it."""

    def __init__(
        self, project: str, root: Path, folder: Path, announcer: Announcer | None, log: logging.Logger
    ) -> None:
        self.id = project
        self.lab = Lab(root)
        self._folder, self._announcer, self._log = folder, announcer, log
        self._making = threading.RLock()
        self._runs: ReadIndex | None = None

    @property
    def runs(self) -> ReadIndex:
        """What answers from the index."""
        with self._making:
            if self._runs is None:
                self._runs = self.lab.many.reading(self._tell, self.tracking.state, self._tell_data)
            return self._runs

    @property
    def details(self) -> RunDetails:
        return self.lab.many.details

    @cached_property
    def compare(self) -> CompareRuns:
        return self.lab.many.compare_all(self.tracking.points)

    @cached_property
    def tracking(self) -> TrackingReader:
        from labnb.server.tracking import TrackingReader

        return TrackingReader(self.lab.root, lambda: self.lab.many.index.count("tracking"), self._tell, self._log)

    @property
    def edits(self) -> EditRun:
        return self.lab.many.edits

    @cached_property
    def data(self) -> ReadData:
        from labnb.usecases.read_data import ReadData

        return ReadData(lambda: self.lab.data, self._uses)

    @cached_property
    def jobs(self) -> ReadJobs:
        from labnb.usecases.read_jobs import ReadJobs
        from labnb.usecases.retry_job import retry_job

        return ReadJobs(self.lab.jobs.index, retry_job)

    def freshness(self) -> Freshness:
        """Say how far the index is behind."""
        return self.runs.freshness()

    def look_at(self, uid: str) -> None:
        """See a run as it is now, and announce it."""
        self.runs.look_at(uid)

    def cells(self, notebook: str) -> CellStates:
        """Give the recorded cells of a notebook. From now on the index is kept, so that their changes are announced."""
        from labnb.usecases.read_index_cells import cells_of

        self.runs.freshness()
        return cells_of(self.lab.many.index, self.lab.paths, self.names_of(notebook))

    def names_of(self, notebook: str) -> tuple[str, ...]:
        """Give the names under which runs know a notebook: its path on disk, as Jupyter has it, in the project."""
        place = os.path.normpath(self._folder.resolve() / notebook.lstrip("/"))
        return tuple(dict.fromkeys([place, notebook, notebook.lstrip("/"), os.path.relpath(place, self.lab.root)]))

    def fresh_config(self) -> Config:
        """Read labnb.toml as it is now. Raises ConfigError."""
        from labnb.config import load_config

        return load_config(self.lab.root)

    def close(self) -> None:
        """End what keeps the index."""
        with self._making:
            if self._runs is not None:
                self._runs.close()
            if "tracking" in self.__dict__:
                self.tracking.close()

    def _tell(self, changed: Sequence[str], gone: Sequence[str]) -> None:
        if self._announcer is not None:
            self._announcer.tell("run", self.id, changed, gone)
            jobs = [uid for uid in changed if self._is_job(uid)] if len(changed) < MANY else changed
            if jobs or gone:
                self._announcer.tell("job", self.id, jobs, gone)

    def _is_job(self, uid: str) -> bool:
        return (self.lab.paths.run(uid).folder / "job").is_dir()

    def _tell_data(self) -> None:
        if self._announcer is not None:
            self._announcer.tell("dataset", self.id, everything=True)

    def _uses(self) -> Mapping[str, tuple[int, str]]:
        """Tell by dataset how many runs used it, and when the last of them started."""
        found = self.lab.many.index.groups("datasets.name", "", 10_000, 0)
        return {str(group.value): (group.runs, group.newest) for group in found}
