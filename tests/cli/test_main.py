"""`labnb` on the command line: the same words, JSON that is stable, exit codes that mean something."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from labnb.cli.main import EXIT_CODES, main, make_parser
from labnb.model import errors
from labnb.model.dataset import FileUse
from labnb.model.run import Note, Run, RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths


def make_run(uid: str, **fields: object) -> Run:
    run = Run(uid=uid, name="first", status=RunStatus.FINISHED, started="2026-01-01T10:00:00.000Z", user="ann")
    return dataclasses.replace(run, ended="2026-01-01T10:00:01.500Z", **fields)  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lab = LabPaths(tmp_path)
    runs = [
        make_run(
            "a" * 32,
            metrics={"acc": 0.5},
            params={"lr": 0.1},
            inputs=(FileUse("data/a.csv", "md5:12", 3, dataset="data/a.csv", version="12ab34cd56"),),
            code={"commit": "1234567890", "dirty": True, "branch": "main"},
        ),
        make_run("b" * 32, name="second", metrics={"acc": 0.9}, params={"lr": 0.2}, started="2026-01-02T10:00:00.000Z"),
        make_run("c" * 32, name="<b>third</b>", status=RunStatus.FAILED, notes=(Note("x", "Something.", "Do."),)),
    ]
    for run in runs:
        folder, journal = RunFolder.create(lab, run)
        journal.close()
        folder.write(run)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_table(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--sort", "metrics.acc DESC"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["bbbbbbbb", "aaaaaaaa", "cccccccc"]
    assert "data/a.csv@12ab34cd" in lines[3]
    assert "12345678 + changes on main" in lines[3]
    assert "1.5 s" in lines[3]


def test_runs_json_is_bounded_and_whole(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "metrics.acc > 0.6", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == 1
    assert data["next"] is None
    assert [item["uid"] for item in data["items"]] == ["b" * 32]
    assert main(["runs", "--limit", "1", "--json"]) == 0
    assert [item["name"] for item in json.loads(capsys.readouterr().out)["items"]] == ["second"]


def test_show(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "aaaa", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["inputs"] == [
        {
            "path": "data/a.csv",
            "digest": "md5:12",
            "size": 3,
            "files": 1,
            "dataset": "data/a.csv",
            "version": "12ab34cd56",
            "seen": "open",
            "cell": None,
        }
    ]
    assert Run.from_json(data) == make_run("a" * 32, **vars_of(project, "a"))
    assert main(["show", "cccc"]) == 1  # a failed run
    assert "Something. Do." in capsys.readouterr().out


def vars_of(project: Path, letter: str) -> dict[str, object]:
    run = RunFolder(LabPaths(project).run(letter * 32)).read()
    return {"metrics": run.metrics, "params": run.params, "inputs": run.inputs, "code": run.code}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["show", "zzzz"], 2, "There is no run 'zzzz'. labnb runs lists them"),
        (["show", "../../etc"], 2, "There is no run"),
        (["show", "aa"], 2, "at least four characters"),
        (["show", "aaaa", "cod"], 2, "Did you mean code?"),
        (["runs", "metrics.acc >"], 2, "a value is missing"),
        (["runs", "--limit", "-1"], 2, "must be 0 or more"),
        (["rnus"], 2, "invalid choice"),
        (["runs", "--sort", "nothing"], 2, "Runs have no attribute 'nothing'"),
        (["-C", "/", "show", "aaaa"], 2, "There is no run"),
    ],
)
def test_wrong_words(project: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str) -> None:
    assert main(words) == code
    assert said in capsys.readouterr().err


def test_broken_folder_hides_nothing_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = LabPaths(project).run("d" * 32)
    broken.folder.mkdir()
    broken.run.write_text("{ no json")
    assert main(["runs"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 5
    assert "dddd" in told.err


def test_empty_project_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(tmp_path), "runs"]) == 0
    assert "Write %%labrun above a cell" in capsys.readouterr().out
    assert not (tmp_path / ".labnb").exists()


def test_installed_command_is_quick(project: Path) -> None:
    """Neither MLflow nor DVC is imported to list runs."""
    script = (
        "import sys; from labnb.cli.main import main; main(['runs']); "
        "print('mlflow' in sys.modules, 'dvc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False False"


def test_every_error_has_an_exit_code() -> None:
    tree = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LabError)]
    for kind in tree:
        assert any(base in EXIT_CODES for base in kind.__mro__), kind


def test_every_command_has_help() -> None:
    text = make_parser().format_help()
    for command in ("runs", "show", "sync"):
        assert command in text
