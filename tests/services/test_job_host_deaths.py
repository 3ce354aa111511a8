"""Machines and servers that die under jobs: the Jupyter server, a node of the cluster, the login host."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.job import JobState
from labnb.runfolder.folder import RunFolder
from tests.magics.jobs_project import job_kernel, wait_for_job
from tests.magics.served_kernel import ServedKernel
from tests.services.job_trials import all_runs_ended, cell, collect, held_good, submit_some
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

SHORT = [1]
LONG = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 12)]


@pytest.mark.parametrize("seed", [*SHORT, *LONG])
def test_the_jupyter_server_is_killed(root: Path, tmp_path: Path, slurm: SlurmCluster, seed: int) -> None:
    """Alone, with its kernel, or with all that was started from it, as where a container or a cgroup ends."""
    chance = random.Random(seed)
    marks = tmp_path / "marks"
    how = chance.choice(["server", "kernel too", "all"])
    # What runs as a process of the same container ends with it, and that is no trial of ours.
    target = "cluster" if how == "all" else chance.choice(["here", "cluster"])
    with ServedKernel(root) as kernel:
        kernel.load()
        submit_some(kernel, target, marks, 1, 0.3)
        kernel.send(f"%%labrun n1 --on {target} --out value\n{cell(marks, 1, 0.3)}")
        time.sleep(chance.uniform(0.0, 0.3))
        kernel.kill()
        if how != "server":
            kernel.kill_kernel()
        follower = open_lab(root).jobs.index.follower.pid()
        if how == "all" and follower is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(follower, signal.SIGKILL)
        _until_gone(kernel.kernel_pid)
        jobs = collect(root)
        assert "n0" in {job.name for job in jobs}
        held_good(root, marks, jobs)
        all_runs_ended(root)


@pytest.mark.parametrize("seed", [*SHORT, *LONG])
def test_a_node_dies(root: Path, tmp_path: Path, slurm: SlurmCluster, seed: int) -> None:
    """SIGKILL for its daemon, its steps and all that its jobs run; it boots again after a while."""
    chance = random.Random(seed)
    marks = tmp_path / "marks"
    # A job that Slurm puts back into the queue is held for some ten seconds.
    goes_back = seed not in SHORT and chance.random() < 0.5
    with job_kernel(root) as kernel:
        option = "" if goes_back else "--option=--no-requeue"
        uid, _ = kernel.submit(f"n0 --on cluster --out value {option}", cell(marks, 0, 3))
        job = wait_for_job(root, uid, lambda job: job.state is JobState.RUNNING)
        time.sleep(chance.uniform(0.0, 0.8))
        slurm.kill_node(job.node)
        if seed in SHORT:  # the controller sees it by itself after twice its SlurmdTimeout
            slurm.run("scontrol", "update", f"nodename={job.node}", "state=down", "reason=dead")
        else:
            time.sleep(chance.choice([0.0, chance.uniform(0.0, 30.0)]))
            slurm.start_node(job.node)
        job = kernel.ended(uid, 150)
        if goes_back:
            held_good(root, marks, [job])
            assert job.starts == 2
        else:
            assert (job.state, job.starts) == (JobState.NODE_FAIL, 1), job
            assert job.node in job.cause
            assert marks.read_text().split() == ["0"]
            assert RunFolder(open_lab(root).paths.run(uid)).read().status.value == "KILLED"


@pytest.mark.parametrize("seed", [*SHORT, *LONG])
def test_the_login_host_dies(root: Path, tmp_path: Path, slurm: SlurmCluster, sshd: Sshd, seed: int) -> None:
    """With every command that runs on it, while a job is being submitted; the cluster behind it goes on."""
    chance = random.Random(seed)
    marks = tmp_path / "marks"
    with job_kernel(root) as kernel:
        submit_some(kernel, "farcluster", marks, 1, 0.5)
        sent = kernel.send(f"%%labrun n1 --on farcluster --out value\n{cell(marks, 1, 0.5)}")
        time.sleep(chance.uniform(0.0, 0.8))
        sshd.die()
        kernel.wait(sent)
        time.sleep(chance.uniform(0.0, 1.0 if seed in SHORT else 8.0))
        sshd.ensure()
        jobs = open_lab(root).jobs.index.jobs()
        assert len(jobs) == 2
        for job in jobs:
            kernel.ended(job.id, 120)
        held_good(root, marks, open_lab(root).jobs.index.jobs())


def _until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}/stat").exists() and ") Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
