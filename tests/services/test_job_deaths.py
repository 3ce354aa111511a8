"""Whatever dies, every job ends in a right state, runs once or says that it ran twice, and no result is lost."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.job import Job, JobState
from labnb.runfolder.folder import RunFolder
from labnb.usecases.values import load_value
from tests.magics.jobs_project import (
    JobKernel,
    end_follower,
    follower_log,
    four_targets,
    job_kernel,
    make_project,
    wait_for_job,
)
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

SHORT = [1]
LONG = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 22)]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    found = make_project(tmp_path / "p", four_targets())
    yield found
    end_follower(found)


def cell(marks: Path, number: int, seconds: float) -> str:
    """A cell that leaves a mark for each time it begins, and gives a value back."""
    return (
        f"import time\nwith open({str(marks)!r}, 'a') as file: file.write('{number}\\n')\n"
        f"time.sleep({seconds})\nvalue = {number}"
    )


def collect(root: Path, seconds: float = 90) -> list[Job]:
    """Have a fresh process collect everything, as a person would the next day."""
    command = [sys.executable, "-m", "labnb.cli.main", "-C", str(root), "collect"]
    subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    return open_lab(root).jobs.index.jobs()


def held_good(root: Path, marks: Path, jobs: list[Job]) -> None:
    """Each job ended well with its value, its record is whole, and it ran once or says otherwise."""
    times = marks.read_text().split() if marks.exists() else []
    for job in jobs:
        assert job.collected, (job, follower_log(root))
        assert job.state is JobState.COMPLETED, (job, follower_log(root))
        number = job.name.removeprefix("n")
        folder = open_lab(root).jobs.index.folder(job.id)
        assert load_value(folder.paths, "value") == int(number)
        run = RunFolder(folder.paths.run).read()
        assert run.status.value == "FINISHED"
        if times.count(number) != 1:
            assert job.starts > 1 or any(note.code in ("ran_again", "started_twice") for note in run.notes), run.notes
    deadline = time.monotonic() + 10
    while open_lab(root).jobs.index.active():  # the last step of a collection
        assert time.monotonic() < deadline
        time.sleep(0.02)


def submit_some(kernel: JobKernel, target: str, marks: Path, count: int, seconds: float) -> list[str]:
    return [
        kernel.submit(f"n{number} --on {target} --out value", cell(marks, number, seconds))[0]
        for number in range(count)
    ]


@pytest.mark.parametrize("seed", [*SHORT, *LONG])
def test_the_kernel_is_killed(root: Path, tmp_path: Path, slurm: SlurmCluster, seed: int) -> None:
    chance = random.Random(seed)
    target = chance.choice(["here", "cluster"])
    marks = tmp_path / "marks"
    kernel = JobKernel(root, LABNB_FOLLOWER_IDLE="30")
    with kernel:
        kernel.load()
        submit_some(kernel, target, marks, 1, 0.2)
        kernel.send(f"%%labrun n1 --on {target} --out value\n{cell(marks, 1, 0.3)}")
        time.sleep(chance.uniform(0.0, 0.25))
        os.kill(kernel.pid, signal.SIGKILL)
    jobs = collect(root)
    held_good(root, marks, jobs)
    for folder in (root / ".labnb" / "runs").iterdir():
        # A submission that was ended half-way is no job, and its run says so.
        deadline = time.monotonic() + 10
        while not (run := RunFolder(open_lab(root).paths.run(folder.name)).read()).status.ended:
            assert time.monotonic() < deadline, run
            time.sleep(0.1)


@pytest.mark.parametrize("seed", [*SHORT, *LONG])
def test_the_follower_is_killed(root: Path, tmp_path: Path, slurm: SlurmCluster, sshd: Sshd, seed: int) -> None:
    chance = random.Random(seed)
    target = chance.choice(["here", "cluster", "far", "farcluster"])
    marks = tmp_path / "marks"
    with job_kernel(root) as kernel:
        uids = submit_some(kernel, target, marks, 2, 0.5)
        for _ in range(3):
            time.sleep(chance.uniform(0.0, 0.5))
            pid = open_lab(root).jobs.index.follower.pid()
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for uid in uids:
            kernel.ended(uid, 90)
        held_good(root, marks, open_lab(root).jobs.index.jobs())


@pytest.mark.parametrize("seed", [*SHORT, *LONG])
def test_the_connection_is_cut_and_frozen(
    root: Path, tmp_path: Path, slurm: SlurmCluster, sshd: Sshd, seed: int
) -> None:
    chance = random.Random(seed)
    target = chance.choice(["far", "farcluster"])
    marks = tmp_path / "marks"
    with job_kernel(root) as kernel:
        kernel.submit(f"n0 --on {target} --out value", cell(marks, 0, 0))
        sent = kernel.send(f"%%labrun n1 --on {target} --out value\n{cell(marks, 1, 0.5)}")
        for _ in range(2):
            time.sleep(chance.uniform(0.0, 0.6))
            chance.choice([sshd.cut, sshd.freeze, sshd.stop])()
        kernel.wait(sent)
        time.sleep(chance.uniform(0.0, 2.0))
        sshd.ensure()
        jobs = open_lab(root).jobs.index.jobs()
        assert len(jobs) == 2
        for job in jobs:
            kernel.ended(job.id, 120)
        held_good(root, marks, open_lab(root).jobs.index.jobs())


@pytest.fixture
def own_slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """A cluster for one test: a controller that lost its state gives job numbers twice, which its nodes refuse."""
    with SlurmCluster() as found:
        for name, text in found.env.items():
            monkeypatch.setenv(name, text)
        yield found


@pytest.mark.parametrize("seed", [*SHORT, *LONG])
def test_the_controller_of_slurm_is_killed(root: Path, tmp_path: Path, own_slurm: SlurmCluster, seed: int) -> None:
    chance = random.Random(seed)
    marks = tmp_path / "marks"
    number = [signal.SIGKILL, signal.SIGTERM][seed % 2]
    with job_kernel(root) as kernel:
        uids = submit_some(kernel, "cluster", marks, 2, 1.0)
        time.sleep(0.1 if seed == 1 else chance.uniform(0.0, 1.5))
        own_slurm.stop_controller(number)
        time.sleep(chance.uniform(0.0, 1.0))
        own_slurm.start_controller()
        for uid in uids:
            kernel.ended(uid, 150)
        jobs = open_lab(root).jobs.index.jobs()
        # A controller that forgets a job has its nodes end what it ran: no result, and that is said.
        lost = [job for job in jobs if job.state is JobState.LOST]
        assert number == signal.SIGKILL or not lost
        for job in lost:
            assert job.starts == 1
            assert "nobody knows the job any more" in job.cause
            assert RunFolder(open_lab(root).paths.run(job.id)).read().status.value == "KILLED"
        held_good(root, marks, [job for job in jobs if job not in lost])


def test_a_node_that_fails(root: Path, tmp_path: Path, slurm: SlurmCluster) -> None:
    marks = tmp_path / "marks"
    with job_kernel(root) as kernel:
        uid, _ = kernel.submit("n0 --on cluster --out value --option=--no-requeue", cell(marks, 0, 60))
        job = wait_for_job(root, uid, lambda job: job.state is JobState.RUNNING)
        slurm.run("scontrol", "update", f"nodename={job.node}", "state=down", "reason=test")
        job = kernel.ended(uid, 60)
        assert job.state is JobState.NODE_FAIL
        assert job.node in job.cause


def test_the_daemon_of_a_node_is_killed(root: Path, tmp_path: Path, slurm: SlurmCluster) -> None:
    marks = tmp_path / "marks"
    with job_kernel(root) as kernel:
        uid, _ = kernel.submit("n0 --on cluster --out value", cell(marks, 0, 2))
        job = wait_for_job(root, uid, lambda job: job.state is JobState.RUNNING)
        slurm.kill_node_daemon(job.node)
        kernel.ended(uid, 60)
        slurm.start_node(job.node)
        held_good(root, marks, open_lab(root).jobs.index.jobs())
