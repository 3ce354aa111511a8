"""DVC's own locks: taken before pointers and work-tree files are changed, never for reading; who holds them is told.

DVC locks `.dvc/tmp/lock` (by `flock`, or by hard links where `core.hardlink_lock` says so), and notes in
`.dvc/tmp/rwlock` which files a stage that it runs reads and writes (dvc/lock.py, dvc/rwlock.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labnb.adapters.dvc.settings import Settings
from labnb.adapters.dvc.wording import from_os
from labnb.model.address import without_secrets
from labnb.model.errors import StoreLocked
from labnb.model.wording import duration_text, short

#: Seconds for which a lock is waited for.
PATIENCE = 10.0
_LOOK = 0.05


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: "" and None for what cannot be known. `since` is in seconds since the epoch."""

    pid: int | None
    host: str = ""
    command: str = ""
    user: str = ""
    since: float | None = None

    def __str__(self) -> str:
        text = f"process {self.pid}" if self.pid else "another process"
        if self.command:
            text += f" ({self.command})"
        if self.user:
            text += f" of {self.user}"
        if self.host:
            text += f" on {self.host}"
        if self.since is not None:
            clock = time.strftime("%H:%M:%S", time.localtime(self.since))
            text += f" since {clock}, for {duration_text(max(0.0, time.time() - self.since))}"
        return text


@contextlib.contextmanager
def locked(settings: Settings, paths: tuple[str, ...] = (), patience: float | None = None) -> Iterator[None]:
    """Hold the lock of a DVC project, with no stage of its pipelines at work on `paths`.

    Raises StoreLocked, saying who holds it and since when, after `patience` seconds.
    """
    held = _wait(settings, paths, PATIENCE if patience is None else patience)
    try:
        yield
    finally:
        held.close()


def _wait(settings: Settings, paths: tuple[str, ...], patience: float) -> _FileLock | _HardlinkLock:
    deadline = time.monotonic() + patience
    try:
        os.makedirs(settings.tmp, exist_ok=True)
        while True:
            held = _acquire(settings)
            if isinstance(held, Holder):
                blocker, what = held, f"DVC's project {settings.top}"
            else:
                found = _at_work(settings, paths)
                if found is None:
                    return held
                held.close()
                blocker, what = found
            if time.monotonic() > deadline:
                raise StoreLocked(
                    f"{what} is held by {blocker}. Nothing was changed.", "Wait for it to end, and try again."
                )
            time.sleep(_LOOK)
    except OSError as error:
        raise from_os(error, f"DVC's project {settings.top} cannot be locked") from error


def holder(settings: Settings) -> Holder:
    """Say who holds the lock, as far as its file tells."""
    path = os.path.join(settings.tmp, "lock")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            words = file.read(500).strip().partition(";")
        since: float | None = os.stat(path).st_mtime
    except OSError:
        return Holder(None)
    if since is not None and since > time.time() + 86400:
        since -= 365 * 86400  # a lock by hard links carries the time at which it would end
    if not words[0].isdigit():
        return Holder(None, since=since)
    here = socket.gethostname()
    pid, host = int(words[0]), words[2] or here
    if host != here:
        return Holder(pid, host, since=since)
    command, user = _process(pid)
    return Holder(pid, host if command else "", command, user, since)


class _FileLock:
    """DVC's usual lock, by the library that DVC takes it with; its file also tells the machine."""

    def __init__(self, path: str) -> None:
        import zc.lockfile

        self._lock = zc.lockfile.LockFile(path, content_template="{pid};{hostname}")

    def close(self) -> None:
        self._lock.close()


class _HardlinkLock:
    """DVC's lock for file systems that know no other."""

    def __init__(self, path: str, tmp: str) -> None:
        from dvc.lock import HardlinkLock

        self._lock = HardlinkLock(path, tmp_dir=tmp)
        self._lock.lock(timeout=1)

    def close(self) -> None:
        self._lock.unlock()


def _acquire(settings: Settings) -> _FileLock | _HardlinkLock | Holder:
    path = os.path.join(settings.tmp, "lock")
    if settings.hardlink_lock:
        from dvc.lock import LockError as HardlinkLockError

        try:
            return _HardlinkLock(path, settings.tmp)
        except HardlinkLockError:
            return holder(settings)
    import zc.lockfile

    try:
        return _FileLock(path)
    except zc.lockfile.LockError:
        return holder(settings)


def _at_work(settings: Settings, paths: tuple[str, ...]) -> tuple[Holder, str] | None:
    """Give who reads or writes one of the paths, by DVC's own notes; those of processes that are gone do not count."""
    notes = os.path.join(settings.tmp, "rwlock")
    try:
        with open(notes, encoding="utf-8") as file:
            data = json.load(file)
        since = os.stat(notes).st_mtime
    except (OSError, ValueError):
        return None
    for kind in ("write", "read"):
        section = data.get(kind) if isinstance(data, dict) else None
        for noted, infos in (section or {}).items():
            for info in infos if isinstance(infos, list) else [infos]:
                pid = _pid(info)
                if pid is None or not any(_overlap(noted, path) for path in paths):
                    continue
                command, user = _process(pid)
                if command:
                    return Holder(pid, "", without_secrets(str(info.get("cmd", ""))), user, since), noted
    return None


def _pid(info: Any) -> int | None:
    try:
        pid = int(info["pid"])
    except (TypeError, KeyError, ValueError):
        return None
    return pid if pid != os.getpid() else None


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(other + os.sep) or other.startswith(one + os.sep)


def _process(pid: int) -> tuple[str, str]:
    """Give the command line (shortened) and the user of a process, "" where it is not there."""
    import psutil

    try:
        process = psutil.Process(pid)
        words, user = [word for word in process.cmdline() if word], process.username()
    except (psutil.AccessDenied, psutil.ZombieProcess):
        return "?", ""
    except (psutil.Error, OSError, KeyError):
        return "", ""
    if words and os.path.basename(words[0]).startswith("python") and len(words) > 1:
        words = words[1:]  # what runs, not what it is run by
    if words:
        words[0] = os.path.basename(words[0])
    return short(without_secrets(shlex.join(words)), 80) or "?", user
