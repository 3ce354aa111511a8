"""The files that a job reads and writes: Python's own opens, with digests taken where the files are."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import stat
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labnb.runner.tree import touched

# The content digests of DVC 3 are plain md5; they are no protection, they name versions.
_CHUNK = 1 << 20
_MOST = 10_000
_SMALL = 16 << 20
_SOON = 1.0
_State = tuple[int, int, int]
_SKIPPED_PARTS = (
    "/.git/",
    "/.labnb/",
    "/site-packages/",
    "/dist-packages/",
    "/__pycache__/",
    "/.ipython/",
    "/.jupyter/",
    ".egg-info/",
    ".dist-info/",
)
_SKIPPED_ENDS = (".pyc", ".pyo", ".so", "-journal", "-wal", "-shm")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/run/", "/etc/", "/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/var/lib/")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_CREAT | os.O_APPEND


class Files:
    """Listens to Python's audit hook from `start` to `stop`.

    What forked children open is told through the run's files.jsonl, in the form that a local record uses; what programs
    and compiled readers do to the work tree is seen by the times of its files.
    """

    def __init__(self, root: str, own: Path, side: Path) -> None:
        self._root = os.path.realpath(root)
        self._side = str(side)
        folders = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()} - {"/", "/usr", "/usr/local", "/opt"}
        self._skipped = tuple({os.path.realpath(folder).rstrip("/") + "/" for folder in {*folders, str(own)}})
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._on = False
        self._pid = os.getpid()
        self._told: set[tuple[str, str]] = set()
        self._watched: set[str] = set()
        # File systems tell times by a clock that is some milliseconds behind.
        self._since = time.time() - 0.02
        self._local = threading.local()
        self._todo: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._known: dict[str, tuple[_State, str]] = {}

    def start(self) -> None:
        """Listen from now on; a hook cannot be taken away again."""
        self._on = True
        threading.Thread(target=self._digest, name="labnb-digests", daemon=True).start()
        sys.addaudithook(self._hook)

    def stop(self) -> None:
        if not self._on:
            return
        self._on = False
        self._todo.put(None)
        read, written = touched(self._root, self._since)
        self._watched = (read | written) - self._read - self._written
        self._read |= read
        self._written |= written

    def _digest(self) -> None:
        """Digest what the cell reads while it runs, so that its end need not wait for that."""
        time.sleep(_SOON)  # short cells go first
        while self._on and (path := self._todo.get()) is not None:
            self._keep(path)

    def _keep(self, path: str) -> None:
        with contextlib.suppress(OSError):
            before = _state(path)
            digest = _md5(path, lambda: not self._on)
            if digest is not None and _state(path) == before:
                self._known[path] = before, digest

    def write(self, target: Path, seconds: float = 60.0) -> list[str]:
        """Write job/files.json; give the files whose digest would have taken longer than `seconds` in all."""
        self._merge()
        deadline = time.monotonic() + seconds
        late: list[str] = []
        now = [self._use(path, deadline, late) for path in sorted(self._read - self._written)[:_MOST]]
        # What was read and then changed is told as it was when it was read.
        before = [
            self._told_of(path, *self._known[path]) for path in sorted(self._read & self._written & set(self._known))
        ]
        written = [self._use(path, deadline, late) for path in sorted(self._written)[:_MOST]]
        data = {"inputs": [use for use in (*before, *now) if use], "outputs": [use for use in written if use]}
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        aside.write_text(json.dumps(data, indent=1), encoding="utf-8", errors="backslashreplace")
        os.replace(aside, target)
        return late

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._on or event not in ("open", "os.rename", "sqlite3.connect"):
            return
        # Inside the user's own call: whatever the record cannot take, that call goes on.
        with contextlib.suppress(Exception):
            if getattr(self._local, "busy", False):
                return
            self._local.busy = True
            try:
                if event == "open":
                    self._opened(args[0], "w" if args[2] & _WRITES else "r")
                elif event == "os.rename":
                    self._opened(args[1], "w")
                elif args[0] != ":memory:":
                    self._opened(args[0], "w")
            finally:
                self._local.busy = False

    def _opened(self, path: object, kind: str) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        text = os.path.abspath(os.fsdecode(path))
        # The work tree itself may lie in the job's folder, and below one that is called .labnb.
        inside = text.startswith(self._root + "/")
        if text.endswith(_SKIPPED_ENDS) or (not inside and text.startswith((*_SYSTEM, *self._skipped))):
            return
        below = text[len(self._root) :] if inside else text
        if any(part in below for part in _SKIPPED_PARTS):
            return
        if os.getpid() != self._pid:
            self._tell(kind, text)
        elif kind == "w":
            if text in self._read and text not in self._known and os.path.getsize(text) <= _SMALL:
                self._keep(text)  # the last moment before it changes
            self._written.add(text)
        elif text not in self._read and len(self._read) < 100_000:
            self._read.add(text)
            self._todo.put(text)

    def _tell(self, kind: str, text: str) -> None:
        if (kind, text) in self._told:
            return
        self._told.add((kind, text))
        handle = os.open(self._side, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, (json.dumps([kind, text]) + "\n").encode("utf-8", "surrogateescape"))
        finally:
            os.close(handle)

    def _merge(self) -> None:
        """Add what forked children told."""
        try:
            lines = Path(self._side).read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):
                kind, text = json.loads(line)
                (self._read if kind == "r" else self._written).add(text)
        with contextlib.suppress(OSError):
            os.unlink(self._side)

    def _use(self, path: str, deadline: float, late: list[str]) -> dict[str, Any] | None:
        try:
            status = os.stat(path)
        except OSError:
            return None  # it came and went within the cell
        if not stat.S_ISREG(status.st_mode):
            return None
        state, digest = self._known.get(path, (None, None))
        if state != _state(path):
            digest = _md5(path, lambda: time.monotonic() > deadline)
        if digest is None:
            late.append(path)
        return self._told_of(path, (0, status.st_size, 0), digest)

    def _told_of(self, path: str, state: _State, digest: str | None) -> dict[str, Any]:
        inside = os.path.relpath(path, self._root) if path.startswith(self._root + "/") else ""
        return {
            "path": inside or path,
            "digest": digest and f"md5:{digest}",
            "size": state[1],
            "files": 1,
            "seen": "watch" if path in self._watched else "open",
        }


def _state(path: str) -> _State:
    """Raises OSError for what is no file: who reads from a pipe takes what the cell waits for."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is no file.")
    return status.st_ino, status.st_size, status.st_mtime_ns


def _md5(path: str, late: Callable[[], bool]) -> str | None:
    """Digest a file as DVC does; None where it is late or cannot be read."""
    digest = hashlib.new("md5", usedforsecurity=False)
    try:
        with open(path, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                if late():
                    return None
    except OSError:
        return None
    return digest.hexdigest()
