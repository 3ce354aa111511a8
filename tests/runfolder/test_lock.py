"""Locks between processes, also where the file system has none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labnb.runfolder import lock
from labnb.runfolder.lock import try_lock
from tests.needs import need

ROOT = Path(__file__).parents[2]
# Takes the lock named by its first argument, says so, and keeps it until its input ends.
HOLDER = """
import fcntl, os, sys
from pathlib import Path
from labnb.runfolder.lock import try_lock
try:
    fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
    print("flock works", flush=True)
except OSError as error:
    print(error.strerror, try_lock(Path(sys.argv[1])) is not None, try_lock(Path(sys.argv[1]), shared=True), flush=True)
sys.stdin.read()
"""


def test_one_at_a_time_and_those_that_only_ask(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    asking = [try_lock(path, shared=True) for _ in range(2)]
    assert None not in asking
    assert try_lock(path) is None
    for fd in asking:
        os.close(fd)  # type: ignore[arg-type]
    held = try_lock(path)
    assert held is not None
    assert try_lock(path) is None
    assert try_lock(path, shared=True) is None
    os.close(held)
    with pytest.raises(FileNotFoundError):
        try_lock(tmp_path / "nowhere" / "lock")


def test_without_flock_a_file_of_this_machine_is_locked(tmp_path: Path) -> None:
    """For real: `flock` on this one file fails as on a file system without locks."""
    path = tmp_path / "lock"
    path.touch()

    def holder() -> subprocess.Popen[str]:
        command = [
            need("strace"), "-f", "-qq", "-o", "/dev/null", "-P", str(path), "-e", "inject=flock:error=ENOLCK",
            sys.executable, "-c", HOLDER, str(path),
        ]  # fmt: skip
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    with holder() as first, holder() as second:
        assert first.stdout is not None
        assert second.stdout is not None
        said = sorted([first.stdout.readline(), second.stdout.readline()])
        # Of the two one holds it; each sees that it is held.
        assert said == ["No locks available False None\n", "No locks available True None\n"]
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.close()
    stand_in = lock._stand_in(path)
    assert stand_in.parent.stat().st_mode & 0o777 == 0o700
    assert stand_in.exists()
    assert not os.path.samefile(stand_in, path)
    stand_in.unlink()


def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_HERE", tmp_path)
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"labnb-{os.getuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError):
        lock._stand_in(tmp_path / "lock")
