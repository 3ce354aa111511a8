"""The history of files, and snapshots that are completed: against real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labnb.adapters.git import GitCodeStore
from labnb.adapters.git.history import GitFileHistory
from labnb.model.errors import CodeStoreError
from labnb.model.snapshot import CodeVersion


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three commits, the last on a branch; one file has an odd name."""
    git(tmp_path, "init", "-q", "-b", "main")
    odd = "sub/ö *[x].dvc"
    for number in range(3):
        (tmp_path / "sub").mkdir(exist_ok=True)
        (tmp_path / "a.dvc").write_text(f"a {number}")
        (tmp_path / odd).write_text(f"odd {number}")
        (tmp_path / ".gitignore").write_text(".labnb/\n")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", f"commit {number}")
        if number == 1:
            git(tmp_path, "tag", "v1")
            git(tmp_path, "checkout", "-q", "-b", "other")
    return tmp_path


def history(root: Path) -> GitFileHistory:
    return GitFileHistory(root, root / ".labnb/code")


def test_changes_of_a_file_on_all_branches(project: Path) -> None:
    for path in ("a.dvc", "sub/ö *[x].dvc"):
        found = history(project).changes([path])
        assert sorted(change.message for change in found) == ["commit 0", "commit 1", "commit 2"]
        assert {(change.author, change.path, change.hidden) for change in found} == {("Ann", path, False)}
        texts = history(project).blobs(change.blob for change in found)
        assert sorted(text.decode()[-1] for text in texts.values()) == ["0", "1", "2"]


def test_paths_are_relative_to_the_project_in_the_repository(project: Path) -> None:
    (found, *_) = history(project / "sub").changes(["../a.dvc"])
    assert found.path == "../a.dvc"
    assert history(project / "sub").read([("v1", "../a.dvc")]) == {("v1", "../a.dvc"): b"a 1"}
    assert history(project).changes(["../../outside.dvc"]) == ()


def test_revisions_and_names(project: Path) -> None:
    found = history(project)
    assert found.commit("v1") == git(project, "rev-parse", "v1")
    assert found.commit("HEAD~1") == git(project, "rev-parse", "HEAD~1")
    assert found.commit("nope") is None
    assert found.commit("--help") is None
    assert found.commit("v1:a.dvc") is None
    tags, branches = found.names()
    assert (tags, sorted(branches)) == (("v1",), ["main", "other"])


def test_a_removed_file_and_no_repository(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    git(project, "rm", "-q", "a.dvc")
    git(project, "commit", "-qm", "gone")
    newest = next(change for change in history(project).changes(["a.dvc"]) if change.message == "gone")
    assert newest.blob == ""
    empty = history(tmp_path_factory.mktemp("empty"))
    assert empty.changes(["a.dvc"]) == ()
    assert empty.commit("HEAD") is None
    assert empty.names() == ((), ())


def store(root: Path) -> GitCodeStore:
    return GitCodeStore(root, None, private=root / ".labnb/code")


def test_a_snapshot_is_completed_and_the_researcher_sees_nothing(project: Path) -> None:
    (project / "uncommitted.py").write_text("x = 1\n")
    code, _ = store(project).snapshot("run1")
    look = ("status", "--porcelain"), ("rev-parse", "HEAD"), ("for-each-ref", "refs/heads"), ("diff", "--cached")
    before = [git(project, *words) for words in look]
    index = (project / ".git/index").read_bytes()
    done = store(project).follow(code, {str(project / "data/x.csv.dvc"): "pointer", str(project / "a.dvc"): "new"})
    assert [git(project, *words) for words in look] == before
    assert (project / ".git/index").read_bytes() == index
    assert not (project / "data").exists()
    assert git(project, "rev-parse", "refs/labnb/run1") == done.snapshot
    assert git(project, "show", "refs/labnb/run1:data/x.csv.dvc") == "pointer"
    assert git(project, "show", "refs/labnb/run1:a.dvc") == "new"
    assert git(project, "show", "refs/labnb/run1:uncommitted.py") == "x = 1"
    assert git(project, "rev-parse", "refs/labnb/run1~1") == code.snapshot
    # The next snapshot does not have the pointers: they are not in the work tree.
    after, _ = store(project).snapshot("run2")
    assert git(project, "rev-parse", f"{after.snapshot}^{{tree}}") == git(
        project, "rev-parse", f"{code.snapshot}^{{tree}}"
    )
    hidden = [change for change in history(project).changes(["data/x.csv.dvc"]) if change.hidden]
    assert [change.commit for change in hidden] == [done.snapshot]


def test_a_snapshot_without_a_repository(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("x = 1\n")
    code, _ = store(tmp_path).snapshot("run1")
    done = store(tmp_path).follow(code, {str(tmp_path / "x.csv.dvc"): "pointer"})
    assert store(tmp_path).recorded_files(str(done.snapshot)).keys() == {"code.py", "x.csv.dvc"}
    (change,) = history(tmp_path).changes(["x.csv.dvc"])
    assert change.hidden


def test_a_snapshot_that_is_gone(project: Path) -> None:
    with pytest.raises(CodeStoreError, match="not in this project"):
        store(project).follow(CodeVersion(ref="refs/labnb/none", snapshot="1" * 40), {"x": "y"})
    code, _ = store(project).snapshot("run1")
    assert store(project).follow(code, {"/elsewhere/x.dvc": "y"}) == code
