"""A project with targets, and a kernel in it whose jobs are followed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labnb.lab import open_lab
from labnb.model.job import Job
from tests.kernel import Kernel, Reply

HERE = '[targets.here]\nexecutor = "process"\n'


def make_project(root: Path, targets: str = HERE) -> Path:
    """Make a git project with these targets and a module of its own."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "labnb.toml").write_text(targets)
    (root / "doubling.py").write_text("def double(x):\n    return 2 * x\n")
    git = ["git", "-C", str(root), "-c", "user.name=Ann", "-c", "user.email=ann@lab.example"]
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "begin"], check=True)
    return root


def four_targets() -> str:
    """Name the four backends: process and Slurm, here and behind ssh://lab."""
    python = json.dumps(sys.executable)
    return (
        '[targets.here]\nexecutor = "process"\n'
        '[targets.cluster]\nexecutor = "slurm"\n'
        f'[targets.far]\nhost = "ssh://lab"\npython = {python}\n'
        f'[targets.farcluster]\nhost = "ssh://lab"\nexecutor = "slurm"\npython = {python}\n'
    )


class JobKernel(Kernel):
    """A kernel that submits jobs; on exit their follower ends as well."""

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        end_follower(self.folder)

    def submit(self, line: str, source: str) -> tuple[str, Reply]:
        """Submit a cell; give the id of its job."""
        reply = self.run(f"%%labrun {line}\n{source}")
        assert reply.status == "ok", reply.error
        return str(reply.run["uid"]), reply

    def ended(self, uid: str, seconds: float = 60) -> Job:
        """Wait until a job is collected."""
        return wait_for_job(self.folder, uid, lambda job: job.collected, seconds)

    def value(self, expression: str) -> str:
        """Print an expression in the kernel; give what it printed, without notices of jobs."""
        reply = self.run(f"print({expression})")
        assert reply.status == "ok", reply.error
        return "\n".join(line for line in reply.stdout.splitlines() if not line.startswith("labnb: ")).strip()


def wait_for_job(root: Path, uid: str, true: Callable[[Job], bool], seconds: float = 60) -> Job:
    """Wait until something is true of a job."""
    index = open_lab(root).jobs.index
    deadline = time.monotonic() + seconds
    while True:
        job = index.folder(uid).read()
        if true(job):
            return job
        assert time.monotonic() < deadline, (job, follower_log(root))
        time.sleep(0.02)


def follower_log(root: Path) -> str:
    log = root / ".labnb" / "jobs" / "follower.log"
    return log.read_text() if log.exists() else ""


def end_follower(root: Path) -> None:
    """End the follower of a project and wait until it is gone."""
    attendant = open_lab(root).jobs.index.follower
    deadline = time.monotonic() + 15
    while attendant.lock.exists() and attendant.stop() and time.monotonic() < deadline:
        time.sleep(0.02)


@contextmanager
def job_kernel(root: Path, **env: str) -> Iterator[JobKernel]:
    """A kernel with labnb loaded."""
    with JobKernel(root, **{"LABNB_FOLLOWER_IDLE": "30", **env}) as kernel:
        kernel.load()
        yield kernel


def processes_with(word: str) -> list[int]:
    """List the processes in whose command line a word stands."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                text = Path("/proc", name, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if word in text:
                found.append(int(name))
    return found
