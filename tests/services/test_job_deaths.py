"""Whatever dies, every job ends in a right state, runs once or says that it ran twice, and no result is lost."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.job import JobState
from tests.magics.jobs_project import (
    JobKernel,
    job_kernel,
    wait_for_job,
)
from tests.services.job_trials import all_runs_ended, cell, collect, held_good, submit_some
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd
from tests.waiting import wait_until

SHORT = [1]
LONG = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 22)]


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
    all_runs_ended(root)


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
        # A controller that forgets a job has its nodes end what it ran: it is begun again, and says so.
        held_good(root, marks, open_lab(root).jobs.index.jobs())


def test_the_daemon_of_a_node_is_killed(root: Path, tmp_path: Path, slurm: SlurmCluster) -> None:
    marks = tmp_path / "marks"
    with job_kernel(root) as kernel:
        uid, _ = kernel.submit("n0 --on cluster --out value", cell(marks, 0, 2))
        job = wait_for_job(root, uid, lambda job: job.state is JobState.RUNNING)
        wait_until(marks.exists, 60)  # Slurm says "running" before the daemon has begun with it
        slurm.kill_node_daemon(job.node)
        kernel.ended(uid, 60)
        slurm.start_node(job.node)
        held_good(root, marks, open_lab(root).jobs.index.jobs())
