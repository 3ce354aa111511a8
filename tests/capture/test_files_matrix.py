"""Every way in which cells read and write files: each is seen, and nothing else is."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.capture.files_process import see

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's news of folders")


@pytest.fixture
def root() -> Iterator[Path]:
    """A project with data that is used and data that is not."""
    base = Path(tempfile.mkdtemp(prefix="files of a cell "))
    project = base / "projekt ü"
    (project / "data" / "deep").mkdir(parents=True)
    (project / "data" / "a.txt").write_text("alpha")
    (project / "data" / "b.csv").write_text("x,y\n1,2\n3,4\n")
    (project / "data" / "deep" / "c.txt").write_text("gamma")
    for decoy in ("decoy.txt", "data/decoy.csv", "data/deep/decoy.txt", "notes.ipynb"):
        (project / decoy).write_text("never touched")
    (project / ".git").mkdir()
    (project / ".git" / "index").write_text("x")
    yield project
    shutil.rmtree(base, ignore_errors=True)


A, B, C = "data/a.txt", "data/b.csv", "data/deep/c.txt"


@dataclass
class Case:
    """A cell, what must have happened before it, what it reads and what it writes."""

    before: str = ""
    cell: str = ""
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)


def _cases(name: str) -> dict[str, Case]:
    text = (Path(__file__).parent / "files_cells" / f"{name}.txt").read_text(encoding="utf-8")
    cases: dict[str, Case] = {}
    for block in text.split("\n# ")[1:]:
        title, *parts = block.split("\n--- ")
        fields = dict(part.split("\n", 1) for part in parts)
        cases[title] = Case(
            fields.get("before", ""),
            fields["cell"],
            set(fields.get("reads", "").split()),
            set(fields.get("writes", "").split()),
        )
    return cases


PYTHON, NATIVE = _cases("python"), _cases("native")


def _md5(text: str) -> str:
    return "md5:" + hashlib.md5(text.encode()).hexdigest()


@pytest.mark.parametrize("name", PYTHON)
def test_python(root: Path, name: str) -> None:
    case = PYTHON[name]
    seen = see(root, case.cell, case.before)
    assert set(seen.inputs) == case.reads
    assert set(seen.outputs) == case.writes
    assert seen.notes == []
    for path, use in seen.outputs.items():
        assert use["digest"] == "md5:" + hashlib.md5((root / path).read_bytes()).hexdigest()
    for path, text in ((A, "alpha"), (C, "gamma")):
        if path in seen.inputs:
            assert seen.inputs[path]["digest"] == _md5(text), "the content as it was read"
            assert seen.inputs[path]["size"] == 5
            assert seen.inputs[path]["seen"] == "open"


@linux
@pytest.mark.parametrize(
    ("name", "system"),
    [
        *((name, system) for name in NATIVE for system in ("best", "inotify")),
        *((name, "unprivileged") for name in ("parquet by pyarrow", "hdf5", "cat", "shell", "fork", "spawn")),
    ],
)
def test_native(root: Path, name: str, system: str) -> None:
    if system == "unprivileged":
        _need_root()
    case = NATIVE[name]
    seen = see(root, case.cell, case.before, system=system)
    assert set(seen.inputs) == case.reads
    assert set(seen.outputs) == case.writes
    assert seen.notes == []
    for path, use in {**seen.inputs, **seen.outputs}.items():
        assert use["digest"] == "md5:" + hashlib.md5((root / path).read_bytes()).hexdigest()


@linux
@pytest.mark.parametrize("name", ["read", "write", "read, then written", "atomic write", "copy", "sqlite changed"])
def test_python_agrees_with_inotify(root: Path, name: str) -> None:
    case = PYTHON[name]
    seen = see(root, case.cell, case.before, system="inotify")
    assert (seen.system, set(seen.inputs), set(seen.outputs)) == ("inotify", case.reads, case.writes)


def test_without_news_of_folders_commands_tell_what_they_name(root: Path) -> None:
    cell = "import subprocess; open('data/b.csv').read(); subprocess.run(['cat', 'data/a.txt'], capture_output=True)"
    seen = see(root, cell, system="none")
    assert {path: use["seen"] for path, use in seen.inputs.items()} == {A: "args", B: "open"}
    assert [note[0] for note in seen.notes] == ["files-not-watched"]


def _need_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("the other cases run unprivileged already")
