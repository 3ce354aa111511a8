"""Where a folder lies: room, file system, clock, and whether it can be written; Linux's limits on watching."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from labnb.model.health import LimitFacts, PlaceFacts


def place_facts(home: Path) -> PlaceFacts:
    """Look at the folder, or, while there is none yet, at where it would be made. Leaves nothing behind."""
    if home.is_dir():
        kind, folder = "folder", home
    else:
        kind, folder = ("file" if os.path.lexists(home) else "missing"), home.parent
    problem, skew = _try_to_write(folder)
    try:
        usage = shutil.disk_usage(folder)
        free, total = usage.free, usage.total
    except OSError as error:
        free, total, problem = 0, 0, problem or str(error)
    mount_point, file_system = _mount(folder)
    closed = _closed(home) if kind == "folder" else ()
    return PlaceFacts(kind, problem, free, total, file_system, mount_point, skew, closed)


def _closed(home: Path) -> tuple[str, ...]:
    """Find what another user made there: a notebook that was once run as root, for instance."""
    try:
        found = [*home.iterdir(), *(home / "mlflow").glob("*")]
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


def _mount(folder: Path) -> tuple[str, str]:
    """Find the mount that a folder lies on: (mount point, type); the longest that covers it, the last of equals."""
    path = os.path.realpath(folder)
    best = ("", "")
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return best
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, after = left.split(" "), right.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best[0]):
            best = (point, after[0])
    return best
