"""Repositories in every awkward state: a snapshot where one is possible, a clear word where not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labnb.adapters.git import GitCodeStore, process
from labnb.adapters.git.process import Git, GitSlow
from labnb.model.errors import CodeStoreError
from tests.adapters.git.conftest import Repo

NOBODY = 65534


def codes(notes: tuple) -> list[str]:
    return [note.code for note in notes]


def test_a_repository_without_commits(repo: Repo, tmp_path: Path) -> None:
    empty = Repo(tmp_path / "empty")
    empty.path.mkdir()
    empty.git("init", "-q", "-b", "trunk")
    store = empty.store()
    code, notes = store.snapshot("r0")
    assert (code.commit, code.branch, notes) == (None, "trunk", ())
    empty.write("a.py")
    code, _ = store.snapshot("r1")
    assert code.commit is None
    assert store.snapshot("r2")[0].snapshot == code.snapshot
    assert "a.py" in empty.names(code.snapshot)
    assert empty.git("rev-list", "--count", str(code.snapshot)) == "1"
    assert not (empty.path / ".git/index").exists()


def test_detached_head(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")
    code, _ = repo.store().snapshot("r1")
    assert code.branch is None
    assert code.commit == repo.git("rev-parse", "HEAD")


@pytest.mark.parametrize("operation", ["merge", "rebase", "cherry-pick"])
def test_in_the_middle_of(repo: Repo, operation: str) -> None:
    repo.git("checkout", "-q", "-b", "side")
    repo.write("train.py", "lr = 1\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("train.py", "lr = 2\n")
    repo.commit()
    repo.git(operation, "side", check=False)
    assert "UU train.py" in repo.git("status", "--short")
    before = repo.visible()
    code, notes = repo.store().snapshot("r1")
    assert codes(notes) == ["git_in_progress"]
    assert operation in notes[0].message
    assert b"<<<<<<<" in repo.kept(code.snapshot, "train.py")
    assert repo.visible() == before
    assert repo.store().snapshot("r2")[0].snapshot == code.snapshot


def test_submodules_are_recorded_and_nested_repositories_told(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "-q")
    other.write("m.py")
    first = other.commit()
    repo.git("submodule", "add", "-q", str(other.path), "libs/other")
    repo.commit("submodule")
    store = repo.store()
    code, notes = store.snapshot("r1")
    assert (code.submodules, notes, code.dirty) == ({"libs/other": first}, (), False)

    inside = Repo(repo.path / "libs/other")
    inside.write("m.py", "x = 2\n")
    before = repo.visible()
    index = repo.path / ".git/modules/libs/other/index"
    stamp = index.stat().st_mtime_ns
    code, notes = store.snapshot("r2")
    assert codes(notes) == ["submodule_dirty"]
    assert index.stat().st_mtime_ns == stamp
    assert repo.visible() == before

    second = inside.commit()
    code, notes = store.snapshot("r3")
    assert (code.submodules, codes(notes), code.dirty) == ({"libs/other": second}, [], True)
    assert second in repo.git("ls-tree", str(code.snapshot), "libs/other")

    nested = Repo(repo.path / "vendor/thing")
    nested.path.mkdir(parents=True)
    nested.git("init", "-q")
    nested.write("n.py")
    nested.commit()
    code, notes = store.snapshot("r4")
    assert codes(notes) == ["nested_repository"]
    assert "vendor/thing/" in notes[0].message
    assert not [name for name in repo.names(code.snapshot) if name.startswith("vendor")]


def test_worktrees_shallow_clones_and_sparse_checkouts(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "wt", str(tmp_path / "wt"))
    tree = Repo(tmp_path / "wt")
    tree.write("train.py", "lr = 7\n")
    code, _ = GitCodeStore(tree.path, None, private=tmp_path / "p1").snapshot("w1")
    assert code.branch == "wt"
    assert repo.kept(code.snapshot, "train.py") == b"lr = 7\n"
    assert repo.git("rev-parse", "refs/labnb/w1") == code.snapshot

    repo.commit("more")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow")
    shallow.write("train.py", "lr = 8\n")
    code, notes = GitCodeStore(shallow.path, None, private=tmp_path / "p2").snapshot("s1")
    assert (shallow.kept(code.snapshot, "train.py"), notes) == (b"lr = 8\n", ())

    shallow.git("checkout", "-q", "train.py")
    shallow.git("sparse-checkout", "set", "--cone", "nothing")
    assert not (shallow.path / "lib").exists()
    code, _ = GitCodeStore(shallow.path, None, private=tmp_path / "p2").snapshot("s2")
    assert code.snapshot == code.commit
    shallow.write("nothing/new.py")
    code, _ = GitCodeStore(shallow.path, None, private=tmp_path / "p2").snapshot("s3")
    assert {"lib/model.py", "nothing/new.py"} <= shallow.names(code.snapshot)


def test_a_project_below_the_top_keeps_the_whole_tree(repo: Repo) -> None:
    repo.write("train.py", "lr = 9\n")
    project = repo.path / "lib"
    code, _ = GitCodeStore(project, None, private=project / ".labnb/code").snapshot("r1")
    assert repo.names(code.snapshot) == {"train.py", "lib/model.py", ".gitignore"}


def test_a_project_that_its_repository_ignores_is_kept_apart(repo: Repo) -> None:
    repo.write(".gitignore", "scratch/\n")
    (repo.write("scratch/play.py")).parent.joinpath(".labnb").mkdir()
    project = repo.path / "scratch"
    store = GitCodeStore(project, None, private=project / ".labnb/code")
    code, notes = store.snapshot("r1")
    assert codes(notes) == ["git_unusable"]
    assert "is ignored by" in notes[0].message
    assert set(store.recorded_files(str(code.snapshot))) == {"play.py"}


def test_a_bare_repository(tmp_path: Path, repo: Repo) -> None:
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    store = GitCodeStore(tmp_path / "bare.git", None, private=tmp_path / "p")
    code, notes = store.snapshot("r1")
    assert codes(notes) == ["git_unusable"]
    assert "bare" in notes[0].message
    assert code.commit is None
    assert "refs/labnb" not in repo.git("for-each-ref", cwd=tmp_path / "bare.git")


@pytest.mark.parametrize("damage", ["HEAD", "config", "gitfile", "no HEAD"])
def test_a_broken_repository_is_told_and_the_code_kept(repo: Repo, damage: str) -> None:
    git_dir = repo.path / ".git"
    if damage == "gitfile":
        shutil.rmtree(git_dir)
        git_dir.write_text("gitdir: /nowhere/at/all\n")
    elif damage == "no HEAD":
        (git_dir / "HEAD").unlink()
    else:
        (git_dir / damage).write_bytes(b"\xff\0garbage[")
    store = repo.store()
    code, notes = store.snapshot("r1")
    assert codes(notes) == ["git_unusable"]
    assert notes[0].hint
    assert code.commit is None
    assert "train.py" in store.recorded_files(str(code.snapshot))


def test_a_broken_repository_within_a_sound_one(repo: Repo) -> None:
    inner = repo.path / "inner"
    (inner / ".git").mkdir(parents=True)
    (inner / "a.py").write_text("a = 1\n")
    store = GitCodeStore(inner, None, private=inner / ".labnb/code")
    code, notes = store.snapshot("r1")
    assert codes(notes) == ["git_unusable"]
    assert "not a git repository" in notes[0].message
    assert code.commit is None


@pytest.mark.parametrize("content", [b"", b"garbage", b"DIRC\0\0\0\2\xff\xff\xff\xff"])
def test_damaged_indexes_are_lived_with(repo: Repo, content: bytes) -> None:
    repo.write("new.py")
    store = repo.store()
    first, _ = store.snapshot("r1")
    private = next((repo.path / ".labnb/code").glob("tree-*/index"))
    private.write_bytes(content)
    repo.write("new.py", "changed = 1\n")
    code, notes = store.snapshot("r2")
    assert repo.kept(code.snapshot, "new.py") == b"changed = 1\n"
    assert notes == ()

    (repo.path / ".git/index").write_bytes(content)
    code, notes = store.snapshot("r3")
    assert repo.names(code.snapshot) == repo.names(first.snapshot)
    assert (repo.path / ".git/index").read_bytes() == content
    assert code.commit == first.commit


def test_a_damaged_state_file_costs_nothing_but_time(repo: Repo) -> None:
    store = repo.store()
    first, _ = store.snapshot("r1")
    state = next((repo.path / ".labnb/code").glob("tree-*/state.json"))
    for text in ("", "{", "[]", "null", json.dumps({"source": 1, "redacted": 3})):
        state.write_text(text)
        assert store.snapshot("r2")[0].snapshot == first.snapshot


def test_a_snapshot_that_was_collected_is_made_again(repo: Repo) -> None:
    repo.write("train.py", "lr = 0.5\n")
    store = repo.store()
    first, _ = store.snapshot("r1")
    repo.git("update-ref", "-d", "refs/labnb/r1")
    repo.git("gc", "-q", "--prune=now")
    code, _ = store.snapshot("r2")
    assert repo.kept(code.snapshot, "train.py") == b"lr = 0.5\n"
    assert first.ref != code.ref


def test_missing_objects(repo: Repo) -> None:
    tree = repo.git("rev-parse", "HEAD^{tree}")
    (repo.path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    store = repo.store()
    code, notes = store.snapshot("r1")
    assert codes(notes) == ["git_unusable"]
    assert "train.py" in store.recorded_files(str(code.snapshot))


def test_a_filter_that_fails_is_passed_over(repo: Repo) -> None:
    repo.write(".gitattributes", "*.dat filter=lfs\n")
    repo.commit()
    repo.git("config", "filter.lfs.clean", "no-such-program clean %f")
    repo.git("config", "filter.lfs.process", "no-such-program filter-process")
    repo.git("config", "filter.lfs.required", "true")
    repo.write("x.dat", "raw")
    code, notes = repo.store().snapshot("r1")
    assert codes(notes) == ["git_filter"], notes
    assert repo.kept(code.snapshot, "x.dat") == b"raw"


def test_a_filter_that_works_is_git_s_business(repo: Repo, tmp_path: Path) -> None:
    repo.write(".gitattributes", "*.dat filter=up\n")
    repo.commit()
    repo.git("config", "filter.up.clean", "tr a-z A-Z")
    repo.git("config", "filter.up.smudge", "tr A-Z a-z")
    repo.write("x.dat", "words")
    store = repo.store()
    code, _ = store.snapshot("r1")
    assert repo.kept(code.snapshot, "x.dat") == b"WORDS"
    store.checkout(str(code.snapshot), tmp_path / "back")
    assert (tmp_path / "back/x.dat").read_bytes() == b"words"


def test_a_slow_look_for_new_files_is_given_up(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Git.run

    def slow(self: Git, command: str, *args: str | bytes, **kwargs: object) -> bytes:
        if "--untracked-files=all" in args:
            raise GitSlow(command, -1, "too slow")
        return run(self, command, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "run", slow)
    repo.write("new.py")
    repo.write("train.py", "lr = 3\n")
    store = repo.store()
    code, notes = store.snapshot("r1")
    assert codes(notes) == ["untracked_skipped"]
    assert repo.kept(code.snapshot, "train.py") == b"lr = 3\n"
    assert codes(store.snapshot("r2")[1]) == ["untracked_skipped"]


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(process, "program", lambda: str(program))
    with pytest.raises(GitSlow):
        Git(tmp_path).run("status", timeout=0.2)


def test_without_git(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    process.program.cache_clear()
    with pytest.raises(CodeStoreError, match="git is not on PATH"):
        repo.store().snapshot("r1")


SCRIPT = """
import json, os, subprocess, sys
sys.path.insert(0, {source!r})
from pathlib import Path
from labnb.adapters.git import GitCodeStore
from labnb.model.errors import LabError
# The interpreter may lie where others cannot read it: all is imported by now.
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
store = GitCodeStore(Path({root!r}), None, private=Path({private!r}))
try:
    code, notes = store.snapshot("r1")
    print(json.dumps([code.commit, code.snapshot, [(n.code, n.message, n.hint) for n in notes],
        sorted(store.recorded_files(code.snapshot)), list(code.left_out)]))
except LabError as error:
    print(json.dumps([error.message, error.hint]))
"""


def as_nobody(root: Path, private: Path) -> list:
    """Take a snapshot as a user who owns nothing (only root can become one)."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    source = str(Path(__file__).resolve().parents[3])
    script = SCRIPT.format(nobody=NOBODY, source=source, root=str(root), private=str(private))
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder whose parents everybody may pass."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and len(folder.parts) > 2:
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


def test_a_repository_of_another_user(repo: Repo, open_path: Path) -> None:
    private = open_path / "private"
    private.mkdir()
    os.chown(private, NOBODY, NOBODY)
    commit, snapshot, notes, files, _ = as_nobody(repo.path, private)
    assert commit is None
    assert snapshot
    assert [note[0] for note in notes] == ["git_unusable"]
    assert "belongs to another user" in notes[0][1]
    assert "safe.directory" in notes[0][2]
    assert "train.py" in files


def test_a_trusted_repository_that_cannot_be_written(
    repo: Repo, open_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = open_path / "gitconfig"
    config.write_text("[safe]\n\tdirectory = *\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    private = open_path / "private"
    private.mkdir()
    os.chown(private, NOBODY, NOBODY)
    repo.write("new.py")
    repo.write("hidden.py").chmod(0o600)
    repo.write("plots.png", b"\x89PNG")
    before = repo.visible()
    commit, _, notes, files, left_out = as_nobody(repo.path, private)
    assert commit == repo.git("rev-parse", "HEAD")
    assert [note[0] for note in notes] == ["git_read_only", "left_out"]
    assert {"new.py", "plots.png", "train.py"} <= set(files)
    assert left_out == ["hidden.py: cannot be read (Permission denied)"]
    assert repo.visible() == before
    assert not repo.git("for-each-ref", "refs/labnb")


def test_a_private_folder_that_cannot_be_written(repo: Repo, open_path: Path) -> None:
    message, hint = as_nobody(repo.path, open_path / "nope")
    assert "cannot be written" in message
    assert hint


FULL_DISK = """
import resource, signal, sys
sys.path.insert(0, {source!r})
from pathlib import Path
from labnb.adapters.git import GitCodeStore
from labnb.model.errors import CodeStoreError
store = GitCodeStore(Path({root!r}), None, private=Path({root!r}) / ".labnb/code")
if {warm}:
    store.snapshot("warm")
Path({root!r}, "more.py").write_text("m = 1\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    store.snapshot("r1")
except CodeStoreError as error:
    print(error)
"""


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("with_git", [False, True])
def test_a_full_disk(repo: Repo, warm: bool, with_git: bool) -> None:
    if not with_git:
        shutil.rmtree(repo.path / ".git")
    else:
        before = repo.visible()
    source = str(Path(__file__).resolve().parents[3])
    script = FULL_DISK.format(source=source, root=str(repo.path), warm=warm)
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The code was not kept"), done.stdout
    assert "disk" in done.stdout
    if with_git:
        (repo.path / "more.py").unlink()
        assert repo.visible() == before
        repo.write("more.py", "m = 1\n")
    code, notes = repo.store().snapshot("later")
    assert notes == ()
    assert "more.py" in repo.store().recorded_files(str(code.snapshot))
