"""Run folders as the kernel writes them, for tests that publish or read them."""

from __future__ import annotations

import dataclasses
import time
import uuid
from pathlib import Path
from typing import Any

from labnb.model.run import Run, RunStatus, time_text
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.queue import touch


class Recorded:
    """A run that a test writes: opened at once, in the queue but with no publisher called."""

    def __init__(self, lab: LabPaths, **fields: Any) -> None:
        start = {"name": "a run", "user": "ann", "notebook": "study.ipynb", "started": time_text(time.time() - 5)}
        self.lab = lab
        self.run = Run(uid=uuid.uuid4().hex, status=RunStatus.RUNNING, **{**start, **fields})
        self.folder: RunFolder
        self.journal: Journal
        self.folder, self.journal = RunFolder.create(lab, self.run)
        touch(lab, self.run.uid)

    @property
    def uid(self) -> str:
        return self.run.uid

    def log(self, count: int, name: str = "loss") -> Recorded:
        for i in range(count):
            self.journal.metrics({name: 1 / (i + 1)})
        return self

    def artifact(self, name: str, content: bytes) -> Path:
        path = self.folder.paths.artifacts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def end(self, status: RunStatus = RunStatus.FINISHED, **fields: Any) -> Recorded:
        self.journal.close()
        self.run = dataclasses.replace(self.folder.read(), status=status, ended=time_text(time.time()), **fields)
        self.run = dataclasses.replace(self.run, published="local", mlflow=None)
        self.folder.write(self.run)
        touch(self.lab, self.run.uid)
        return self

    def expected(self, name: str = "loss") -> list[tuple[int, float]]:
        return [(point.step, point.value) for _, point in self.folder.points() if point.name == name]
