"""A snapshot that is killed at any moment leaves loose objects behind, and nothing else."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from labnb.adapters.git import GitCodeStore
from tests.adapters.git.conftest import Repo

SCRIPT = """
import sys, itertools
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from labnb.adapters.git import GitCodeStore
root = Path(sys.argv[1])
print("ready", flush=True)
for number in itertools.count():
    (root / "train.py").write_text(f"lr = {number}\\n")
    (root / f"new{number % 5}.py").write_text(f"n = {number}\\n")
    GitCodeStore(root, None, private=root / ".labnb/code").snapshot(f"k{number}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_kill_9_at_a_random_moment(repo: Repo, seed: int) -> None:
    source = str(Path(__file__).resolve().parents[3])
    repo.git("config", "core.hooksPath", "hooks")
    repo.git("stash", "list")
    repo.write("staged.py")
    repo.git("add", "staged.py")
    before = repo.visible()
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", SCRIPT, str(repo.path), source], stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.0, 0.4))
    # The kernel and whatever git it has started die at once, as when a machine's job is ended.
    victims = [child.pid, *(int(pid) for pid in children(child.pid))]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()

    after = repo.visible()
    for key in ("HEAD", "index", "refs", "config", "folder"):
        assert after[key] == before[key], key
    assert not list((repo.path / ".git").glob("*.lock"))
    assert not list((repo.path / ".git/objects/pack").glob("*"))
    fsck = repo.git("fsck", "--full")
    assert "error" not in fsck
    assert "missing" not in fsck

    repo.write("train.py", "after = 1\n")
    code, _ = repo.store().snapshot("later")
    assert repo.kept(code.snapshot, "train.py") == b"after = 1\n"
    on_disk = {path.name for path in repo.path.glob("*.py")}
    assert {name for name in repo.names(code.snapshot) if "/" not in name} == {*on_disk, ".gitignore"}
    for name in on_disk:
        assert repo.kept(code.snapshot, name) == (repo.path / name).read_bytes()


def children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def take(root: str, name: str) -> str:
    path = Path(root)
    (path / f"{name}.py").write_text(f"name = {name!r}\n")
    code, notes = GitCodeStore(path, None, private=path / ".labnb/code").snapshot(name)
    assert notes == ()
    return str(code.snapshot)


def test_many_kernels_at_once(repo: Repo) -> None:
    names = [f"kernel{number}" for number in range(8)]
    with ProcessPoolExecutor(4) as pool:
        snapshots = list(pool.map(take, [str(repo.path)] * len(names), names))
    for name, snapshot in zip(names, snapshots, strict=True):
        assert repo.kept(snapshot, f"{name}.py") == f"name = {name!r}\n".encode()
        assert repo.git("rev-parse", f"refs/labnb/{name}") == snapshot
