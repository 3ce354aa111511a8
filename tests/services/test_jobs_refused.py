"""Hosts that do not let a job in: each is told clearly, and leaves a run that says so."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.cell import Cell
from labnb.model.job import Job, JobState
from labnb.model.resources import Resources
from labnb.model.run import Run, RunStatus
from labnb.usecases import send_job
from labnb.usecases.submit_job import Draft
from tests.magics.jobs_project import make_project
from tests.services.sshd import Sshd

_OLD = """#!/bin/sh
exec {python} -c 'import sys, runpy
sys.version_info = (3, 8, 10, "final", 0)
sys.argv = sys.argv[1:]
if sys.argv[0] == "-c":
    code = sys.argv.pop(1)
    exec(code)
else:
    runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
"""


def another_key(sshd: Sshd, folder: Path) -> None:
    sshd.know("other_key")


def nobody_known(sshd: Sshd, folder: Path) -> None:
    sshd.know("")


def no_key(sshd: Sshd, folder: Path) -> None:
    (sshd.root / "authorized_keys").rename(sshd.root / "authorized_keys.away")


def stopped(sshd: Sshd, folder: Path) -> None:
    sshd.stop()


def refused(root: Path, names: dict[str, dict[str, str]] | None = None) -> tuple[Job, Run]:
    """Submit a job and send it; give it and its run."""
    lab = open_lab(root)
    lab.jobs.reach.host("ssh://lab").close()
    (folder,) = lab.jobs.submit.submit(
        Draft(
            name="n",
            cell=Cell("%%labrun --on far\npass"),
            python="#\npass",
            target=lab.config.targets["far"],
            resources=Resources(),
            state={"names": names or {}},
        )
    )
    try:
        job = lab.jobs.send.send(folder)
    finally:
        lab.jobs.reach.host("ssh://lab").close()
    return job, lab.browse.run(folder.uid)


@pytest.fixture(autouse=True)
def _no_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    monkeypatch.setattr(send_job, "FIRST_PATIENCE", 0.0)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (another_key, "key"),
        (nobody_known, "key"),
        (no_key, "does not let you in"),
        (stopped, "takes no connections"),
    ],
)
def test_a_host_that_lets_nobody_in(spoil: Callable[[Sshd, Path], None], said: str, tmp_path: Path, sshd: Sshd) -> None:
    root = make_project(tmp_path / "p", '[targets.far]\nhost = "ssh://lab"\n')
    spoil(sshd, tmp_path)
    try:
        job, run = refused(root)
    finally:
        away = sshd.root / "authorized_keys.away"
        if away.exists():
            away.rename(sshd.root / "authorized_keys")
        sshd.ensure()
    assert (job.state, run.status) == (JobState.FAILED, RunStatus.FAILED)
    assert job.cause.startswith("it was not submitted: ")
    assert said in job.cause


@pytest.mark.parametrize(
    ("settings", "setup", "said"),
    [
        ("python = {old}", "", "is 3.8.10, and jobs need 3.9 or later"),
        ('python = "/no/such/python"', "", "There is no Python /no/such/python"),
        ('folder = "/proc/labnb"', "", "cannot be made"),
        ("python = {bare}", "pandas", "has no pandas, which the cell uses"),
    ],
)
def test_a_target_that_cannot_run_it(settings: str, setup: str, said: str, tmp_path: Path, sshd: Sshd) -> None:
    old, bare = tmp_path / "old python", tmp_path / "bare python"
    old.write_text(_OLD.format(python=sys.executable))
    bare.write_text(f'#!/bin/sh\nexec {sys.base_prefix}/bin/python3 -I -S "$@"\n')
    for path in (old, bare):
        path.chmod(0o755)
    settings = settings.format(old=json.dumps(str(old)), bare=json.dumps(str(bare)))
    root = make_project(tmp_path / "p", f'[targets.far]\nhost = "ssh://lab"\n{settings}\n')
    job, run = refused(root, {"pandas": {"import": "pandas"}} if setup else {})
    assert (job.state, run.status) == (JobState.FAILED, RunStatus.FAILED)
    assert said in job.cause
