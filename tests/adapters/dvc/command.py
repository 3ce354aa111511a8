"""DVC itself, as people run it, and projects to run it in."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from labnb.adapters.dvc.writer import DvcDataWriter


def environment(folder: Path) -> dict[str, str]:
    """An environment in which DVC knows no settings but the project's."""
    program = Path(sys.executable).with_name("dvc")
    return {
        **os.environ,
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(folder.parent / "no-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder.parent / "no-system"),
        "DVC_SITE_CACHE_DIR": str(folder.parent / "site-cache"),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
    }


_FORKS = """
import json, os, sys
import dvc.cli, dvc.repo, dvc.cli.parser
import dvc.commands.add, dvc.commands.status, dvc.commands.data_sync, dvc.commands.repro
for line in sys.stdin:
    told = json.loads(line)
    pid = os.fork()
    if pid == 0:
        out = os.open(told["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1); os.dup2(out, 2); os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(told["cwd"]); os.environ.clear(); os.environ.update(told["env"])
        sys.argv = ["dvc", *told["args"]]
        code = dvc.cli.main(told["args"])
        sys.stdout.flush(); sys.stderr.flush()
        os._exit(code or 0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class _Forks:
    """A process that has DVC loaded already and becomes a `dvc` command each time: that saves a second of importing."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._folder = tempfile.TemporaryDirectory(prefix="labnb-dvc-")
        self._lock = threading.Lock()
        atexit.register(self._end)

    def run(self, folder: Path, args: tuple[str, ...]) -> tuple[int, str]:
        out = Path(self._folder.name, "out")
        told = {"cwd": str(folder), "env": environment(folder), "args": list(args), "out": str(out)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            print(json.dumps(told), file=self._process.stdin, flush=True)
            return int(self._process.stdout.readline()), out.read_text()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


@cache
def _forks() -> _Forks:
    return _Forks()


def dvc(folder: Path, *args: str, code: int = 0) -> str:
    """Run a `dvc` command in a process of its own; gives what it prints."""
    found, text = _forks().run(folder, args)
    assert found == code, text
    return text


def git(folder: Path, *args: str) -> str:
    """Run git as somebody."""
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *args], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass
class Place:
    """A project folder with a writer."""

    path: Path
    writer: DvcDataWriter = field(init=False)

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.again()

    def again(self) -> DvcDataWriter:
        """A writer of another process: it has read nothing yet."""
        self.writer = DvcDataWriter(self.path)
        return self.writer

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def files(self, name: str) -> dict[str, bytes]:
        """The content of a file or folder in the project."""
        return content_of(self.path / name)

    def accepts(self) -> None:
        """DVC finds everything in order."""
        assert "up to date" in dvc(self.path, "status")


def content_of(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(item.relative_to(path)): item.read_bytes() for item in sorted(path.rglob("*")) if item.is_file()}


def everything(path: Path) -> dict[str, tuple[int, int, int]]:
    """The state of every file and folder below a path: nothing that writes escapes it."""
    found = {}
    for item in path.rglob("*"):
        if ".git" not in item.parts:
            with contextlib.suppress(FileNotFoundError):  # a database's own passing files
                status = item.lstat()
                found[str(item)] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found
