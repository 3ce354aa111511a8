"""What processes that were killed left behind under `.labnb`, and nobody needs."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.queue import queue_state

# Seconds for which a file may be somebody's who is still at work.
YOUNG = 60.0

# Files that are written aside, under the number of their process, before they get their name.
_ASIDE = (
    re.compile(r"^\.[\w.-]+\.(\d+)$"),
    re.compile(r"^new-(\d+)\.db(-journal|-wal|-shm)?$"),
    re.compile(r"^state\.(\d+)\.tmp$"),
)
_DOCTOR = re.compile(r"^\.labnb-doctor-\w+$")
_CACHE = re.compile(r"^stat[\w.-]*\.db\.broken-\d+$")


def leftovers(lab: LabPaths) -> list[Path]:
    """List the files and folders that can go; no record is among them."""
    return sorted(found for found in _candidates(lab) if _old(found))


def remove(lab: LabPaths) -> list[Path]:
    """Remove them, and give those that are gone; another process may do the same at the same time."""
    gone = []
    for path in leftovers(lab):
        with contextlib.suppress(OSError):
            if path.is_dir():
                path.rmdir()  # fails where something has come into it
            else:
                path.unlink()
            gone.append(path)
    return gone


def _candidates(lab: LabPaths) -> Iterator[Path]:
    # Announced, but there is no such run (any more).
    for uid in queue_state(lab):
        if not RunFolder(lab.run(uid)).paths.run.exists():
            yield lab.queue / uid
    for folder in (lab.home, lab.mlflow, lab.cache, lab.code, *_subfolders(lab.code), *_subfolders(lab.runs)):
        names = _names(folder)
        if folder.parent == lab.runs and not names:  # a process was killed before it wrote anything
            yield folder
        for name in names:
            if _DOCTOR.match(name) or _CACHE.match(name) or _aside(name):
                yield folder / name


def _aside(name: str) -> bool:
    for pattern in _ASIDE:
        found = pattern.match(name)
        if found:
            return not _lives(int(found[1]))
    return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > YOUNG
    except OSError:
        return False


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError:
        return []


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return ["?"]
