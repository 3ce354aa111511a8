"""`labnb data` on the command line: the round of a version, JSON, wrong words, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labnb.cli.main import main
from tests.adapters.dvc.command import dvc, environment, git


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two versions of a table and a remote."""
    for name, value in environment(tmp_path / "project").items():
        if name.startswith("DVC_"):
            monkeypatch.setenv(name, value)
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "remote").mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text(".labnb/\n")
    monkeypatch.chdir(folder)
    for number, tag in enumerate(("v1", "v2"), 1):
        (folder / "data/t.csv").write_text("a,b\n" + "1,2\n" * number)
        assert main(["data", "add", "data/t.csv", "-m", f"round {number}", "--tag", tag]) == 0
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", f"data {number}")
    return folder


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, object]:
    capsys.readouterr()
    assert main(["data", *words, "--json"]) == code
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    return found


def text(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["data", *words]) == code
    shown = capsys.readouterr()
    return shown.out + shown.err


def test_the_round_of_a_version(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "data/t.csv" in text(capsys, "list")
    versions = answer(capsys, "log", "data/t.csv")["items"]
    assert isinstance(versions, list)
    assert [(item["message"], item["tags"], item["size"]) for item in versions] == [
        ("round 2", ["v2"], 12),
        ("round 1", ["v1"], 8),
    ]
    assert "rows 1 → 2" in text(capsys, "diff", "data/t.csv@v1", "@v2")
    assert "is s3" not in text(capsys, "remote", "add", "store", str(tmp_path / "remote"), "--default")
    assert answer(capsys, "remote", "test")["ok"] is True
    assert "sent to store" in text(capsys, "push", "--all")
    shutil.rmtree(project / ".dvc/cache")
    (project / "data/t.csv").unlink()
    status = answer(capsys, "status")["items"]
    assert isinstance(status, list)
    assert status[0]["state"] == "not in cache"
    assert "In the work tree again: data/t.csv" in text(capsys, "pull")
    assert "up to date" in dvc(project, "status")
    shutil.rmtree(project / ".dvc/cache")
    assert "1 fetched" in text(capsys, "checkout", "data/t.csv@v1", "--to", "old.csv")
    assert (project / "old.csv").read_text() == "a,b\n1,2\n"
    assert text(capsys, "status") == "Everything is as it is recorded.\n" or "not in cache" in text(capsys, "status")
    assert "rows 1" in text(capsys, "preview", "data/t.csv@v1")
    assert "no recorded run or stage made it" in text(capsys, "lineage", "data/t.csv@v1")


def test_status_tells_what_changed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "many").mkdir()
    for number in range(3):
        (project / f"many/{number}").write_text(str(number))
    assert main(["data", "add", "many"]) == 0
    (project / "many/0").unlink()
    (project / "many/1").write_text("one")
    (project / "many/3").write_text("3")
    shown = text(capsys, "status")
    assert "changed: many" in shown
    for line in ("added 1: 3", "removed 1: 0", "changed 1: 1"):
        assert line in shown


def test_gc_shows_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orphan = project / ".dvc/cache/files/md5/ff"
    orphan.mkdir()
    (orphan / ("f" * 30)).write_text("nobody's")
    assert answer(capsys, "gc")["dry"] is True
    assert answer(capsys, "gc", "--dry-run", "--yes")["dry"] is True
    freed = answer(capsys, "gc", "--yes")
    # What came a moment ago may be about to be named.
    assert (freed["dry"], freed["objects"], freed["young"]) == (False, 0, 1)
    assert "too young" in text(capsys, "gc")
    assert "round 1" in text(capsys, "log", "data/t.csv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["log", "data/x.csv"], "Did you mean data/t.csv"),
        (["checkout", "data/t.csv@v7"], "has no version 'v7'"),
        (["checkout", "data/t.csv@"], "names no version"),
        (["preview", "../../etc/passwd"], "There is no dataset"),
        (["diff", "data/t.csv@v1", "other@v1"], "There is no dataset 'other'"),
        (["add", "nothing.csv"], "nothing.csv"),
        (["push", "--remote", "nowhere"], "nowhere"),
        (["lits"], "invalid choice"),
        ([], "required"),
        (["log", ""], "must be named"),
        (["preview", "data/t.csv", "-n", "many"], "invalid int"),
    ],
)
def test_wrong_words(words: list[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["data", *words]) in (1, 2)
    assert said in capsys.readouterr().err


def test_an_empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no datasets yet" in text(capsys, "list")
    assert "no datasets yet" in text(capsys, "status")
    assert answer(capsys, "list")["items"] == []
    assert "labnb data add" in text(capsys, "push", code=2)


def test_names_from_a_folder_below(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project / "data")
    for name in ("t.csv", "./t.csv", "data/t.csv", str(project / "data/t.csv")):
        assert "round 1" in text(capsys, "log", name)


def test_an_interrupted_add_leaves_the_old_version(project: Path) -> None:
    with open(project / "data/t.csv", "wb") as file:
        file.truncate(3_000_000_000)  # a file of holes: long to read, and no room on the disk
    before = (project / "data/t.csv.dvc").read_bytes()
    command = [sys.executable, "-m", "labnb.cli.main", "data", "add", "data/t.csv"]
    child = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tmp = project / ".dvc/cache"
    end = time.monotonic() + 30
    while not list(tmp.glob("labnb.tmp/*/*")) and child.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode == 130
    assert (project / "data/t.csv.dvc").read_bytes() == before
    (project / "data/t.csv").write_text("a,b\n1,2\n1,2\n")
    assert "up to date" in dvc(project, "status")
