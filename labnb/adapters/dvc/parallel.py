"""Does the same with many files in a few threads, with progress, and stops soon when it is interrupted."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from labnb.ports.progress import Progress

_T = TypeVar("_T")
Advance = Callable[[int], None]

_WORKERS = 4
# Files are handed to threads in lots: of so many, or of so many bytes.
_LOT_FILES, _LOT_BYTES = 64, 8 << 20


def each(
    files: Mapping[str, int], do: Callable[[str, Advance], _T | None], what: str, progress: Progress
) -> dict[str, _T]:
    """Call `do` with each name (of so many bytes) and give the answers; None is none.

    `do` tells the bytes as it goes, and is stopped there after an error or an interruption, which goes through.
    """
    count = Count(what, sum(files.values()), progress)

    def run(lot: list[str]) -> dict[str, _T]:
        answers = {}
        for name in lot:
            count.check()
            answer = do(name, count.advance)
            if answer is not None:
                answers[name] = answer
        return answers

    lots = list(_lots(files))
    if len(lots) == 1:
        return run(lots[0])
    result: dict[str, _T] = {}
    with ThreadPoolExecutor(min(_WORKERS, (os.cpu_count() or 1) + 1), "labnb-data") as pool:
        futures = [pool.submit(run, lot) for lot in lots]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                result.update(future.result())
        except BaseException:
            count.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return result


class Count:
    """Counts bytes from any thread, and tells them ten times a second."""

    def __init__(self, what: str, total: int | None, progress: Progress) -> None:
        self._what, self._total, self._progress = what, total, progress
        self._done, self._told = 0, 0.0
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def advance(self, size: int) -> None:
        self.check()
        with self._lock:
            self._done += size
            now = time.monotonic()
            if now - self._told < 0.1 and self._done != self._total:
                return
            self._told = now
            done = self._done if self._total is None else min(self._done, self._total)
        self._progress(self._what, done, self._total)

    def stop(self) -> None:
        self._stopped.set()

    def check(self) -> None:
        if self._stopped.is_set():
            raise Stopped


class Stopped(Exception):
    """The work is not to go on: it failed, or was interrupted, in another thread."""


def _lots(files: Mapping[str, int]) -> Iterator[list[str]]:
    lot: list[str] = []
    size = 0
    # The largest first: no thread is left alone with one of them at the end.
    for name in sorted(files, key=files.__getitem__, reverse=True):
        lot.append(name)
        size += files[name]
        if len(lot) >= _LOT_FILES or size >= _LOT_BYTES:
            yield lot
            lot, size = [], 0
    if lot:
        yield lot
