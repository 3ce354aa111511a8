"""A helper process of a project, one at a time: whoever needs it starts it, and it ends by itself.

It holds a lock on a file while it lives. Whoever leaves work for it first and tries the lock second either is seen by
the living one or finds the lock free and starts another; so no work is left lying.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import labnb

# One that was started this short a time ago (seconds) may not have reached its lock yet.
_STARTING = 1.0
_started: list[tuple[float, Path, subprocess.Popen[bytes]]] = []


@dataclass(frozen=True)
class Attendant:
    """`python -m MODULE ROOT`, with the lock and the log of it. `switch` names a variable that, at "0", forbids it."""

    module: str
    root: Path
    lock: Path
    log: Path
    switch: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def lives(self) -> bool:
        """Whether one holds the lock; raises OSError where the lock cannot be tried."""
        fd = os.open(self.lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # Shared: two that only ask do not take each other for it.
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def hold(self, patience: float = 0.2) -> int | None:
        """Become the attendant: give the descriptor that holds the lock, None where another one lives."""
        fd = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(fd, 0)
                os.pwrite(fd, f"{socket.gethostname()} {os.getpid()}".encode(), 0)
                return fd
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(fd)
                    return None
                time.sleep(0.01)

    def pid(self) -> int | None:
        """Give the process that holds the lock; None where there is none on this machine."""
        try:
            host, pid = self.lock.read_text(encoding="utf-8").split()
            return int(pid) if host == socket.gethostname() and self.lives() else None
        except (OSError, ValueError):
            return None

    def stop(self) -> bool:
        """Ask the living one to end as soon as it may; False where there is none on this machine."""
        pid = self.pid()
        if pid is None:
            return False
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
            return True
        return False

    def see_to_it(self) -> None:
        """Start one beside the caller where none lives. Never raises."""
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: no thread can be started any more
            if os.environ.get(self.switch or "-") != "0" and not self.lives():
                threading.Thread(target=self.start, name="labnb-attendant", daemon=True).start()

    def start(self) -> bool:
        """Start one, detached from this process; False where that is not possible. Never raises.

        One too many does no harm: it finds the lock held, and ends.
        """
        if os.environ.get(self.switch or "-") == "0":
            return False
        now = time.monotonic()
        _started[:] = [item for item in _started if item[2].poll() is None]
        if any(lock == self.lock and now - moment < _STARTING for moment, lock, _ in _started):
            return True
        environment = {**os.environ, **self.environment}
        # labnb may have come from a path that only this process knows.
        source = str(Path(labnb.__file__).resolve().parent.parent)
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{known}{os.pathsep}{source}" if known else source
        try:
            with open(self.log, "ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", self.module, str(self.root)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    # `-m` puts the working directory first in the module path; here it holds no modules of the user's.
                    cwd="/",
                    start_new_session=True,
                    close_fds=True,
                )
        except (OSError, ValueError, subprocess.SubprocessError):
            return False
        _started.append((now, self.lock, process))
        return True
