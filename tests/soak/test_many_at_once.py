"""Many processes record into one project at once: no error, and nothing missing, here or in the MLflow store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.run import RunStatus
from labnb.usecases.doctor import check_runs
from tests.driver import ROOT, start

POINTS = 50
CELL = """%%labrun {name} --param lr=0.1 --metric total
import labnb
from pathlib import Path
rows = [int(line) for line in Path('data.csv').read_text().split()]
for step in range({points}):
    labnb.log({{"loss": {number} / (step + 1)}})
Path('out-{name}.txt').write_text('{name}')
labnb.artifact('out-{name}.txt')
total = sum(rows)
print('done {name}')
"""


def record_at_once(folder: Path, processes: int, runs: int) -> None:
    begun = time.monotonic()
    (folder / "data.csv").write_text("1\n2\n3\n")
    subprocess.run(["git", "init", "-q", folder], check=True)
    cells = [
        [CELL.format(name=f"p{one}-r{run}", number=one * 100 + run, points=POINTS) for run in range(runs)]
        for one in range(processes)
    ]
    log = folder.parent / "log.txt"
    # The first of them starts the publisher in a project that has no store yet.
    sessions = [start(folder, sources, log, LABNB_PUBLISHER_IDLE="5") for sources in cells]
    codes = [session.end(600) for session in sessions]
    assert codes == [0] * processes, log.read_text()[-4000:]
    recorded = time.monotonic() - begun
    env = {**os.environ, "LABNB_PUBLISHER_IDLE": "5"}
    done = subprocess.run(
        [sys.executable, "-m", "labnb.cli.main", "-C", str(folder), "sync"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    judge(folder, {f"p{one}-r{run}": one * 100 + run for one in range(processes) for run in range(runs)})
    print(f"{processes} processes × {runs} runs: recorded in {recorded:.1f} s, all in {time.monotonic() - begun:.1f} s")


def judge(folder: Path, expected: dict[str, int]) -> None:
    lab = open_lab(folder)
    page = lab.browse.runs(limit=None)
    assert page.broken == ()
    assert sorted(run.name for run in page.items) == sorted(expected)
    stored = in_store(folder)
    assert sorted(stored) == sorted(run.uid for run in page.items)
    for run in page.items:
        losses = [expected[run.name] / (step + 1) for step in range(POINTS)]
        assert run.status is RunStatus.FINISHED
        assert run.notes == (), (run.name, run.notes)
        assert [point.value for point in lab.browse.history(run.uid) if point.name == "loss"] == losses
        assert run.metrics["total"] == 6
        assert "data.csv" in [use.path for use in run.inputs]
        assert f"out-{run.name}.txt" in [use.path for use in run.outputs]
        assert run.code["snapshot"]
        assert run.published == "published"
        status, points, artifacts = stored[run.uid]
        assert status == "FINISHED"
        assert points == losses
        assert {f"out-{run.name}.txt", "labnb"} <= artifacts
    refs = subprocess.run(
        ["git", "-C", folder, "for-each-ref", "--format=%(refname)", "refs/labnb"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {ref.rpartition("/")[2] for ref in refs.stdout.split()} == set(stored)
    assert [check for check in check_runs(lab.paths) if check.hint] == []


def in_store(folder: Path) -> dict[str, tuple[str, list[float], set[str]]]:
    """Read every run of the embedded store through MLflow's own API: status, losses, names of artifacts."""
    from mlflow import MlflowClient

    from labnb.adapters.mlflow.embedded import uri_of

    client = MlflowClient(uri_of(open_lab(folder).paths))
    numbers = [experiment.experiment_id for experiment in client.search_experiments()]
    found = {}
    for run in client.search_runs(numbers, max_results=5000):
        points = sorted(client.get_metric_history(run.info.run_id, "loss"), key=lambda point: point.step)
        uid = run.data.tags["labnb.uid"]
        assert uid not in found
        names = {item.path for item in client.list_artifacts(run.info.run_id)}
        found[uid] = (run.info.status, [point.value for point in points], names)
    return found


@pytest.mark.slow
def test_six_processes(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    record_at_once(tmp_path / "project", processes=6, runs=2)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_sixteen_processes(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    record_at_once(tmp_path / "project", processes=16, runs=10)
