"""A job that Slurm puts back into the queue goes on from its checkpoint, on a real cluster, here and over SSH."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.job import JobState
from labnb.model.resources import Resources
from labnb.usecases.retry_job import retry_job
from labnb.usecases.values import load_value
from tests.magics.jobs_project import end_follower, four_targets, job_kernel, make_project
from tests.services.by_hand import Jobs
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    found = make_project(tmp_path / "p", four_targets())
    yield found
    end_follower(found)


def cell(marks: Path) -> str:
    """A cell that waits in its first start, and saves where it stands when it is told to stop."""
    return f"""\
import labnb, time
labnb.checkpoint(lambda folder: (folder / "step").write_text(str(step)))
first = step = 0
if labnb.checkpoint.restored:
    first = int((labnb.checkpoint.folder / "step").read_text())
for step in range(first, 8):
    with open({str(marks)!r}, "a") as file: file.write(f"{{step}} ")
    while first == 0 and step == 5: time.sleep(0.02)
last = step
"""


@pytest.mark.parametrize("target", ["cluster", pytest.param("farcluster", marks=pytest.mark.soak)])
def test_a_requeued_job_goes_on_from_its_checkpoint(
    root: Path, tmp_path: Path, slurm: SlurmCluster, sshd: Sshd, target: str
) -> None:
    marks = tmp_path / "marks"
    with job_kernel(root) as kernel:
        uid, _ = kernel.submit(f"train --on {target} --out first,last", cell(marks))
        deadline = time.monotonic() + 30
        while not marks.exists() or "5" not in marks.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        folder = open_lab(root).jobs.index.folder(uid)
        while not folder.read().handle:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        slurm.run("scontrol", "requeue", folder.read().handle)
        job = kernel.ended(uid, 90)
    assert job.state is JobState.COMPLETED, job
    assert marks.read_text().split() == ["0", "1", "2", "3", "4", "5", "5", "6", "7"]
    assert (load_value(folder.paths, "first"), load_value(folder.paths, "last")) == (5, 7)
    assert job.starts == 2


@pytest.mark.parametrize("target", [pytest.param("here", marks=pytest.mark.soak), "far"])
def test_a_retried_job_goes_on_from_the_checkpoint_of_the_old_one(
    root: Path, tmp_path: Path, slurm: SlurmCluster, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    marks, jobs = tmp_path / "marks", Jobs(root)
    folder = jobs.write(target, cell(marks), out=("first", "last"))
    deadline = time.monotonic() + 30
    while not marks.exists() or "5" not in marks.read_text():
        jobs.turn([folder])
        assert time.monotonic() < deadline
        time.sleep(0.02)
    folder.ask_to_cancel("me")
    assert jobs.ended(folder)[0].state is JobState.CANCELLED
    again = retry_job(jobs.index, folder)
    assert jobs.ended(again)[0].state is JobState.COMPLETED
    assert (load_value(again.paths, "first"), load_value(again.paths, "last")) == (5, 7)
    # One that ended well is repeated from its beginning.
    third = retry_job(jobs.index, again)
    marks.unlink()
    while not marks.exists():
        jobs.turn([third])
        assert time.monotonic() < deadline + 30
        time.sleep(0.02)
    assert marks.read_text().startswith("0 ")
    third.ask_to_cancel("me")
    jobs.ended(third)


@pytest.mark.soak
def test_slurm_tells_before_the_time_is_over(
    root: Path, tmp_path: Path, slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest limit that Slurm knows, a minute: it is told half of it before, and ended up to half of it late."""
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    jobs = Jobs(root)
    asked = Resources.parse({"time": "1m"})
    folder = jobs.write("cluster", cell(tmp_path / "marks"), resources=asked, out=("step",))
    (job,) = jobs.ended(folder, seconds=150)
    assert job.state is JobState.TIMEOUT, job
    log = folder.paths.run.log.read_text()
    assert "of the 60 s that were asked for are left." in log
    assert log.index("The job will be stopped soon.") < log.index("Its checkpoint was saved.")
    assert (folder.paths.checkpoint / "step").read_text() == "5"
    again = retry_job(jobs.index, folder)
    assert jobs.ended(again)[0].state is JobState.COMPLETED
