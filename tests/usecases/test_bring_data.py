"""Versions brought for reading: of this project and of another repository, once, whole, and never written over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import labnb
from labnb.lab import open_lab
from labnb.model.errors import DataStoreError, NotFound, StoreUnreachable, UsageError
from tests.adapters.dvc.command import Place, dvc, git


@pytest.fixture
def other(tmp_path: Path) -> Place:
    """A repository with a file and a folder in DVC, one file in git, and a remote."""
    made = Place(tmp_path / "other")
    git(made.path, "init", "-q", "-b", "main")
    dvc(made.path, "init", "-q")
    for number in (1, 2):
        made.write("cells.csv", f"cells {number}\n")
        made.write("images/a.txt", f"a {number}")
        made.write("images/b.txt", "b")
        made.write("code.py", f"x = {number}\n")
        dvc(made.path, "add", "-q", "cells.csv", "images")
        git(made.path, "add", "-A")
        git(made.path, "commit", "-qm", f"data {number}")
        git(made.path, "tag", "-a", f"v{number}", "-m", "x")
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path / "project")
    git(made.path, "init", "-q", "-b", "main")
    made.write(".gitignore", ".labnb/\n")
    made.write("conf.yaml", "lr: 1\n")
    made.write("data/t.csv", "one\n")
    made.writer.add(made.path / "data/t.csv", tags=["first"])
    git(made.path, "add", "-A")
    git(made.path, "commit", "-qm", "one")
    made.write("data/t.csv", "two\n")
    made.writer.add(made.path / "data/t.csv")
    monkeypatch.chdir(made.path)
    return made


def test_of_another_repository(project: Place, other: Place) -> None:
    repo = str(other.path)
    assert labnb.path("cells.csv", repo=repo).read_text() == "cells 2\n"
    assert labnb.open("cells.csv", rev="v1", repo=repo).read() == "cells 1\n"
    folder = labnb.path("images", rev="v1", repo=repo)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.txt": "a 1", "b.txt": "b"}
    assert labnb.path("code.py", rev="v1", repo=repo).read_text() == "x = 1\n"
    before = folder.stat().st_ino
    # A second time nothing is fetched: the repository's data are gone.
    for path in (other.path / ".dvc/cache").rglob("*"):
        if path.is_file():
            path.unlink()
    assert labnb.path("images", rev="v1", repo=repo).stat().st_ino == before
    brought = open_lab().data.bring.bring("images", "v1", repo)
    assert brought.use.dataset == f"{repo}#images"
    assert brought.use.version is not None
    assert brought.use.version.endswith(".dir")


def test_what_is_read_of_it_resolves(project: Place, other: Place) -> None:
    from labnb.adapters.dvc import DvcDataStore
    from labnb.model.dataset import FileUse

    brought = open_lab().data.bring.bring("images", "v1", str(other.path))
    inner = f"{brought.use.path}b.txt"
    import hashlib

    (use,) = DvcDataStore(project.path).resolve([FileUse(inner, f"md5:{hashlib.md5(b'b').hexdigest()}", 1)])
    assert (use.dataset, use.version) == (brought.use.dataset, brought.use.version)
    (changed,) = DvcDataStore(project.path).resolve([FileUse(inner, "md5:" + "0" * 32, 1)])
    assert changed.version is None


def test_of_this_project(project: Place) -> None:
    assert labnb.path("data/t.csv") == project.path / "data/t.csv"
    for rev in ("first", "HEAD", open_lab().data.log.find("data/t.csv@first").version[:8]):
        assert labnb.open("data/t.csv", rev=rev).read() == "one\n"
    assert labnb.open("data/t.csv", rev="latest").read() == "two\n"
    assert labnb.path("conf.yaml", rev="HEAD").read_text() == "lr: 1\n"
    assert (project.path / "data/t.csv").read_text() == "two\n"
    # The recorded version, where the work tree has nothing.
    (project.path / "data/t.csv").unlink()
    assert labnb.open("data/t.csv").read() == "two\n"
    assert not (project.path / "data/t.csv").exists()


def test_a_name_and_a_repository_that_there_are_not(project: Place, other: Place, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has no none"):
        labnb.path("none.csv", repo=str(other.path))
    with pytest.raises((NotFound, DataStoreError), match="v9"):
        labnb.path("cells.csv", rev="v9", repo=str(other.path))
    with pytest.raises(StoreUnreachable):
        labnb.path("cells.csv", repo=str(tmp_path / "nowhere"))
    for name, rev, repo in (
        ("../x", None, str(other.path)),
        ("x", "--upload-pack=touch x", str(other.path)),
        ("x", None, "ext::sh -c x"),
    ):
        with pytest.raises(UsageError):
            labnb.path(name, rev=rev, repo=repo)
    with pytest.raises(NotFound, match=r"Did you mean data/t\.csv"):
        labnb.path("data/tt.csv", rev="first")


def test_nothing_half_brought_is_left(project: Place) -> None:
    version = open_lab().data.log.find("data/t.csv@first").version
    (project.path / ".dvc/cache/files/md5" / version[:2] / version[2:]).unlink()
    with pytest.raises((DataStoreError, NotFound)):
        labnb.path("data/t.csv", rev="first")
    left = [
        path for path in (project.path / ".labnb/cache").rglob("*") if path.is_file() and "stat.db" not in path.name
    ]
    assert left == []
    assert not os.listdir(project.path / ".labnb/cache/bringing")
