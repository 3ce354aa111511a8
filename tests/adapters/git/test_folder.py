"""Without a repository: code-like files, in a private one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labnb.adapters.git import GitCodeStore
from labnb.adapters.git.folder import walk
from tests.adapters.git.conftest import SECRET, WordScanner


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in no repository, wherever the tests' own folder lies."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    made = tmp_path / "plain"
    made.mkdir()
    return made


def store_of(folder: Path, scanner: WordScanner | None = None) -> GitCodeStore:
    return GitCodeStore(folder, scanner, private=folder / ".labnb/code")


def test_an_empty_folder(folder: Path) -> None:
    code, notes = store_of(folder).snapshot("r1")
    assert (code.commit, code.branch, code.dirty, code.left_out, notes) == (None, None, False, (), ())
    assert store_of(folder).recorded_files(str(code.snapshot)) == {}
    assert [path.name for path in folder.iterdir()] == [".labnb"]


def test_code_is_kept_and_data_is_not(folder: Path, tmp_path: Path) -> None:
    for name in ["a.py", "nb.ipynb", "conf/x.yaml", "Makefile", "r/plot.R", "requirements.txt", "dvc.lock"]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"# {name}\r\n")
    for name in ["d.csv", "m.pkl", ".hidden.py", "venv/pyvenv.cfg", "venv/x.py", "node_modules/y.js", ".env"]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no")
    (folder / "big.json").write_text("1" * 2_000_000)
    (folder / ".gitattributes").write_text("* text=auto\n*.py filter=nothing\n")
    code, notes = store_of(folder).snapshot("r1")
    names = {"a.py", "nb.ipynb", "conf/x.yaml", "Makefile", "r/plot.R", "requirements.txt", "dvc.lock"}
    store = store_of(folder)
    assert set(store.recorded_files(str(code.snapshot))) == names
    assert code.left_out == ("big.json: more than 1 MB, taken for data",)
    assert [note.code for note in notes] == ["left_out"]
    store.checkout(str(code.snapshot), tmp_path / "back")
    assert (tmp_path / "back/a.py").read_bytes() == b"# a.py\r\n"


def test_changes_deletions_and_equal_states(folder: Path) -> None:
    store = store_of(folder)
    (folder / "a.py").write_text("a = 1\n")
    first, _ = store.snapshot("r1")
    assert store.snapshot("r2")[0].snapshot == first.snapshot
    (folder / "a.py").write_text("a = 2\n")
    (folder / "b.py").write_text("b = 1\n")
    second, _ = store_of(folder).snapshot("r3")
    assert set(store.recorded_files(str(second.snapshot))) == {"a.py", "b.py"}
    (folder / "a.py").unlink()
    third, _ = store.snapshot("r4")
    assert set(store.recorded_files(str(third.snapshot))) == {"b.py"}
    assert set(store.recorded_files(str(first.snapshot))) == {"a.py"}


def test_secrets_are_masked(folder: Path) -> None:
    (folder / "a.py").write_text(f"key = '{SECRET}'\n")
    store = store_of(folder, scanner := WordScanner())
    code, notes = store.snapshot("r1")
    assert [note.code for note in notes] == ["secret_redacted"]
    again, told = store.snapshot("r2")
    assert (again.snapshot, told, len(scanner.scanned)) == (code.snapshot, notes, 1)
    packed = b"".join(path.read_bytes() for path in (folder / ".labnb").rglob("*") if path.is_file())
    assert SECRET.encode() not in packed


def test_budgets_are_told(folder: Path) -> None:
    for number in range(30):
        (folder / f"f{number:02}.py").write_text("")
    found = walk(str(folder).encode(), max_files=10)
    assert len(found.files) == 10
    assert found.stopped == "more than 10 code files"
    assert walk(str(folder).encode(), max_files=30).stopped == ""


def test_what_dvc_tracks_is_data(folder: Path) -> None:
    for name in ["images/1.txt", "images/deep/2.txt", "images.dvc", "table.json", "table.json.dvc", "free.json"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    code, _ = store_of(folder).snapshot("r1")
    assert set(store_of(folder).recorded_files(str(code.snapshot))) == {"images.dvc", "table.json.dvc", "free.json"}
    assert code.left_out == ()


def test_nested_repositories_are_told(folder: Path) -> None:
    (folder / "other/.git").mkdir(parents=True)
    (folder / "other/x.py").write_text("")
    code, notes = store_of(folder).snapshot("r1")
    assert [note.code for note in notes] == ["nested_repository"]
    assert store_of(folder).recorded_files(str(code.snapshot)) == {}


@pytest.mark.parametrize("what", ["index", "repository", "gone", "state"])
def test_damage_in_the_private_repository_is_repaired(folder: Path, what: str) -> None:
    (folder / "a.py").write_text("a = 1\n")
    store = store_of(folder)
    store.snapshot("r1")
    home = folder / ".labnb/code"
    if what == "index":
        (home / "folder/index").write_bytes(b"garbage")
    elif what == "repository":
        (home / "folder.git/HEAD").write_bytes(b"\xff")
    elif what == "gone":
        shutil.rmtree(home / "folder.git")
    else:
        (home / "folder/state.json").write_text("[")
    (folder / "a.py").write_text("a = 22\n")
    code, _ = store.snapshot("r2")
    assert "a.py" in store.recorded_files(str(code.snapshot))


def test_a_repository_made_later_is_used(folder: Path) -> None:
    from tests.adapters.git.conftest import Repo

    (folder / "a.py").write_text("a = 1\n")
    store = store_of(folder)
    first, _ = store.snapshot("r1")
    made = Repo(folder)
    made.git("init", "-q")
    made.write(".gitignore", ".labnb/\n")
    head = made.commit()
    assert store.snapshot("r2")[0].commit == head
    assert "a.py" in store.recorded_files(str(first.snapshot)), "what was kept before is still found"
