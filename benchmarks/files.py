"""What the record of files costs: an idle record in a large project, one open, and a cell that reads much."""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figure import Figure
from labnb.capture.files import FileWatch, StatCache

FOLDERS, FILES = 500, 5_000
READS = 10_000


def main() -> Iterator[Figure]:
    """Give the numbers as figures."""
    for name, value in measure().items():
        unit = "µs" if "(us" in name else "ms"
        yield Figure(name.replace(" (us added)", ", added"), value, unit)


def measure() -> dict[str, float]:
    """Measure; milliseconds unless the name says otherwise."""
    numbers: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as base, contextlib.ExitStack() as stack:
        root = Path(base, "project")
        _make(root)
        stack.callback(os.chdir, os.getcwd())
        os.chdir(root)
        os.listdir(".")
        bare = _time(lambda: _open_many("f0/0.txt", 20_000))
        watch = FileWatch(root, stat_cache=StatCache(Path(base, "digests.db")))
        numbers["first open"] = _time(lambda: watch.open(None)) * 1e3
        watch.close()
        time.sleep(0.5)
        numbers["open and close, nothing read (median)"] = _median(lambda: _empty(watch), 50) * 1e3
        inert = _time(lambda: _open_many("f0/0.txt", 20_000))
        numbers["one open, no record (us added)"] = (inert - bare) / 20_000 * 1e6
        watch.open(None)
        active = _time(lambda: _open_many("f0/0.txt", 20_000))
        watch.close()
        numbers["one open of a known file, recording (us added)"] = (active - bare) / 20_000 * 1e6
        many = [f"many/{number}.txt" for number in range(READS)]
        _read(many)
        plain = statistics.median(_time(lambda: _read(many)) for _ in range(3))
        recorded, closing = [], []
        for _ in range(3):
            watch.open(None)
            recorded.append(_time(lambda: _read(many)))
            closing.append(_time(watch.close))
        numbers[f"reading {READS} files, bare"] = plain * 1e3
        numbers[f"reading {READS} files, recording"] = statistics.median(recorded) * 1e3
        numbers["close, hashed for the first time"] = closing[0] * 1e3
        numbers["close, digests known"] = closing[-1] * 1e3
        watch.stop()
    return numbers


def _make(root: Path) -> None:
    for folder in range(FOLDERS):
        (root / f"f{folder}").mkdir(parents=True)
        for file in range(FILES // FOLDERS):
            (root / f"f{folder}" / f"{file}.txt").write_text("x")
    (root / "many").mkdir()
    for number in range(READS):
        path = root / "many" / f"{number}.txt"
        path.write_text("some text" * 20)
        os.utime(path, (1e9, 1e9))


def _empty(watch: FileWatch) -> None:
    watch.open(None)
    watch.close()


def _open_many(path: str, times: int) -> None:
    for _ in range(times):
        os.close(os.open(path, os.O_RDONLY))


def _read(paths: list[str]) -> None:
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            stream.read()


def _time(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _median(call: Callable[[], object], times: int) -> float:
    return statistics.median(_time(call) for _ in range(times))
