"""Many small jobs: one question to the scheduler at a time, no state missed, no memory gathered."""

from __future__ import annotations

import os
import shutil
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from labnb.lab import open_lab
from labnb.model.job import JobState
from labnb.usecases.follow_jobs import FIRST_LOOK
from tests.magics.jobs_project import follower_log, four_targets, job_kernel, make_project
from tests.services.slurm import SlurmCluster


@pytest.mark.parametrize("count", [24, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_many_small_jobs(count: int, tmp_path: Path, slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    shim = tmp_path / "bin" / "squeue"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\ndate +%s.%N >> "{asked}"\nexec {shutil.which("squeue")} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")
    root = make_project(tmp_path / "p", four_targets())
    with job_kernel(root) as kernel:
        values = ",".join(map(str, range(count)))
        reply = kernel.run(f"%%labrun many --on cluster --out y --each x={values}\ny = x * x", timeout=600)
        assert reply.status == "ok", (reply.error, reply.stderr)
        index = open_lab(root).jobs.index
        deadline = time.monotonic() + 60 + 3 * count
        while (pid := index.follower.pid()) is None:
            assert time.monotonic() < deadline, follower_log(root)
            time.sleep(0.01)
        follower = psutil.Process(pid)
        sizes = []
        while index.active():
            assert time.monotonic() < deadline, follower_log(root)
            sizes.append(follower.memory_info().rss)
            time.sleep(0.2)
        jobs = index.jobs()
        assert [job.state for job in jobs] == [JobState.COMPLETED] * count
        assert kernel.value(f"y == [x * x for x in range({count})]") == "True"
        moments = sorted(map(float, asked.read_text().split()))
        spans = [b - a for a, b in pairwise(moments)]
        assert not [span for span in spans if span < FIRST_LOOK * 0.9], spans
        half = len(sizes) // 2
        print(f"{count} jobs: {len(moments)} questions, follower {max(sizes) / 1e6:.0f} MB at most")
        assert max(sizes[half:]) < max(sizes[: half + 1]) + 10_000_000
    assert follower_log(root) == ""
