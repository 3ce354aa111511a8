"""A project with a history for the browser: runs with curves, logs and files, a dataset with versions, jobs."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from labnb.model.dataset import FileUse
from labnb.model.job import Job, JobState
from labnb.model.run import Note, RunStatus, time_text
from labnb.runfolder.job_index import JobIndex
from labnb.runfolder.job_paths import JobPaths
from labnb.runfolder.paths import LabPaths
from tests.runs import Recorded

EVIL = '<img src=x onerror="window.hurt=1">\'"`{{7*7}}`'
RTL = "ניסוי 🔬 מספר ٣"
CELL = "rate = 0.1\nfor step in range(100):\n    labnb.log({'loss': train(rate)})"


class Study:
    """Makes runs in the project at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lab = LabPaths(root)

    def begin(self, name: str, **fields: Any) -> Recorded:
        """A run that goes on, by this process."""
        start = {"notebook": "study.ipynb", "cell_id": "cell-0", "source": CELL, "tags": {"team": "bio"}}
        return Recorded(self.lab, name=name, **{**start, **fields})

    def run(self, name: str, rate: float = 0.1, points: int = 300, age: float = 60, **fields: Any) -> Recorded:
        """A run that ended `age` seconds ago, with two curves, a log, an output and three files."""
        run = self.begin(name, started=time_text(time.time() - age), params={"rate": rate, "model": "forest"}, **fields)
        for step in range(points):
            loss = math.exp(-rate * step / 10) + 0.02 * math.sin(step)
            run.journal.metrics({"loss": loss, "accuracy": 1 - loss / 2}, step=step)
        paths = run.folder.paths
        paths.log.write_text("".join(f"epoch {step}: loss {math.exp(-rate * step / 10):.4f}\n" for step in range(50)))
        paths.output.write_text(json.dumps(output(name)))
        paths.script.write_text("import labnb\n\n" + CELL + f"\nprint({rate})\n")
        run.artifact("figures/curve.png", png(rate))
        run.artifact("table.csv", b'name,value\n"a, b",1\n<b>bold</b>,2\n')
        run.artifact("notes.md", f"# {name}\n\nrate {rate}\n".encode())
        return run

    def end(self, run: Recorded, status: RunStatus = RunStatus.FINISHED, **fields: Any) -> Recorded:
        started = run.run.started
        run.end(status, metrics=last_values(run), **fields)
        assert run.run.started == started
        return run

    def job(self, name: str, state: JobState, cause: str = "", **fields: Any) -> Recorded:
        """A job as its submitter keeps it; nothing runs anywhere."""
        run = self.begin(name)
        paths = JobPaths(run.folder.paths.folder)
        paths.home.mkdir()
        now = time_text(time.time() - 30)
        told = {
            "target": "cluster",
            "submitted": now,
            "resources": {"cpus": 4, "memory": 8_000_000_000, "time": 3600},
            **fields,
        }
        job = Job(id=run.uid, run=run.uid, name=name, state=state, cause=cause, **told)
        JobIndex(self.lab).make()
        JobIndex(self.lab).announce(run.uid, start=False)
        paths.job.write_text(json.dumps(job.to_json()))
        run.folder.write(run.run.__class__.from_json({**run.run.to_json(), "job": job.to_json()}))
        run.folder.paths.log.write_text("waiting for the data\n")
        return run


def last_values(run: Recorded) -> dict[str, float]:
    return {point.name: point.value for _, point in run.folder.points()}


def output(name: str) -> dict[str, Any]:
    """The cell with its outputs: text, a table in HTML with a script in it, a picture."""
    html = f"<table><tr><td>loss</td><td>0.1</td></tr></table><script>window.hurt = 1</script><p>{name}</p>"
    cell = {
        "cell_type": "code",
        "id": "cell-0",
        "metadata": {},
        "execution_count": 1,
        "source": CELL,
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": "epoch 49\n"},
            {"output_type": "display_data", "metadata": {}, "data": {"text/html": html, "text/plain": "a table"}},
        ],
    }
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def png(shade: float, side: int = 64) -> bytes:
    """A small picture, of another grey for another number."""
    grey = int(40 + 200 * min(1.0, shade))
    rows = b"".join(b"\0" + bytes((grey if (x // 8 + y // 8) % 2 else 255) for x in range(side)) for y in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_study(root: Path) -> Study:
    """The project that most browser tests look at: twelve runs, a dataset in two versions, three jobs."""
    git = ["git", "-C", str(root), "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    (root / "labnb.toml").write_text('[targets.cluster]\nexecutor = "process"\n')
    (root / "data").mkdir()
    table = root / "data" / "train.csv"
    table.write_text("x,y\n" + "".join(f"{i},{i * i}\n" for i in range(50)))

    def command(*words: str) -> None:
        subprocess.run(words, cwd=root, check=True, capture_output=True)

    def commit(message: str) -> None:
        command(*git, "add", "-A")
        command(*git, "commit", "-qm", message)

    command(*git, "init", "-q", "-b", "main")
    command(sys.executable, "-c", "from dvc.repo import Repo; Repo.init().add('data/train.csv')")
    commit("first data")
    digest = dvc_digest(root)
    read = FileUse("data/train.csv", f"md5:{digest}", table.stat().st_size, dataset="data/train.csv", version=digest)

    study = Study(root)
    for number in range(8):
        rate = 0.05 * (number + 1)
        run = study.run(f"forest-{number}", rate=rate, age=3600 * (number + 1))
        study.end(run, inputs=(read,))
    for age, name in ((300, EVIL), (200, RTL)):
        study.end(study.run(name, age=age))
    failed = study.run("diverged-with-a-rather-long-name-that-does-not-fit", rate=3.0, age=120)
    error = {"type": "ValueError", "message": "loss is NaN", "traceback": "Traceback …\nValueError: loss is NaN"}
    note = Note("left-out", "big.bin was left out (2.1 GB).", "Add it with dvc add big.bin.")
    study.end(failed, RunStatus.FAILED, error=error, notes=(note,))
    study.end(study.run("stopped", age=90), RunStatus.KILLED)
    table.write_text(table.read_text() + "".join(f"{i},{-i}\n" for i in range(50, 80)))
    command(sys.executable, "-c", "from dvc.repo import Repo; Repo().add('data/train.csv')")
    commit("more data")
    study.job("train-large", JobState.PENDING, "waits for a free node")
    started = time_text(time.time() - 20)
    study.job(
        "train-small", JobState.RUNNING, started=started, node="node-1", used={"memory": 1_200_000_000, "cpu": 31}
    )
    study.job("ended", JobState.TIMEOUT, "It ran longer than its 1 h.", started=started, ended=time_text(time.time()))
    return study


def dvc_digest(root: Path) -> str:
    line = next(line for line in (root / "data" / "train.csv.dvc").read_text().splitlines() if "md5:" in line)
    return line.rpartition(":")[2].strip()
