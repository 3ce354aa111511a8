"""What a snapshot of a work tree holds, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labnb.adapters.git import GitCodeStore
from labnb.model.errors import CodeStoreError, UsageError
from tests.adapters.git.conftest import Repo


def test_a_clean_tree_is_head_itself(repo: Repo) -> None:
    code, notes = repo.store().snapshot("r1")
    head = repo.git("rev-parse", "HEAD")
    assert (code.commit, code.snapshot, code.ref) == (head, head, "refs/labnb/r1")
    assert (code.branch, code.dirty, code.left_out, notes) == ("main", False, (), ())
    assert repo.git("rev-parse", "refs/labnb/r1") == head


def test_uncommitted_staged_deleted_and_new_files_are_kept(repo: Repo) -> None:
    repo.write("train.py", "lr = 0.5\n")
    repo.write("staged.py", "s = 1\n")
    repo.git("add", "staged.py")
    repo.write("new/cell.py", "n = 1\n")
    repo.write("run.log", "ignored")
    (repo.path / "lib/model.py").unlink()
    before = repo.visible()
    code, _ = repo.store().snapshot("r1")
    assert repo.visible() == before
    assert repo.names(code.snapshot) == {"train.py", "staged.py", "new/cell.py", ".gitignore"}
    assert repo.kept(code.snapshot, "train.py") == b"lr = 0.5\n"
    assert repo.git("rev-parse", f"{code.snapshot}^") == code.commit == repo.git("rev-parse", "HEAD")
    assert code.dirty
    assert repo.git("log", "-1", "--format=%an", str(code.snapshot)) == "labnb"


def test_equal_trees_share_a_commit_and_each_run_has_its_ref(repo: Repo) -> None:
    repo.write("train.py", "lr = 0.5\n")
    store = repo.store()
    first, second = store.snapshot("r1")[0], store.snapshot("r2")[0]
    assert first.snapshot == second.snapshot == repo.git("rev-parse", "refs/labnb/r2")
    repo.write("train.py", "lr = 0.6\n")
    third = repo.store().snapshot("r3")[0]
    assert third.snapshot != first.snapshot
    assert repo.kept(third.snapshot, "train.py") == b"lr = 0.6\n"
    assert repo.kept(first.snapshot, "train.py") == b"lr = 0.5\n"


def test_a_change_is_seen_whatever_happened_to_the_real_index(repo: Repo) -> None:
    store = repo.store()
    repo.write("extra.py", "e = 1\n")
    store.snapshot("r1")
    repo.git("add", "extra.py")
    repo.git("commit", "-q", "-m", "extra")
    assert not store.snapshot("r2")[0].dirty
    repo.write("extra.py", "e = 2\n")
    assert repo.kept(store.snapshot("r3")[0].snapshot, "extra.py") == b"e = 2\n"
    repo.git("checkout", "-q", "extra.py")
    code = store.snapshot("r4")[0]
    assert code.snapshot == code.commit
    repo.git("reset", "-q", "--soft", "HEAD~1")
    code = store.snapshot("r5")[0]
    assert code.dirty
    assert code.commit == repo.git("rev-parse", "HEAD")
    assert repo.kept(code.snapshot, "extra.py") == b"e = 1\n"
    assert repo.git("rev-parse", f"{code.snapshot}^") == code.commit


def test_what_becomes_ignored_leaves_the_snapshot(repo: Repo) -> None:
    store = repo.store()
    repo.write("notes.tmp", "n")
    assert "notes.tmp" in repo.names(store.snapshot("r1")[0].snapshot)
    repo.write(".gitignore", "*.log\n*.tmp\n")
    assert "notes.tmp" not in repo.names(store.snapshot("r2")[0].snapshot)


def test_large_files_are_left_out_and_never_hashed(repo: Repo) -> None:
    repo.write("big.bin", b"\1" * 3000)
    repo.write("train.py", "lr = 1\n" * 1000)
    before = repo.git("count-objects")
    code, notes = repo.store(max_file=2000).snapshot("r1")
    assert set(code.left_out) == {
        "big.bin: 3 kB, over the limit of 2 kB",
        "train.py: 7 kB, over the limit of 2 kB",
    }
    assert repo.names(code.snapshot) == {"lib/model.py", ".gitignore"}
    assert [note.code for note in notes] == ["left_out"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labnb.adapters.git.worktree.MESSAGE", "a commit anew")
        again = repo.store(max_file=2000).snapshot("r2")[0]
    assert (again.snapshot, set(again.left_out)) == (code.snapshot, set(code.left_out))
    added = int(repo.git("count-objects").split()[0]) - int(before.split()[0])
    assert added == 2, "a tree and a commit, no blob"
    (repo.path / "big.bin").write_bytes(b"small now")
    assert "big.bin" in repo.names(repo.store(max_file=2000).snapshot("r3")[0].snapshot)


def test_over_the_total_code_comes_first(repo: Repo) -> None:
    for number in range(5):
        repo.write(f"data{number}.bin", bytes([number]) * 900)
    repo.write("zz.py", "z = 1\n" * 100)
    store = repo.store(max_total=2000)
    code, _ = store.snapshot("r1")
    assert "zz.py" in repo.names(code.snapshot)
    assert len(code.left_out) == 4
    assert "all together over the limit of 2 kB" in code.left_out[0]
    assert len(store.snapshot("r2")[0].left_out) == 4


def test_labnb_s_own_folder_is_never_kept(repo: Repo) -> None:
    (repo.path / ".labnb/.gitignore").unlink()
    repo.write(".labnb/runs/x/journal", "{}")
    repo.write("sub/.labnb/runs/y", "{}")
    code, _ = repo.store().snapshot("r1")
    assert not [name for name in repo.names(code.snapshot) if ".labnb" in name]
    assert not code.dirty
    elsewhere = GitCodeStore(repo.path, None, private=repo.path / "cache")
    assert elsewhere.snapshot("r2")[0].snapshot == code.commit


def test_modes_links_and_odd_names_survive(repo: Repo, tmp_path: Path) -> None:
    os.chmod(repo.write("run.sh", "#!/bin/sh\n"), 0o755)
    (repo.path / "link").symlink_to("train.py")
    (repo.path / "dangling").symlink_to("nowhere")
    names = ["with space.py", 'quo"te.py', "new\nline.py", "übung.py", "-dash.py", "*star.py", "tab\t.py"]
    for name in names:
        repo.write(name)
    raw = os.path.join(os.fsencode(repo.path), b"latin\xe9.py")
    Path(os.fsdecode(raw)).write_text("é = 1\n")
    big = os.path.join(os.fsencode(repo.path), b"big\xe9.bin")
    Path(os.fsdecode(big)).write_bytes(b"0" * 5000)
    store = repo.store(max_file=4000)
    code, _ = store.snapshot("r1")
    assert {*names, "link", "dangling", "run.sh", os.fsdecode(b"latin\xe9.py")} <= repo.names(code.snapshot)
    assert code.left_out == (r"big\xe9.bin: 5 kB, over the limit of 4 kB",)
    store.checkout(str(code.snapshot), tmp_path / "back")
    assert os.access(tmp_path / "back/run.sh", os.X_OK)
    assert os.readlink(tmp_path / "back/link") == "train.py"
    for name in names:
        assert (tmp_path / "back" / name).read_text() == "x = 1\n"


def test_files_that_become_folders_and_back(repo: Repo) -> None:
    store = repo.store()
    (repo.path / "train.py").unlink()
    repo.write("train.py/inner.py")
    code, _ = store.snapshot("r1")
    assert {"train.py/inner.py"} == {name for name in repo.names(code.snapshot) if name.startswith("train")}
    (repo.path / "train.py/inner.py").unlink()
    (repo.path / "train.py").rmdir()
    repo.write("train.py", "back\n")
    repo.write("lib.tmp")
    assert repo.kept(store.snapshot("r2")[0].snapshot, "train.py") == b"back\n"


def test_a_change_in_the_same_instant_and_size_is_seen(repo: Repo) -> None:
    store = repo.store()
    for number in range(30):
        repo.write("train.py", f"lr = {number:03}\n")
        code, _ = store.snapshot(f"r{number}")
        assert repo.kept(code.snapshot, "train.py") == f"lr = {number:03}\n".encode()


def test_the_remote_is_told_without_credentials(repo: Repo) -> None:
    repo.git("remote", "add", "fork", "git@host.example:fork.git")
    repo.git("remote", "add", "origin", "https://ada:token123@host.example/x.git")
    store = repo.store()
    assert store.snapshot("r1")[0].remote == "https://host.example/x.git"
    repo.git("config", "branch.main.remote", "fork")
    assert store.snapshot("r2")[0].remote == "git@host.example:fork.git"


def test_variables_that_lead_git_elsewhere_are_passed_over(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "-q")
    for name, value in {
        "GIT_DIR": str(other.path / ".git"),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": str(other.path / "idx"),
        "GIT_OBJECT_DIRECTORY": str(other.path / "objs"),
    }.items():
        monkeypatch.setenv(name, value)
    repo.write("train.py", "lr = 0.5\n")
    code, _ = repo.store().snapshot("r1")
    assert code.commit == repo.git("rev-parse", "HEAD")
    assert not (other.path / "idx").exists()


def test_hooks_and_settings_start_nothing(repo: Repo, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for hook in ("post-index-change", "reference-transaction", "pre-commit", "post-commit", "fsmonitor"):
        path = repo.path / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {hook} >> {trace}\n")
        path.chmod(0o755)
    repo.git("config", "core.fsmonitor", str(repo.path / ".git/hooks/fsmonitor"))
    repo.git("config", "commit.gpgSign", "true")
    repo.git("config", "gpg.program", "false")
    repo.git("config", "core.logAllRefUpdates", "always")
    repo.git("config", "core.splitIndex", "true")
    repo.git("config", "status.showUntrackedFiles", "no")
    repo.git("config", "status.relativePaths", "true")
    trace.unlink(missing_ok=True)
    repo.write("new.py")
    before = repo.visible()
    code, _ = repo.store().snapshot("r1")
    assert "new.py" in repo.names(code.snapshot)
    assert not trace.exists()
    assert repo.visible() == before
    assert not (repo.path / ".git/logs/refs/labnb").exists()


@pytest.mark.parametrize("uid", ["", "../x", "a/b", "a..b", "x.lock", "-x", "a b", "x.", "a\nb"])
def test_a_uid_that_cannot_name_a_ref_is_refused(repo: Repo, uid: str) -> None:
    with pytest.raises(UsageError, match="cannot name a run"):
        repo.store().snapshot(uid)


def test_recorded_code_is_rebuilt_elsewhere(repo: Repo, tmp_path: Path) -> None:
    repo.write("train.py", "lr = 0.5\r\n")
    repo.write(".gitattributes", "export-me.py export-ignore\n*.txt text eol=crlf\n")
    repo.write("export-me.py")
    repo.write("a.txt", "one\r\ntwo\r\n")
    store = repo.store()
    code, _ = store.snapshot("r1")
    before = repo.visible()
    store.checkout(str(code.snapshot), tmp_path / "back")
    assert repo.visible() == before
    assert (tmp_path / "back/train.py").read_bytes() == b"lr = 0.5\r\n"
    assert (tmp_path / "back/a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (tmp_path / "back/export-me.py").exists()
    with pytest.raises(CodeStoreError, match="not empty"):
        store.checkout(str(code.snapshot), tmp_path / "back")
    with pytest.raises(CodeStoreError, match="not in this project"):
        store.checkout("0" * 40, tmp_path / "other")
