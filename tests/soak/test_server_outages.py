"""Many runs at once against a server that is killed and restarted at random: afterwards server and records are equal.

What a cell would wait for is measured where it would wait: in announcing its run, in `labnb.log` and `labnb.artifact`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labnb.cli import publisher
from labnb.cli.sync import sync
from labnb.runfolder import queue
from labnb.runfolder.paths import LabPaths
from tests.adapters.mlflow.conftest import empty_store, lab, no_user
from tests.services.checks import assert_same, runs_of
from tests.services.conftest import sqlite_server
from tests.services.mlflow_server import MlflowServer

__all__ = ["empty_store", "lab", "no_user"]
ROOT = Path(__file__).parents[2]

# A run as a kernel makes it, without the kernel. Tells its uid, and for how long it stood still in calls to labnb: the
# time that passed, less what it used or waited for a processor, for which many others ask here.
RECORDER = """
import json, os, random, sys, time
from pathlib import Path
root, number, seconds, seed = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
import labnb
from labnb.lab import Lab
from labnb.runfolder.active import ActiveRun, activate, deactivate
from labnb.runfolder.paths import LabPaths
from tests.runs import Recorded
chance = random.Random(seed * 1000 + number)
lab = Lab(root)
waits = []
def used():
    with open("/proc/thread-self/schedstat") as file:
        return time.thread_time() + int(file.read().split()[1]) / 1e9
def timed(call, *words, **more):
    before, begun = used(), time.perf_counter()
    result = call(*words, **more)
    waits.append(time.perf_counter() - begun - (used() - before))
    return result
r = Recorded(lab.paths, params={"n": number, "seed": seed}, tags={"trial": "outages"}, name=f"run {number}")
activate(ActiveRun(r.folder.paths, r.journal))
lab.announce(r.uid)  # imports what it needs, as `%load_ext` has done for a cell
timed(lab.announce, r.uid)
end = time.time() + seconds * (0.7 + 0.3 * chance.random())
step = 0
while time.time() < end:
    timed(labnb.log, {"loss": 1 / (step + 1), "acc": chance.random(), "odd": float("nan")}, step=step)
    step += 1
    if chance.random() < 0.01:
        path = root / f"file-{number}-{step}"
        path.write_bytes(chance.randbytes(chance.choice([10, 1000, 300_000])))
        timed(labnb.artifact, path)
        path.unlink()
    time.sleep(chance.choice([0.005, 0.02, 0.1]))
deactivate()
r.end()
timed(lab.announce, r.uid)
print(json.dumps({"uid": r.uid, "steps": step, "waited": sum(max(wait, 0.0) for wait in waits)}))
"""


@dataclass
class Trial:
    """What was tried, and how it went."""

    seed: int
    kills: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    points: int = 0

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {len(self.waited)} runs at once, {self.points} points; the server was killed after "
            f"{[round(moment, 1) for moment in self.kills]} s; no cell waited longer than "
            f"{max(self.waited) * 1000:.1f} ms for labnb in total"
        )


@pytest.fixture(autouse=True)
def own_publishers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(queue, "_started", [])
    monkeypatch.delenv(queue.SWITCH, raising=False)
    monkeypatch.setenv(publisher.IDLE_VARIABLE, "5")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    yield
    for _, _, process in queue._started:
        process.terminate()
        process.wait()


def outages(
    lab: LabPaths, server: MlflowServer, seed: int, runs: int, seconds: float, up: tuple[float, float]
) -> Trial:
    chance = random.Random(seed)
    trial = Trial(seed)
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{server.uri}"\n')
    server.ensure()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), publisher.IDLE_VARIABLE: "600"}
    recorders = [
        subprocess.Popen(
            [sys.executable, "-c", RECORDER, str(lab.root), str(number), str(seconds), str(seed)],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
        )
        for number in range(runs)
    ]  # fmt: skip
    begun = time.monotonic()
    while any(one.poll() is None for one in recorders):
        time.sleep(chance.uniform(*up))
        server.kill()
        trial.kills.append(time.monotonic() - begun)
        time.sleep(chance.uniform(0.2, 6))
        server.start()
    told = [json.loads(one.communicate()[0].splitlines()[-1]) for one in recorders]
    assert sync(lab, timeout=600) == 0
    queue.stop_publisher(lab)
    for one in told:
        trial.waited.append(one["waited"])
        trial.points += 3 * one["steps"]
        assert_same(lab, one["uid"], server.uri)
    print(trial)
    uids = [one["uid"] for one in told]
    found = [run.data.tags["labnb.uid"] for run in runs_of(server.uri)]
    assert sorted(uid for uid in found if uid in uids) == sorted(uids)
    assert max(trial.waited) < 0.1
    return trial


@pytest.fixture
def own_server(tmp_path: Path, empty_store: Path) -> Iterator[MlflowServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = sqlite_server(folder, empty_store)
    yield server
    server.kill()


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1])
def test_twenty_runs_against_a_server_that_comes_and_goes(lab: LabPaths, own_server: MlflowServer, seed: int) -> None:
    trial = outages(lab, own_server, seed, runs=20, seconds=120, up=(2, 20))
    assert len(trial.kills) >= 3


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_million_points_without_a_server() -> None:
    from benchmarks.publish import measure

    figures = list(measure(1_000_000, 3))
    print(*figures, sep="\n")
    assert [figure for figure in figures if figure.missed] == []
