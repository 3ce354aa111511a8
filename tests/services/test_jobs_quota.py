"""Little room on the target: refused before anything is sent, and a job that fills its disk keeps what it can."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.model.errors import JobError
from labnb.model.job import JobState
from labnb.model.run import RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.usecases import bring_job
from labnb.usecases.values import load_error, load_value, returned
from tests.magics.jobs_project import make_project
from tests.services.by_hand import Jobs
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]
TARGETS = """\
[targets.here]
[targets.far]
host = "ssh://lab"
python = "{python}"
folder = "{disk}"
[targets.farcluster]
host = "ssh://lab"
executor = "slurm"
python = "{python}"
folder = "{disk}"
"""
FILL = """\
import labnb, os
labnb.log({"loss": 0.5})
print("before")
small = 42
fill = open("fill", "wb", buffering=0)
for size in (1 << 20, 4096, 1):
    try:
        while fill.write(b"x" * size): pass
    except OSError as error:
        full = error
labnb.log({"loss": 0.25})
big = list(range(200_000))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 60 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=60m,mode=700", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def jobs(tmp_path: Path, disk: Path, slurm: SlurmCluster, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    return Jobs(make_project(tmp_path / "p", TARGETS.format(python=sys.executable, disk=disk)))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("told", [True, False], ids=["df tells", "a quota that df does not tell"])
def test_what_has_no_room_is_refused_before_it_is_submitted(
    jobs: Jobs, tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    (tmp_path / "p" / "data.bin").write_bytes(os.urandom(30_000_000 if told else 70_000_000))
    if not told:
        monkeypatch.setattr(bring_job, "SPARE", -(10**9))
    folder, job = jobs.run("farcluster", "x = len(open('data.bin', 'rb').read())", files=("data.bin",))
    assert (job.state, job.handle) == (JobState.FAILED, "")
    assert job.cause.startswith("it was not submitted: ")
    assert ("There is no room for the job on farcluster" if told else "There is no space left for") in job.cause
    assert "Make room" in job.cause
    assert "folder of the target" in job.cause
    assert RunFolder(folder.paths.run).read().status is RunStatus.FAILED
    assert sum(path.stat().st_size for path in files_in(disk)) < 1_000_000, "nothing half-sent keeps the disk full"


@pytest.mark.parametrize("target", ["far", pytest.param("farcluster", marks=pytest.mark.soak)])
def test_a_job_that_fills_its_disk_keeps_what_it_can(jobs: Jobs, target: str) -> None:
    folder, job = jobs.run(target, f"{FILL}raise full", out=("big", "small"))
    assert job.state is JobState.FAILED
    assert job.cause == "OSError: [Errno 28] No space left on device, line 14 of the cell"
    record = RunFolder(folder.paths.run)
    assert record.paths.log.read_text().splitlines()[0] == "before"
    assert [point.value for _, point in record.points()] == [0.5, 0.25]
    assert load_value(folder.paths, "small") == 42
    with pytest.raises(JobError, match="could not be written: No space left") as told:
        load_value(folder.paths, "big")
    assert "disk full" in told.value.hint
    with pytest.raises(OSError, match="No space left") as raised:
        raise load_error(folder.paths) or AssertionError
    assert raised.value.errno == errno.ENOSPC
    assert record.read().notes == ()


def test_a_cell_that_goes_on_beside_a_full_disk(jobs: Jobs) -> None:
    folder, job = jobs.run("far", FILL, out=("small", "big"))
    assert job.state is JobState.COMPLETED, job
    assert load_value(folder.paths, "small") == 42
    assert "No space left" in returned(folder.paths)["big"].error


def test_no_room_on_this_machine(tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    root = make_project(disk / "p", TARGETS.format(python=sys.executable, disk=disk))
    for number in range(3):  # each is copied for the job: together they have no room
        (root / f"{number}.bin").write_bytes(os.urandom(15_000_000))
    lab = Jobs(root)
    folder, job = lab.run("here", "pass", files=("0.bin", "1.bin", "2.bin"))
    assert job.state is JobState.FAILED
    assert job.cause.startswith("it was not submitted: ")
    assert "There is no room" in job.cause
    assert not folder.paths.work.exists()
    assert not list(folder.paths.home.glob(".work*")), "nothing half-copied keeps the disk full"
    assert lab.run("here", "pass")[1].state is JobState.COMPLETED
