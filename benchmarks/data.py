"""The Data Store beside `dvc`: 100,000 files of one dataset resolved within a run, and a file of 2 GB added.

A run opens the files of a dataset, and at its end names their version: that is what labnb's own part costs here (the
reading itself is the cell's). `dvc data status` answers the same question. Measured is the whole end of a `%%labrun`
cell in a fresh session, from its last statement until the next may run: the record with everything in it. Its sizes
can be set for a quick look: LABNB_BENCH_FILES, LABNB_BENCH_GB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figure import Figure, middle
from labnb.adapters.dvc.writer import DvcDataWriter

FILES = int(os.environ.get("LABNB_BENCH_FILES", "100000"))
GIGABYTES = float(os.environ.get("LABNB_BENCH_GB", "2"))
TURNS = 3


def main() -> Iterator[Figure]:
    """Measure; every peer runs in turn with labnb, on the same files."""
    with tempfile.TemporaryDirectory(prefix="bench-data-") as base:
        root = Path(base, "project")
        root.mkdir()
        _dvc(root, "init", "-q", "--no-scm")
        yield from _many(root)
        shutil.rmtree(root / "data")
        shutil.rmtree(root / ".dvc/cache")
        yield from _large(root)


def _many(root: Path) -> Iterator[Figure]:
    for number in range(FILES):
        folder = root / "data" / f"{number % 100:02}"
        if number < 100:
            folder.mkdir(parents=True)
        (folder / f"{number:06}.txt").write_text(f"file number {number}\n")
    time.sleep(2.1)  # younger files are read again, as git does
    writer = DvcDataWriter(root)
    took = _time(lambda: writer.add(Path("data")))
    yield Figure(f"{FILES:,} files added", took, "s")
    theirs, ends, changed_theirs, changed_ends, grown = [], [], [], [], []
    for turn in range(TURNS):
        theirs.append(_time(lambda: _dvc(root, "data", "status")))
        took, more = _end_of_cell(root)
        ends.append(took)
        grown.append(more)
        one = root / "data" / "00" / "000000.txt"
        one.write_text(f"changed {turn}\n")
        changed_theirs.append(_time(lambda: _dvc(root, "data", "status")))
        changed_ends.append(_end_of_cell(root)[0])
        one.write_text("file number 0\n")
        os.utime(one, (1e9, 1e9))
        time.sleep(2.1)
        _dvc(root, "data", "status")
        _end_of_cell(root)
    cases = (("unchanged", ends, theirs), ("one of them changed", changed_ends, changed_theirs))
    for case, ours, others in cases:
        peer = middle(others)
        name = f"the end of a cell that read {FILES:,} files, {case}"
        yield Figure(name, middle(ours), "s", peer / 5, "dvc data status", peer)
    yield Figure("memory that this end adds at most", max(grown), "MB", 400)


_CELL = """%%labrun -q
import os, resource, time
size = 0
for folder, _, names in os.walk("data"):
    for name in names:
        with open(f"{folder}/{name}") as file:
            size += len(file.read())
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
last = time.perf_counter()
"""
_SESSION = (
    "import resource, sys, time; from IPython.core.interactiveshell import InteractiveShell; "
    "shell = InteractiveShell.instance(); shell.run_cell('%load_ext labnb'); "
    "done = shell.run_cell(sys.argv[1]); end = time.perf_counter(); done.raise_error(); "
    "most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
    "print('end', end - shell.user_ns['last'], most - shell.user_ns['most'])"
)


def _end_of_cell(root: Path) -> tuple[float, float]:
    """Give the seconds from the last statement of a recorded cell until the next could run, and the memory (MB)."""
    environment = {**os.environ, "LABNB_PUBLISHER": "0"}
    command = [sys.executable, "-c", _SESSION, _CELL]
    done = subprocess.run(command, cwd=root, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    seconds, kilobytes = done.stdout.rpartition("end ")[2].split()
    return float(seconds), float(kilobytes) / 1e3


def _large(root: Path) -> Iterator[Figure]:
    chunk = os.urandom(1 << 20)
    ours, theirs, again = [], [], []
    for turn in range(TURNS):
        for name, times in (("theirs", theirs), ("ours", ours)):
            path = root / f"{name}-{turn}.bin"
            with open(path, "wb") as file:
                mark = bytes(f"{name}{turn}", "ascii")
                file.writelines(
                    number.to_bytes(8, "little") + mark + chunk[20:] for number in range(int(GIGABYTES * 1024))
                )
                file.flush()
                os.fsync(file.fileno())
            time.sleep(2.1)
            if name == "theirs":
                times.append(_time(lambda path=path: _dvc(root, "add", "-q", path.name)))
            else:
                times.append(_time(lambda path=path: _labnb(root, path.name)))
                writer = DvcDataWriter(root)
                again.append(_time(lambda path=path, writer=writer: writer.add(Path(path.name))) * 1e3)
            path.unlink()
            shutil.rmtree(root / ".dvc/cache")
    peer = middle(theirs)
    yield Figure(f"{GIGABYTES:g} GB added", middle(ours), "s", 1.2 * peer, "dvc add", peer)
    yield Figure(f"{GIGABYTES:g} GB added a second time", middle(again), "ms", 100)


_ADD = (
    "import sys; from pathlib import Path; from labnb.adapters.dvc.writer import DvcDataWriter; "
    "DvcDataWriter(Path('.')).add(Path(sys.argv[1]))"
)


def _labnb(root: Path, name: str) -> None:
    subprocess.run([sys.executable, "-c", _ADD, name], cwd=root, check=True)


def _dvc(root: Path, *args: str) -> None:
    program = Path(sys.executable).with_name("dvc")
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(root.parent / "site")}
    subprocess.run([str(program), *args], cwd=root, check=True, env=environment, stdout=subprocess.DEVNULL)


def _time(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
