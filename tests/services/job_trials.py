"""What the trials of dying parts share: cells that leave marks, and what must hold of their jobs afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from labnb.lab import open_lab
from labnb.model.job import Job, JobState
from labnb.runfolder.folder import RunFolder
from labnb.usecases.values import load_value
from tests.magics.jobs_project import JobKernel, follower_log
from tests.waiting import wait_until


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
    wait_until(lambda: not open_lab(root).jobs.index.active(), 10)  # the last step of a collection


def submit_some(kernel: JobKernel, target: str, marks: Path, count: int, seconds: float) -> list[str]:
    return [
        kernel.submit(f"n{number} --on {target} --out value", cell(marks, number, seconds))[0]
        for number in range(count)
    ]


def all_runs_ended(root: Path) -> None:
    """No run goes on: a submission that was ended half-way is no job, and its run says so."""
    # A kernel that is killed before it wrote anything leaves an empty folder, which is no run.
    for folder in [path.parent for path in (root / ".labnb" / "runs").glob("*/run.json")]:
        deadline = time.monotonic() + 10
        while not (run := RunFolder(open_lab(root).paths.run(folder.name)).read()).status.ended:
            assert time.monotonic() < deadline, run
            time.sleep(0.1)
