"""What the file system knows of the work tree: files that programs and compiled readers read or wrote.

Python's audit hook does not see them. The times of the files do: one that was changed since the cell began was written;
one whose last access is younger was read, where the file system keeps such times (Linux keeps those of files that are
newly made, as a job's work tree is; a mount with `noatime` keeps none).
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator

_MOST, _LONGEST = 50_000, 2.0
_SKIPPED = frozenset({".git", ".hg", ".svn", ".dvc", ".labnb", "__pycache__", "node_modules", "site-packages", ".venv"})
# Code that Python or a child imports, notebooks, and editors' own files are no data.
_NO_DATA = (".py", ".pyi", ".pyc", ".ipynb", ".so", ".swp", "~", ".lock", ".dvc", "-journal", "-wal", "-shm")


def touched(root: str, since: float) -> tuple[set[str], set[str]]:
    """Give the files below `root` that were read and those that were written since a moment (seconds)."""
    read, written = set(), set()
    moment = int(since * 1e9)
    for path, status in _files(root):
        if status.st_mtime_ns >= moment:
            written.add(path)
        elif status.st_atime_ns >= moment:
            read.add(path)
    return read, written


def _files(root: str) -> Iterator[tuple[str, os.stat_result]]:
    deadline = time.monotonic() + _LONGEST
    count, todo = 0, [root]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                found = list(entries)
        except OSError:
            continue
        for entry in found:
            count += 1
            if count > _MOST or time.monotonic() > deadline:
                return
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _SKIPPED and not _is_environment(entry.path):
                        todo.append(entry.path)
                elif not entry.name.endswith(_NO_DATA):
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode):
                        yield entry.path, status
            except OSError:
                continue


def _is_environment(folder: str) -> bool:
    return os.path.exists(f"{folder}/pyvenv.cfg") or os.path.exists(f"{folder}/conda-meta")
