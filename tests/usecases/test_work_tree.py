"""What a job's work tree holds: the code as it was, the data in their recorded versions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labnb.lab import Lab, open_lab
from labnb.usecases.work_tree import COPIED, WorkTree
from tests.magics.jobs_project import make_project


def dvc(root: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *words, "-q"], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a dataset of one file and one of a folder, both also on a remote."""
    root = make_project(tmp_path_factory.mktemp("tree") / "p")
    (root / "table.csv").write_text("then")
    (root / "images" / "deep").mkdir(parents=True)
    for name in ("a.txt", "deep/b.txt"):
        (root / "images" / name).write_text(name)
    dvc(root, "init")
    dvc(root, "add", "table.csv", "images")
    dvc(root, "remote", "add", "-d", "store", str(root.parent / "remote"))
    dvc(root, "push")
    return root


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Lab:
    root = tmp_path / "p"
    shutil.copytree(made, root, symlinks=True)
    return open_lab(root)


def tree_of(lab: Lab, tmp_path: Path, *files: str) -> tuple[Path, list[str]]:
    tree: WorkTree = lab.jobs.send.tree
    code, _ = lab.record_run.code_store.snapshot("trial")
    place = tmp_path / "work"
    tree.export(code.snapshot, place)
    needed, notes = tree.needed(place, files)
    notes += tree.fill(place, needed)
    return place, [note.message for note in notes]


def test_data_come_in_their_recorded_version(lab: Lab, tmp_path: Path) -> None:
    (lab.root / "table.csv").write_text("now, and in no version")
    (lab.root / "images" / "deep" / "b.txt").unlink()
    work, notes = tree_of(lab, tmp_path)
    assert (work / "table.csv").read_text() == "then"
    assert (work / "images" / "deep" / "b.txt").read_text() == "deep/b.txt"
    assert notes == []
    (work / "table.csv").write_text("the job's own")
    assert (lab.root / "table.csv").read_text() == "now, and in no version"


def test_what_this_machine_lacks_is_fetched_from_the_remote(lab: Lab, tmp_path: Path) -> None:
    shutil.rmtree(lab.root / ".dvc" / "cache")
    shutil.rmtree(lab.root / "images")
    work, notes = tree_of(lab, tmp_path)
    assert (work / "images" / "a.txt").read_text() == "a.txt"
    assert notes == []


def test_what_is_nowhere_is_told(lab: Lab, tmp_path: Path) -> None:
    for place in (lab.root / ".dvc" / "cache", lab.root / "images"):
        shutil.rmtree(place)
    dvc(lab.root, "remote", "modify", "store", "url", str(tmp_path / "nothing here"))
    work, notes = tree_of(lab, tmp_path)
    assert (work / "table.csv").read_text() == "then", "the work tree has this version"
    assert not (work / "images").exists()
    assert any("images in its recorded version" in note for note in notes)


def test_data_that_no_version_holds(lab: Lab, tmp_path: Path) -> None:
    (lab.root / ".gitignore").write_text("*.bin\n")
    (lab.root / "small.bin").write_bytes(b"1")
    with open(lab.root / "large.bin", "wb") as file:
        file.truncate(COPIED + 1)
    work, notes = tree_of(lab, tmp_path, "small.bin", "large.bin", "../outside", ".labnb", "no/such/file")
    assert (work / "small.bin").read_bytes() == b"1"
    assert not (work / "small.bin").is_symlink()
    assert (work / "large.bin").resolve() == lab.root / "large.bin"
    assert notes == ["large.bin is used where it lies: the job sees it as it is when it reads it."]


def test_a_project_below_the_top_of_its_repository(tmp_path: Path) -> None:
    top = make_project(tmp_path / "top")
    root = top / "part" / "lab"
    root.mkdir(parents=True)
    (root / "labnb.toml").write_text("")
    (root / "own.py").write_text("")
    lab = open_lab(root)
    tree = lab.jobs.send.tree
    code, _ = lab.record_run.code_store.snapshot("trial")
    assert tree.inside(code.snapshot) == "part/lab"
    tree.export(code.snapshot, tmp_path / "work")
    assert (tmp_path / "work" / "part" / "lab" / "own.py").exists()
    assert (tmp_path / "work" / "doubling.py").exists()
