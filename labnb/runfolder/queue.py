"""The queue of runs that have something to publish, and the start of the publisher that empties it.

A run is announced by an empty file `.labnb/queue/<uid>`. The publisher holds a lock on `.labnb/publisher.lock` while
it lives; it gives the lock back first and looks at the queue once more before it ends. So whoever makes the file first
and tries the lock second either is seen by a living publisher or finds the lock free and starts one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import labnb
from labnb.runfolder.lock import try_lock
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.watch import FolderWatch

PUBLISHER = "labnb.cli.publisher"
# "0" keeps processes from starting publishers: where one is kept alive elsewhere, as by `labnb sync --watch`.
SWITCH = "LABNB_PUBLISHER"

# The publisher serves a project, not the experiment of the cell that happened to start it.
_NOT_INHERITED = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "LABNB_PARENT_RUN")

# A publisher that was started this short a time ago (seconds) may not have reached its lock yet.
_STARTING = 1.0

_started: list[tuple[float, Path, subprocess.Popen[bytes]]] = []


def announce(lab: LabPaths, uid: str) -> bool:
    """Say that a run has something to publish, and see to it that a publisher lives.

    Takes less than a millisecond; a publisher is started in a thread beside the caller. Never raises: False means
    that the run could not be announced, so that it stays local until `labnb sync`.
    """
    try:
        touch(lab, uid)
        if os.environ.get(SWITCH) != "0" and not publisher_lives(lab):
            threading.Thread(target=start_publisher, args=(lab,), name="labnb-publisher", daemon=True).start()
    except (OSError, RuntimeError):  # RuntimeError: no thread can be started any more
        return False
    return True


def touch(lab: LabPaths, uid: str) -> None:
    """Put a run into the queue; raises OSError."""
    path = lab.queue / uid
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        lab.queue.mkdir(exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.utime(fd)
    finally:
        os.close(fd)


def pending(lab: LabPaths) -> list[str]:
    """List the runs in the queue, the longest waiting first."""
    state = queue_state(lab)
    return sorted(state, key=lambda uid: (state[uid], uid))


def queue_state(lab: LabPaths) -> dict[str, int]:
    """Give the runs in the queue, with the time (ns) at which each was last announced."""
    found = {}
    with contextlib.suppress(OSError), os.scandir(lab.queue) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                found[entry.name] = entry.stat().st_mtime_ns
    return found


def publisher_lives(lab: LabPaths) -> bool:
    """Whether a publisher of this project holds its lock; raises OSError where the lock cannot be tried."""
    # Shared: two that only ask do not take each other for a publisher.
    fd = try_lock(lab.publisher_lock, shared=True)
    if fd is None:
        return True
    os.close(fd)
    return False


def hold_lock(lab: LabPaths, patience: float = 0.2) -> int | None:
    """Become the publisher: give the descriptor that holds the lock, None where another one lives.

    Those who only ask hold the lock for some microseconds; `patience` (seconds) outlasts them.
    """
    lab.home.mkdir(exist_ok=True)
    deadline = time.monotonic() + patience
    while True:
        fd = try_lock(lab.publisher_lock)
        if fd is not None:
            name = f"{socket.gethostname()} {os.getpid()}"
            with contextlib.suppress(OSError):
                os.ftruncate(fd, 0)
                os.pwrite(fd, name.encode(), 0)
                if not os.path.samestat(os.fstat(fd), lab.publisher_lock.stat()):
                    lab.publisher_lock.write_text(name, encoding="utf-8")  # another file is locked in its place
            return fd
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.01)


def stop_publisher(lab: LabPaths) -> bool:
    """Ask the living publisher to end, as soon as it may; False where there is none on this machine."""
    try:
        host, pid = lab.publisher_lock.read_text(encoding="utf-8").split()
        if host == socket.gethostname() and publisher_lives(lab):
            os.kill(int(pid), signal.SIGTERM)
            return True
    except (OSError, ValueError):
        return False
    return False


def start_publisher(lab: LabPaths) -> bool:
    """Start a publisher, detached from this process; False where that is not possible. Never raises.

    One too many does no harm: it finds the lock held, and ends before it imports anything heavy.
    """
    if os.environ.get(SWITCH) == "0":
        return False
    now = time.monotonic()
    # poll() collects those that have ended.
    _started[:] = [item for item in _started if item[2].poll() is None]
    if any(root == lab.root and now - moment < _STARTING for moment, root, _ in _started):
        return True
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    # labnb may have come from a path that only this process knows. The rest of the module path is the interpreter's.
    source = str(Path(labnb.__file__).resolve().parent.parent)
    known = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{known}{os.pathsep}{source}" if known else source
    command = [sys.executable, "-m", PUBLISHER, str(lab.root)]
    try:
        with open(lab.publisher_log, "ab") as log:
            process = subprocess.Popen(
                command,
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
    _started.append((now, lab.root, process))
    return True


def publisher_pids() -> set[int]:
    """Give the publishers that this process started and that have not ended: no work of the cell's."""
    return {process.pid for _, _, process in _started if process.returncode is None}


def publish_now(lab: LabPaths, timeout: float) -> bool:
    """Wait until the queue is empty, with a publisher at work on it.

    Gives False when it is not after `timeout` seconds: a run still goes on, or a store does not answer.
    """
    deadline = time.monotonic() + timeout
    with contextlib.suppress(OSError):
        lab.queue.mkdir(parents=True, exist_ok=True)
    with FolderWatch(lab.queue) as watch:
        while pending(lab):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with contextlib.suppress(OSError):
                if not publisher_lives(lab):
                    start_publisher(lab)
            watch.wait(min(left, 1.0))
    return True
