"""The store that `benchmarks.server` asks: many run folders, and the same runs in an MLflow store in SQLite."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from labnb.model.run import Run, RunStatus, parse_time, time_text
from labnb.runfolder.paths import LabPaths

START = 1_700_000_000.0
MODELS = ("tree", "forest", "boost", "linear", "net", "prophet", "svm", "knn")


@dataclass(frozen=True)
class Size:
    """So many runs, with so many params and metrics each; `curves` runs of `points` points are compared."""

    runs: int = int(os.environ.get("LABNB_BENCH_RUNS", "100000"))
    keys: int = int(os.environ.get("LABNB_BENCH_KEYS", "50"))
    curves: int = 20
    points: int = int(os.environ.get("LABNB_BENCH_POINTS", "100000"))


def made_up(size: Size) -> Iterator[Run]:
    """Give the runs, the same at each call."""
    chance = random.Random(7)
    for number in range(size.runs):
        model = chance.choice(MODELS)
        params = {f"p{key:02}": chance.randrange(1000) if key % 2 else chance.random() for key in range(size.keys)}
        yield Run(
            uid=uuid.UUID(int=chance.getrandbits(128)).hex,
            name=f"{model} {number}",
            status=RunStatus.FINISHED if number % 20 else RunStatus.FAILED,
            started=time_text(START + 60 * number),
            ended=time_text(START + 60 * number + chance.randrange(10_000)),
            user=chance.choice(("ann", "bob", "eve", "joe")),
            notebook=f"study {number % 30}.ipynb",
            params={**params, "model": model},
            metrics={f"m{key:02}": chance.random() for key in range(size.keys)},
            tags={"team": chance.choice(("bio", "physics", "chem"))},
        )


def write_folders(lab: LabPaths, size: Size) -> None:
    """Write the run folders as recording leaves them, without waiting for the disk at each."""
    lab.make()
    for run in made_up(size):
        folder = lab.run(run.uid)
        folder.folder.mkdir()
        folder.run.write_text(json.dumps(run.to_json()))


def write_curves(lab: LabPaths, size: Size) -> list[str]:
    """Write runs with long curves, and give their uids."""
    uids = []
    for number in range(size.curves):
        chance = random.Random(number)
        started = START + 60 * (size.runs + number)
        loss = 0.0
        uid = uuid.UUID(int=chance.getrandbits(128)).hex
        folder = lab.run(uid)
        folder.folder.mkdir()
        with open(folder.journal, "w", encoding="utf-8") as journal:
            for step in range(size.points):
                loss = 0.999 * loss + chance.gauss(0, 0.1)
                line = {"k": "metric", "t": started + step / 100, "s": step, "v": {"loss": loss}}
                journal.write(json.dumps(line, separators=(",", ":")) + "\n")
        run = Run(
            uid=uid,
            name=f"long {number}",
            status=RunStatus.FINISHED,
            started=time_text(started),
            ended=time_text(started + size.points / 100),
            user="ann",
            params={"lr": number / 100},
            metrics={"loss": loss},
        )
        folder.run.write_text(json.dumps(run.to_json(), indent=1))
        uids.append(uid)
    return uids


def write_mlflow(place: Path, size: Size) -> None:
    """Fill MLflow's own tables with the same runs: through its client it would take hours."""
    uri = f"sqlite:///{place}"
    make = "import sys; from mlflow import MlflowClient; MlflowClient(sys.argv[1]).create_experiment('lab')"
    subprocess.run([sys.executable, "-c", make, uri], check=True, stderr=subprocess.DEVNULL)
    with closing(sqlite3.connect(place, isolation_level=None)) as store:
        store.execute("PRAGMA synchronous = OFF")
        (experiment,) = store.execute("SELECT experiment_id FROM experiments WHERE name = 'lab'").fetchone()
        runs = made_up(size)
        while batch := list(islice(runs, 2000)):
            store.execute("BEGIN")
            rows = [
                (run.uid, run.name, run.user, run.status.value, _ms(run.started), _ms(run.ended), experiment)
                for run in batch
            ]
            _insert(store, "runs", "run_uuid, name, user_id, status, start_time, end_time, experiment_id", rows)
            store.execute("UPDATE runs SET lifecycle_stage = 'active' WHERE lifecycle_stage IS NULL")
            params = [(name, str(value), run.uid) for run in batch for name, value in run.params.items()]
            _insert(store, "params", "key, value, run_uuid", params)
            tags = [
                (*pair, run.uid) for run in batch for pair in (*run.tags.items(), ("mlflow.runName", run.name))
            ]  # fmt: skip
            _insert(store, "tags", "key, value, run_uuid", tags)
            metrics = [(name, value, 0, 0, 0, run.uid) for run in batch for name, value in run.metrics.items()]
            _insert(store, "latest_metrics", "key, value, timestamp, step, is_nan, run_uuid", metrics)
            store.execute("COMMIT")
        store.execute("ANALYZE")


def _insert(store: sqlite3.Connection, table: str, names: str, rows: list[Any]) -> None:
    marks = ", ".join("?" for _ in names.split(", "))
    store.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _ms(time: str | None) -> int:
    return int(parse_time(time or "").timestamp() * 1000)


_ASK = """
import sys, time
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.entities import ViewType
store = SqlAlchemyStore(sys.argv[1], sys.argv[2])
experiment = store.get_experiment_by_name("lab").experiment_id
begun = time.process_time()
found = store.search_runs([experiment], sys.argv[3], ViewType.ACTIVE_ONLY, 50, [sys.argv[4]])
print(len(found), (time.process_time() - begun) * 1000)
"""


def ask_mlflow(place: Path, filter_text: str, order: str, patience: float) -> tuple[float, bool]:
    """Ask MLflow's store for 50 runs in a process of its own: milliseconds, and whether it answered in time."""
    command = [sys.executable, "-c", _ASK, f"sqlite:///{place}", str(place.parent), filter_text, order]
    try:
        # Its imports come before the question.
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=patience + 30)
    except subprocess.TimeoutExpired:
        return patience * 1000, False
    took = float(done.stdout.split()[-1])
    return (took, True) if took <= patience * 1000 else (patience * 1000, False)
