"""`labnb jobs | logs | cancel | retry | collect`, as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.cli.main import main
from labnb.lab import Lab, open_lab
from labnb.model.cell import Cell
from labnb.model.resources import Resources
from labnb.model.target import Target
from labnb.runfolder.job_index import JobFolder
from labnb.usecases.submit_job import Draft
from tests.magics.jobs_project import end_follower, make_project, wait_for_job


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = make_project(tmp_path_factory.mktemp("cli") / "p")
    patch = pytest.MonkeyPatch()
    patch.setenv("LABNB_PUBLISHER", "0")
    yield open_lab(root)
    end_follower(root)
    patch.undo()


def submit(lab: Lab, source: str, members: int = 0) -> list[JobFolder]:
    draft = Draft("n", Cell(source), f"#\n{source}", Target("here"), Resources())
    return lab.jobs.submit.submit(draft, [{"k": number} for number in range(members)])


def test_list_collect_and_log(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    (good,) = submit(lab, "print('line one')\nprint('half', end='')")
    (bad,) = submit(lab, "1 / 0")
    where = ["-C", str(lab.root)]
    assert main([*where, "collect", good.uid, bad.uid]) == 1
    out = capsys.readouterr().out
    assert f"{good.uid[:8]} n: COMPLETED" in out
    assert f"{bad.uid[:8]} n: FAILED: ZeroDivisionError: division by zero, line 2 of the cell" in out
    assert main([*where, "jobs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["next"]) == (1, None)
    item = next(item for item in told["items"] if item["id"] == good.uid)
    assert {"id", "run", "name", "target", "state", "cause", "submitted", "started", "ended", "resources"} <= set(item)
    assert "token" not in item
    assert main([*where, "jobs"]) == 0
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert main([*where, "logs", good.uid[:8]]) == 0
    assert capsys.readouterr().out == "line one\nhalf\n"
    assert main([*where, "logs", bad.uid]) == 1
    assert "the job is FAILED" in capsys.readouterr().err


def test_follow_a_log_and_cancel(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    (folder,) = submit(lab, "import time\nfor i in range(1000): print(i, flush=True); time.sleep(0.05)")
    command = [sys.executable, "-m", "labnb.cli.main", "-C", str(lab.root), "logs", "-f", folder.uid]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as logs:
        assert logs.stdout is not None
        assert logs.stdout.readline() == "0\n"
        assert main(["-C", str(lab.root), "cancel", folder.uid]) == 0
        _, error = logs.communicate(timeout=60)
    assert logs.returncode == 1
    assert "CANCELLED: cancelled by" in error
    wait_for_job(lab.root, folder.uid, lambda job: job.collected)
    capsys.readouterr()
    assert main(["-C", str(lab.root), "cancel", folder.uid]) == 1
    assert "has ended already: CANCELLED" in capsys.readouterr().err


def test_retry_repeats_what_failed(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    folders = submit(lab, "assert k == 0", members=2)
    group = folders[0].read().group
    assert group is not None
    assert main(["-C", str(lab.root), "collect", group]) == 1
    capsys.readouterr()
    assert main(["-C", str(lab.root), "retry", group]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{folders[1].uid[:8]} is submitted again as ")
    assert len(out.splitlines()) == 1
    assert main(["-C", str(lab.root), "collect"]) == 1


@pytest.mark.parametrize("words", [["logs", "nosuchjob"], ["cancel", "1234"], ["retry", "g123"], ["collect", "zzzzz"]])
def test_unknown_jobs(lab: Lab, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(lab.root), *words]) == 2
    assert "There is no job" in capsys.readouterr().err


def test_no_jobs_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_project(tmp_path / "q")
    assert main(["-C", str(root), "jobs"]) == 0
    assert "%%labrun --on TARGET" in capsys.readouterr().out
    assert not (root / ".labnb").exists()
