"""A store of 100,000 runs behind the Jupyter server, asked over HTTP; the same questions to MLflow on the same runs.

Sizes for a quick look: LABNB_BENCH_RUNS, LABNB_BENCH_KEYS, LABNB_BENCH_POINTS; LABNB_BENCH_PATIENCE are the seconds
after which MLflow is not waited for any longer (60): its figure is then the least that it takes.

Answers are timed by the processor that asker, server and SQLite use for one question after the other: on a machine that
does nothing else that is how long they take, and what else this one does is not in it. So are MLflow's.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, middle
from benchmarks.server_store import MODELS, Size, ask_mlflow, write_curves, write_folders, write_mlflow
from labnb.runfolder.paths import LabPaths

TURNS = 7
PATIENCE = float(os.environ.get("LABNB_BENCH_PATIENCE", "60"))
#: What the front-end asks of a curve when many are drawn.
SHOWN = 300


class Server:
    """A Jupyter server of its own process, and questions to its labnb."""

    def __init__(self, root: Path, *, labnb: bool = True) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = ["--no-browser", "--allow-root", f"--ServerApp.root_dir={root}", f"--port={port}"]
        words += ["--IdentityProvider.token=bench", f"--ServerApp.jpserver_extensions=labnb={labnb}"]
        environment = {**os.environ, "LABNB_PUBLISHER": "0", "LABNB_FOLLOWER": "0"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._url = f"http://127.0.0.1:{port}/"
        while True:
            try:
                self.get("api/status")
                break
            except OSError:
                assert self._process.poll() is None, "the server ended"
                time.sleep(0.05)

    def get(self, path: str, **query: Any) -> tuple[Any, int]:
        """Ask: the answer, and the bytes that it took."""
        url = self._url + path + (f"?{urllib.parse.urlencode(query, doseq=True)}" if query else "")
        request = urllib.request.Request(url, headers={"Authorization": "token bench", "Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            data = answer.read()
            text = gzip.decompress(data) if answer.headers["Content-Encoding"] == "gzip" else data
        return json.loads(text), len(data)

    def labnb(self, path: str, **query: Any) -> Any:
        return self.get(f"labnb/api/{path}", **query)[0]

    def until_current(self, runs: int) -> float:
        """Wait until the index has so many runs: seconds."""
        begun = time.perf_counter()
        while True:
            found = self.labnb("health")["freshness"]
            if found["state"] == "current" and found["runs"] == runs:
                return time.perf_counter() - begun
            time.sleep(0.5)  # what is asked without a pause keeps the reading back

    def processor(self) -> float:
        """Give the milliseconds of processor that it has used, its ended threads included; counted in tens."""
        text = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(text[11]) + int(text[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Give the megabytes that it has in memory of its own."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return float(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1]) / 1000

    def time(self, call: Callable[[], object]) -> float:
        """Give the milliseconds of processor that a call takes, there and here."""
        before = _used(self._process.pid) + _used(os.getpid())
        call()
        return _used(self._process.pid) + _used(os.getpid()) - before

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def main() -> Iterator[Figure]:
    yield from _load()
    with tempfile.TemporaryDirectory(prefix="labnb-bench-", ignore_cleanup_errors=True) as base:
        yield from measure(Path(base), Size())


def measure(base: Path, size: Size, patience: float = PATIENCE) -> Iterator[Figure]:
    """Measure with other sizes."""
    ours: list[list[float]] = []
    yield from ask_labnb(base, size, ours)
    place = base / "mlflow.db"
    write_mlflow(place, size)
    yield from beside_mlflow(place, size, ours, patience)


def ask_labnb(base: Path, size: Size, ours: list[list[float]]) -> Iterator[Figure]:
    """Make the store and ask; `ours` gets the times of each question."""
    root = base / "project"
    root.mkdir()
    (root / "labnb.toml").write_text("")
    lab = LabPaths(root)
    write_folders(lab, size)
    uids = write_curves(lab, size)
    many = size.runs + size.curves
    server = Server(root)
    try:
        begun = time.perf_counter()
        server.labnb("health")
        server.until_current(many)
        took = time.perf_counter() - begun
        yield Figure(f"index of {many:,} runs made from their folders", took, "s")
        yield Figure("processor used for it", server.processor() / 1000, "s")
        _wait(lambda: size.points < 30_000 or len(list((lab.cache / "curves").glob("[!.]*"))) == size.curves)
    finally:
        server.close()
    server = Server(root)
    try:
        first = server.time(lambda: server.labnb("runs"))
        yield Figure("first page, of a server that has just started", first, "ms", 300)
        yield Figure("all folders looked at again after a restart", server.until_current(many), "s")
        for _, words, _ in asked(size):
            ours.append(
                [
                    server.time(lambda turn=turn, words=words: server.labnb("runs", **words(turn)))
                    for turn in range(TURNS)
                ]
            )
        yield from _comparison(server, size, uids)
        yield from _rest(server, root)
        yield Figure("memory of the server afterwards", server.memory(), "MB")
    finally:
        server.close()


def beside_mlflow(place: Path, size: Size, ours: list[list[float]], patience: float) -> Iterator[Figure]:
    """Ask MLflow the same, and put its answers beside ours."""
    for (name, _, theirs), times in zip(asked(size), ours, strict=True):
        peer, answered = ask_mlflow(place, *theirs, patience)
        said = "MLflow" if answered else f"MLflow (given up after {patience:g} s)"
        # Free text reads all texts; no bound was set for it.
        limit = None if name == "free text" else 100
        yield Figure(f"{size.runs:,} runs, {name}", middle(times), "ms", limit, said, peer)
    yield Figure("the slowest answer to all these", max(max(times) for times in ours), "ms")


Words = dict[str, Any]


def asked(size: Size) -> Iterator[tuple[str, Callable[[int], Words], tuple[str, str]]]:
    """Give each question: its name, how it is put each time anew, and how MLflow is asked once."""

    def key(turn: int, kind: str) -> str:
        return f"{kind}{turn % size.keys:02}"

    newest = "start_time DESC"
    yield "first page", lambda turn: {"limit": 50 + turn}, ("", newest)
    yield "sorted by a metric", lambda turn: {"order_by": f"metrics.{key(turn, 'm')} DESC"}, ("", "metrics.m00 DESC")
    yield "sorted by a param", lambda turn: {"order_by": f"params.{key(turn, 'p')}"}, ("", "params.p00 ASC")
    yield (
        "filtered by a metric, many fit",
        lambda turn: {"filter": f"metrics.{key(turn, 'm')} > 0.5"},
        ("metrics.m00 > 0.5", newest),
    )
    yield (
        "filtered by a metric, few fit",
        lambda turn: {"filter": f"metrics.{key(turn, 'm')} > 0.9995"},
        ("metrics.m00 > 0.9995", newest),
    )
    yield (
        "filtered by a param",
        lambda turn: {"filter": f"params.{key(2 * turn + 1, 'p')} = '7'"},
        ("params.p01 = '7'", newest),
    )
    yield (
        "filtered by a param, sorted by a metric",
        lambda turn: {"filter": f"params.model = '{MODELS[turn]}'", "order_by": f"metrics.{key(turn, 'm')} DESC"},
        ("params.model = 'tree'", "metrics.m00 DESC"),
    )
    yield (
        "filtered by two metrics and a param, sorted by a third metric",
        lambda turn: {
            "filter": f"metrics.m01 > 0.2 and metrics.m02 < 0.8 and params.model = '{MODELS[turn]}'",
            "order_by": f"metrics.{key(turn + 3, 'm')} DESC",
        },
        ("metrics.m01 > 0.2 and metrics.m02 < 0.8 and params.model = 'tree'", "metrics.m03 DESC"),
    )
    yield (
        "free text",
        lambda turn: {"search": f"{MODELS[turn]} {turn + 1}77"},
        ("attributes.run_name LIKE '%tree 177%'", newest),
    )


def _comparison(server: Server, size: Size, uids: list[str]) -> Iterator[Figure]:
    title = f"{len(uids)} runs of {size.points:,} points compared"

    def first() -> int:
        _, facts = server.get("labnb/api/comparisons", uids=uids)
        _, curves = server.get("labnb/api/comparisons/curves", uids=uids, points=SHOWN)
        return facts + curves

    sent: list[int] = []
    yield Figure(f"{title}, the first time", server.time(lambda: sent.append(first())), "ms", 1000)
    again = [server.time(first) for _ in range(TURNS)]
    yield Figure(f"{title}, again", middle(again), "ms")
    yield Figure("bytes sent for it", sent[0] / 1e6, "MB", 1.5)
    chance, zooms = random.Random(3), []
    for _ in range(TURNS):
        start = chance.randrange(size.points // 2)
        words = {"uids": uids, "names": "loss", "points": SHOWN, "start": start, "end": start + size.points // 3}
        zooms.append(server.time(lambda words=words: server.labnb("comparisons/curves", **words)))
    yield Figure("a part of it looked at closely", middle(zooms), "ms", 200)


def _rest(server: Server, root: Path) -> Iterator[Figure]:
    """The processor at rest, beside a server that never heard of labnb."""
    plain = Server(root, labnb=False)
    try:
        time.sleep(3)
        before = server.processor(), plain.processor()
        time.sleep(20)
        ours, theirs = server.processor() - before[0], plain.processor() - before[1]
    finally:
        plain.close()
    yield Figure("processor used in 20 s of rest", ours, "ms", theirs + 20, "server without labnb", theirs or None)


_LOADING = """
import sys, time
from jupyter_server.serverapp import ServerApp
app = ServerApp()
app.initialize(argv=["--ServerApp.jpserver_extensions=labnb=False", "--allow-root", "--port=0"], new_httpserver=False)
known = set(sys.modules)
begun = time.process_time()
from labnb.server.extension import _load_jupyter_server_extension
_load_jupyter_server_extension(app)
print((time.process_time() - begun) * 1000)
heavy = {"mlflow", "dvc", "pandas", "numpy", "plotly", "sqlalchemy", "sqlite3"}
print("heavy:", *sorted({name.partition(".")[0] for name in set(sys.modules) - known} & heavy))
"""


def _load() -> Iterator[Figure]:
    times, heavy = [], set()
    for _ in range(TURNS):
        done = subprocess.run([sys.executable, "-c", _LOADING], capture_output=True, text=True, check=True)
        took, names = done.stdout.splitlines()[-2:]
        times.append(float(took))
        heavy.update(names.split()[1:])
    yield Figure("load of the server extension", middle(times), "ms", 100)
    yield Figure("heavy packages that it imports", len(heavy), "", 0)


def _used(pid: int) -> float:
    """Give the milliseconds of processor that the threads of a process have used."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def _wait(check: Callable[[], bool]) -> None:
    while not check():
        time.sleep(0.2)
