"""Nodes without network: a job that has no route anywhere gives its record, live, through its files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labnb.model.job import JobState
from labnb.model.run import RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.usecases.values import load_value
from tests.magics.jobs_project import make_project
from tests.needs import lacking, need
from tests.services.by_hand import Jobs
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]
TARGETS = """\
[targets.here]
python = "{python}"
[targets.cluster]
executor = "slurm"
python = "{python}"
notify = "http://127.0.0.1:{port}/told"
[targets.far]
host = "ssh://lab"
python = "{python}"
[targets.farcluster]
host = "ssh://lab"
executor = "slurm"
python = "{python}"
"""
CELL = """\
import labnb, os, socket, time, urllib.request
refused = []
for address in (("127.0.0.1", {port}), ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, 2).close()
    except OSError as error:
        refused.append(error.errno)
for step in range(3):
    labnb.log({{"loss": 1 / (step + 1)}})
print("half of it")
with open("table.csv", "w") as file: file.write("a,b\\n1,2\\n")
while not os.path.exists({go!r}): time.sleep(0.02)
labnb.log({{"loss": 0.1}})
print("all of it")
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python without network: not even loopback is up."""
    words = [need("unshare"), "--net", *(["--map-root-user"] if os.geteuid() else [])]
    done = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        lacking(f"no network namespace can be made here: {done.stderr.strip()}")
    path = tmp_path / "python-without-network"
    path.write_text(f'#!/bin/sh\nexec {" ".join(words)} {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def jobs(tmp_path: Path, python: Path, slurm: SlurmCluster, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    return Jobs(make_project(tmp_path / "p", TARGETS.format(python=python, port=sshd.port)))


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("here", marks=pytest.mark.soak),
        "cluster",
        pytest.param("far", marks=pytest.mark.soak),
        "farcluster",
    ],
)
def test_a_node_without_network(jobs: Jobs, sshd: Sshd, tmp_path: Path, target: str) -> None:
    go = tmp_path / "go"
    folder = jobs.write(target, CELL.format(port=sshd.port, go=str(go)), out=("refused",), metrics=("step",))
    record = RunFolder(folder.paths.run)
    deadline = time.monotonic() + 40
    # Live: what it logs and prints is here while it goes on.
    while [point.value for _, point in record.points()] != [1, 1 / 2, 1 / 3] or not printed(record):
        (job,) = jobs.turn([folder])
        assert not job.state.ended, job
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    assert folder.current().state is JobState.RUNNING
    go.touch()
    (job,) = jobs.ended(folder)
    assert job.state is JobState.COMPLETED, job
    refused = load_value(folder.paths, "refused")
    assert len(refused) == 2, "neither this machine's own ports nor any other machine can be reached"
    run = record.read()
    assert run.status is RunStatus.FINISHED
    assert (run.metrics["loss"], run.metrics["step"]) == (0.1, 2)
    assert printed(record).splitlines() == ["half of it", "all of it"]
    assert [use.path for use in run.outputs] == ["table.csv"]
    assert run.notes == ()
    while target == "cluster" and "could not be told" not in folder.paths.output.read_text():
        assert time.monotonic() < deadline, "that nobody can be told of its end is said in the job's own output"
        time.sleep(0.02)


def printed(record: RunFolder) -> str:
    return record.paths.log.read_text() if record.paths.log.exists() else ""
