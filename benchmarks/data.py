"""The Data Store beside `dvc`: 100,000 files of one dataset resolved within a run, and a file of 2 GB added.

A run opens the files of a dataset, and at its end names their version: that is what labnb's own part costs here (the
reading itself is the cell's). `dvc data status` answers the same question. Once the resolving alone is measured, once
the whole end of a `%%labrun` cell in a fresh session, from its last statement until the next may run: the record with
everything in it. Its sizes can be set for a quick look: LABNB_BENCH_FILES, LABNB_BENCH_GB.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figure import Figure, middle
from labnb.adapters.dvc import DvcDataStore
from labnb.adapters.dvc.writer import DvcDataWriter
from labnb.capture.files.digest import Hasher
from labnb.model.dataset import FileUse
from labnb.runfolder.stat_cache import StatCache, signature

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
    before = _peak()
    ours, theirs, changed_ours, changed_theirs, ends = [], [], [], [], []
    for turn in range(TURNS):
        theirs.append(_time(lambda: _dvc(root, "data", "status")))
        ours.append(_time(lambda: _resolve(root, FILES)))
        ends.append(_end_of_cell(root))
        one = root / "data" / "00" / "000000.txt"
        one.write_text(f"changed {turn}\n")
        changed_theirs.append(_time(lambda: _dvc(root, "data", "status")))
        changed_ours.append(_end_of_cell(root))
        one.write_text("file number 0\n")
        os.utime(one, (1e9, 1e9))
        time.sleep(2.1)
        _dvc(root, "data", "status")
        _resolve(root, FILES)
    peer, changed = middle(theirs), middle(changed_theirs)
    yield Figure("unchanged files resolved within a run", middle(ours), "s", peer / 5, "dvc data status", peer)
    yield Figure("the whole end of the cell that read them", middle(ends), "s", peer / 5, "dvc data status", peer)
    yield Figure(
        "the whole end of the cell with one changed file among them",
        middle(changed_ours),
        "s",
        changed / 5,
        "dvc data status",
        changed,
    )
    yield Figure("memory that it adds at most", (_peak() - before) / 1e6, "MB", 400)


def _resolve(root: Path, whole: int) -> None:
    """Do what a run does at its end with the files that its cell opened: digests by their state, then versions."""
    hasher = Hasher(StatCache(root / ".labnb" / "cache" / "stat.db"))
    start = len(f"{root}/")
    paths = [f"{folder}/{name}" for folder, _, names in os.walk(root / "data") for name in names]
    signs = {path: signature(os.stat(path)) for path in paths}
    known = hasher.all(signs.items())
    uses = [FileUse(path[start:], f"md5:{known[path].md5}", signs[path].size) for path in paths]
    found = DvcDataStore(root).resolve(uses)
    assert len(found) == 1
    assert found[0].files == whole
    assert found[0].version


_CELL = """%%labrun -q
import os, time
size = 0
for folder, _, names in os.walk("data"):
    for name in names:
        with open(f"{folder}/{name}") as file:
            size += len(file.read())
last = time.perf_counter()
"""
_SESSION = (
    "import sys, time; from IPython.core.interactiveshell import InteractiveShell; "
    "shell = InteractiveShell.instance(); shell.run_cell('%load_ext labnb'); "
    "done = shell.run_cell(sys.argv[1]); end = time.perf_counter(); done.raise_error(); "
    "print('end', end - shell.user_ns['last'])"
)


def _end_of_cell(root: Path) -> float:
    """Give the seconds between the last statement of a recorded cell and the moment when the next could run."""
    environment = {**os.environ, "LABNB_PUBLISHER": "0"}
    command = [sys.executable, "-c", _SESSION, _CELL]
    done = subprocess.run(command, cwd=root, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.rpartition("end ")[2])


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


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
