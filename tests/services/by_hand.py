"""Jobs that a test writes, sends and follows itself, without a kernel and without the helper process."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labnb.lab import open_lab
from labnb.model.cell import Cell
from labnb.model.closure import Closure
from labnb.model.job import Job
from labnb.model.snapshot import Environment
from labnb.model.target import Target
from labnb.runfolder.job_index import JobFolder
from labnb.usecases.follow_jobs import FollowPlace
from labnb.usecases.mirror_job import MirrorJobs
from labnb.usecases.submit_job import Draft


class GivenEnvironment:
    """An environment that a test names, in place of that of the tests' own process."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def capture(self) -> Environment:
        return self.environment


class Jobs:
    """The jobs of the project at `root`."""

    def __init__(self, root: Path, environment: Environment | None = None) -> None:
        self.lab = open_lab(root)
        self.index = self.lab.jobs.index
        self._submit = self.lab.jobs.submit
        if environment is not None:
            record = dataclasses.replace(self._submit.record, environment=GivenEnvironment(environment))
            self._submit = dataclasses.replace(self._submit, record=record)
        self._places: dict[tuple[str, str], FollowPlace] = {}

    def target(self, name: str) -> Target:
        return self.lab.config.targets[name]

    def write(self, target: str, source: str, **more: Any) -> JobFolder:
        """Write a job; nothing is sent."""
        chosen = self.target(target)
        fields = {
            "name": "n",
            "cell": Cell(f"%%labrun --on {target}\n{source}"),
            "python": f"#\n{source}",
            "target": chosen,
            "resources": chosen.resources,
            "closure": Closure(()),
        }
        (folder,) = self._submit.submit(Draft(**{**fields, **more}))  # type: ignore[arg-type]
        return folder

    def place(self, folder: JobFolder) -> FollowPlace:
        target = self.target(folder.read().target)
        key = (target.host, target.executor)
        if key not in self._places:
            mirror = MirrorJobs(self.lab.jobs.reach.host(target.host)) if target.host else None
            self._places[key] = self.lab.jobs.follow(*key, lambda text: None, mirror)
        return self._places[key]

    def turn(self, folders: Iterable[JobFolder]) -> list[Job]:
        """One turn of the follower for these jobs."""
        found = list(folders)
        for place in {id(place): place for place in map(self.place, found)}.values():
            place.turn([folder for folder in found if self.place(folder) is place])
        return [folder.read() for folder in found]

    def ended(self, *folders: JobFolder, seconds: float = 60) -> list[Job]:
        """Send and follow these jobs until all are collected."""
        deadline = time.monotonic() + seconds
        while True:
            jobs = self.turn(folders)
            if all(job.collected for job in jobs):
                return jobs
            assert time.monotonic() < deadline, jobs
            time.sleep(0.02)

    def run(self, target: str, source: str, **more: Any) -> tuple[JobFolder, Job]:
        """Write a job and follow it to its end."""
        folder = self.write(target, source, **more)
        return folder, self.ended(folder)[0]
