"""Job folders, and the runner started on them as an executor would: by its file, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labnb.model.job_request import JobRequest
from labnb.runfolder.job_paths import JobPaths, JobStore
from labnb.runfolder.journal import read_journal
from labnb.usecases.runner_program import runner_program


@dataclass(frozen=True)
class FarJob:
    """A job folder and the runner that it is started with."""

    paths: JobPaths
    runner: Path

    def start(self, python: str = sys.executable, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the runner, in a session of its own."""
        return subprocess.Popen(
            [python, str(self.runner), str(self.paths.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            cwd="/",
            start_new_session=True,
        )

    def run(self, python: str = sys.executable, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run the job to its end; give the exit code and what the process itself said."""
        process = self.start(python, env)
        out, err = process.communicate(timeout=60)
        return process.returncode, (out + err).decode()

    def process_to(
        self, happened: Callable[[], object], env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start the job, and wait until something has happened."""
        process = self.start(env=env)
        until(happened, process)
        return process

    @property
    def end(self) -> dict[str, Any]:
        return read(self.paths.end)

    @property
    def log(self) -> str:
        return self.paths.run.log.read_text()

    @property
    def outputs(self) -> list[dict[str, Any]]:
        outputs: list[dict[str, Any]] = read(self.paths.run.output)["cells"][0]["outputs"]
        return outputs

    @property
    def journal(self) -> list[dict[str, Any]]:
        return [line for _, line in read_journal(self.paths.run.journal)]

    @property
    def starts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.paths.starts.read_text().splitlines()]


def make_job(folder: Path, cell: str, **asked: Any) -> FarJob:
    """Lay out the folder of a job as the near side does."""
    store = JobStore(folder / "store")
    store.objects.mkdir(parents=True, exist_ok=True, mode=0o700)
    program = runner_program()
    runner = store.runner(program.digest)
    if not runner.exists():
        runner.write_bytes(program.data)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    paths = JobPaths(folder / "jobs" / (asked.pop("uid", "1" * 32)))
    paths.home.mkdir(parents=True, mode=0o700)
    paths.folder.chmod(0o700)
    request = JobRequest(
        **{
            "uid": paths.folder.name,
            "token": "t",
            "source": f"%%labrun --on far\n{cell}",
            "work_folder": str(work),
            "objects_folder": str(store.objects),
            **asked,
        }
    )
    paths.request.write_text(json.dumps(request.to_json()))
    paths.cell.write_text(cell)
    return FarJob(paths, runner)


def until(happened: Callable[[], object], process: subprocess.Popen[bytes] | None = None, seconds: float = 20) -> None:
    """Wait until something has happened; fail where the process ends before."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        if process is not None and process.poll() is not None and not happened():
            raise AssertionError(f"the job ended with {process.returncode}: {process.communicate()}")
        time.sleep(0.005)


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file."""
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def with_variables(**variables: str) -> dict[str, str]:
    """This environment, with more variables."""
    return {**os.environ, **variables}


def python39() -> str:
    """Give a Python 3.9, the oldest that a target may have; skip the test where there is none."""
    found = [shutil.which("python3.9"), *map(str, Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))]
    for path in found:
        if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return path
    pytest.skip("no Python 3.9 is here; test_the_program_holds_to_python_39 checks the syntax alone")
