"""Content digests of files, as DVC 3 computes them: plain md5 of the bytes."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from labnb.runfolder.stat_cache import Signature, StatCache, signature

Progress = Callable[[int, int], None]

_CHUNK = 1 << 20
_POOL_FROM = 8 << 20  # below this the hand-over to threads costs more than it saves
_WORKERS = 4


class Content(NamedTuple):
    """A file's content: `md5` in hex or None, its state, and `problem` where there is no digest.

    `problem` is one of "changed", "gone", "unreadable", "not a file", "late".
    """

    md5: str | None
    sign: Signature | None
    problem: str = ""


def hash_file(path: str, advance: Callable[[int], None] | None = None) -> Content:
    """Read a file once and give its md5. `advance` is told the bytes as they are read. Never raises OSError."""
    try:
        # Never wait for a FIFO's writer, never become a terminal's session.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except FileNotFoundError:
        return Content(None, None, "gone")
    except (OSError, ValueError):
        return Content(None, None, "unreadable")
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return Content(None, None, "not a file")
        before = signature(status)
        digest = hashlib.md5(usedforsecurity=False)
        read = 0
        while chunk := os.read(handle, _CHUNK):
            digest.update(chunk)
            read += len(chunk)
            if advance is not None:
                advance(len(chunk))
            if read > before.size:
                break  # it grows while we read: a log, or a file still being written
        after = signature(os.fstat(handle))
    except OSError:
        return Content(None, None, "unreadable")
    finally:
        os.close(handle)
    if before != after or read != before.size:
        return Content(None, after, "changed")
    return Content(digest.hexdigest(), before)


class Hasher:
    """Digests of many files through a cache."""

    def __init__(self, cache: StatCache) -> None:
        self._cache = cache

    def now(self, path: str, sign: Signature, limit: int) -> str | None:
        """Give one file's md5 before it changes; None where it is larger than `limit` bytes and not known yet."""
        known = self._cache.get([(path, sign)]).get(path)
        if known is not None or sign.size > limit:
            return known
        begun = time.time_ns()
        content = hash_file(path)
        if content.md5 is None or content.sign != sign:
            return None
        self._cache.put([(path, sign, content.md5)], begun)
        return content.md5

    def known(self, files: Iterable[tuple[str, Signature]]) -> dict[str, str]:
        """Give the md5 of those files whose state is already known."""
        return self._cache.get(files)

    def all(
        self, files: Iterable[tuple[str, Signature]], progress: Progress | None = None, seconds: float | None = None
    ) -> dict[str, Content]:
        """Give every file's content. Files are read until `seconds` have passed; the rest is "late".

        `progress(done, total)` is called with bytes, from the thread that called this.
        """
        signs = dict(files)
        known = self._cache.get(signs.items())
        found = {path: Content(md5, signs[path]) for path, md5 in known.items()}
        todo = sorted((path for path in signs if path not in known), key=lambda path: signs[path].size)
        if not todo:
            return found
        begun = time.time_ns()
        total = sum(signs[path].size for path in todo)
        deadline = None if seconds is None else time.monotonic() + seconds
        job = _Job(total, progress, deadline)
        if total >= _POOL_FROM and len(todo) > 1:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1), "labnb-hash") as pool:
                results = list(pool.map(job.hash, todo))
        else:
            results = [job.hash(path) for path in todo]
        found.update(zip(todo, results, strict=True))
        self._cache.put(
            [(path, item.sign, item.md5) for path, item in zip(todo, results, strict=True) if item.md5 and item.sign],
            begun,
        )
        return found


class _Job:
    """One round of hashing: its progress and its end."""

    def __init__(self, total: int, progress: Progress | None, deadline: float | None) -> None:
        self._total, self._progress, self._deadline = total, progress, deadline
        self._done = 0
        self._told = 0.0
        self._lock = threading.Lock()

    def hash(self, path: str) -> Content:
        if self._deadline is not None and time.monotonic() > self._deadline:
            return Content(None, None, "late")
        return hash_file(path, self._advance if self._progress else None)

    def _advance(self, size: int) -> None:
        with self._lock:
            self._done += size
            now = time.monotonic()
            if self._progress is not None and (now - self._told > 0.1 or self._done >= self._total):
                self._told = now
                self._progress(min(self._done, self._total), self._total)
