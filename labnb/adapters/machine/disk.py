"""Where a folder lies: room, file system, clock, and whether it can be written; Linux's limits on watching."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from labnb.model.health import LimitFacts, PlaceFacts
from labnb.runfolder.mounts import mount_of


def place_facts(home: Path) -> PlaceFacts:
    """Look at the folder, or, while there is none yet, at where it would be made. Leaves nothing behind."""
    if home.is_dir():
        kind, folder = "folder", home
    else:
        kind, folder = ("file" if os.path.lexists(home) else "missing"), _there(home.parent)
    problem, skew = _try_to_write(folder)
    try:
        usage = shutil.disk_usage(folder)
        free, total = usage.free, usage.total
    except OSError as error:
        free, total, problem = 0, 0, problem or str(error)
    mount_point, file_system = mount_of(folder)
    closed = _closed(home) if kind == "folder" else ()
    return PlaceFacts(kind, problem, free, total, file_system, mount_point, skew, closed)


def _there(folder: Path) -> Path:
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _closed(home: Path) -> tuple[str, ...]:
    """Find what another user made there: a notebook that was once run as root, for instance."""
    try:
        found = [*home.iterdir(), *(home / "mlflow").glob("*")]  # the latter where the store lies there
    except OSError:
        return ()
    return tuple(sorted(str(path.relative_to(home)) for path in found if not os.access(path, os.W_OK)))


def limit_facts() -> LimitFacts:
    """Read how much one user may watch with inotify."""
    return LimitFacts(_number("max_user_watches"), _number("max_user_instances"))


def _number(name: str) -> int | None:
    try:
        return int(Path("/proc/sys/fs/inotify", name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _try_to_write(folder: Path) -> tuple[str, float | None]:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".labnb-doctor-") as file:
            before = time.time()
            file.write(b"x" * 4096)
            file.flush()
            stamp = os.fstat(file.fileno()).st_mtime
            after = time.time()
    except OSError as error:
        return error.strerror or str(error), None
    if stamp < before:
        # File systems stamp with a clock that ticks every few milliseconds.
        return "", min(stamp - before + 0.02, 0.0)
    return "", max(stamp - after, 0.0)
