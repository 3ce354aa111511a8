"""A real limit on memory: a control group of Linux (version 1 or 2), in which the kernel's own killer is at work."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@contextmanager
def memory_group(megabytes: int) -> Iterator[Path]:
    """Give the folder of a new group, into which a process comes by its pid in `cgroup.procs`; or skip the test."""
    root, limits = V2, ["memory.max"]
    if V1.is_dir():
        root, limits = V1, ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
    folder = root / f"labnb-test-{uuid.uuid4().hex[:8]}"
    try:
        if root is V2:
            (root / "cgroup.subtree_control").write_text("+memory")
        folder.mkdir()
    except OSError as error:
        _cannot(f"no control group for memory can be made here: {error}")
    try:
        for name in limits:
            with suppress(FileNotFoundError):  # swap is not counted on every machine
                (folder / name).write_text(str(megabytes * 1024**2))
        if root is V2:
            with suppress(OSError):
                (folder / "memory.swap.max").write_text("0")
        if not (folder / limits[0]).exists():
            _cannot("control groups have no memory controller here")
        yield folder
    finally:
        deadline = time.monotonic() + 10
        while folder.is_dir() and time.monotonic() < deadline:  # busy until the last process in it is collected
            with suppress(OSError):
                folder.rmdir()
            time.sleep(0.02)


def kills(group: Path) -> int:
    """Count the processes of the group that Linux killed for lack of memory."""
    for name in ("memory.oom_control", "memory.events"):
        with suppress(OSError):
            words = (group / name).read_text().split()
            return int(words[words.index("oom_kill") + 1])
    raise AssertionError(f"{group} counts nothing")


def _cannot(why: str) -> None:
    if os.environ.get("CI", "").lower() in {"1", "true"} and os.geteuid() == 0:
        pytest.fail(why)
    pytest.skip(why)
