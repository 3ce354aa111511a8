"""A million metric points in 20 series: what the cell pays for a server that is up, away or not there, and how fast
they arrive afterwards, against one `log_metric` call a point on the same server.

`mlflow server` runs on SQLite. The cell is timed around `labnb.log`, in a kernel whose publisher is awake; the time in
which it could have run, but had no processor (the kernel's scheduler counts it), is taken off, and of the repetitions
the shortest counts: what else the machine does can only add. A wait for a server would be in it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from tests.kernel import Kernel
from tests.services.mlflow_server import MlflowServer, free_port

POINTS, SERIES = 1_000_000, 20
REPETITIONS = 5
SINGLE_CALLS = 300

_CELL = """
import time, labnb
def _queued():
    with open("/proc/thread-self/schedstat") as file:
        return int(file.read().split()[1]) / 1e9
_begun, _before = time.perf_counter(), _queued()
for _step in range({steps}):
    labnb.log({{f"series{{i}}": _step + i for i in range({series})}}, step=_step)
print("took", time.perf_counter() - _begun - (_queued() - _before))
"""


def main() -> Iterator[Figure]:
    yield from measure(POINTS, REPETITIONS)


def measure(points: int, repetitions: int) -> Iterator[Figure]:
    """The same with other sizes."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        (folder / "server").mkdir()
        server = MlflowServer(folder / "server", f"sqlite:///{folder / 'server' / 'mlflow.db'}").start()
        try:
            uris = {"none": "", "away": f"http://127.0.0.1:{free_port()}", "up": server.uri}
            times: dict[str, list[float]] = {name: [] for name in uris}
            for number in range(repetitions):
                for name, uri in uris.items():
                    project = folder / f"{name}{number}"
                    times[name].append(_cell(project, uri, points))
            away, up, none = (min(times[name]) for name in ("away", "up", "none"))
            title = f"cell of {points:,} points"
            yield Figure(f"{title}, server away", away, "s", 1.05 * none, "no server configured", none)
            yield Figure(f"{title}, server away (as a share of server up)", away / up, "", 1.05)
            ours = _publish(folder / f"away{repetitions - 1}", server.uri, points) / points * 1e6
            single = _singly(server.uri) * 1e6
            yield Figure("published afterwards", ours, "µs a point", single / 10, "log_metric a point", single)
        finally:
            server.kill()


def _cell(project: Path, uri: str, points: int) -> float:
    """Run the cell in a project of its own; the publisher is started by a small run before it, and killed after it."""
    project.mkdir()
    (project / "labnb.toml").write_text(f'[tracking]\nuri = "{uri}"\n' if uri else "")
    with Kernel(project, LABNB_PUBLISHER="1") as kernel:
        kernel.load()
        kernel.recorded("x = 1")
        deadline = time.monotonic() + 60
        while not _copied(kernel) and time.monotonic() < deadline:
            time.sleep(0.2)
        source = _CELL.format(steps=points // SERIES, series=SERIES)
        reply, _ = kernel.recorded(source)
        took = float(reply.stdout.split()[-1])
    with contextlib.suppress(OSError, ValueError, ProcessLookupError):
        os.kill(int((project / ".labnb" / "publisher.lock").read_text().split()[1]), signal.SIGKILL)
    if uri and not project.name.startswith("away"):
        shutil.rmtree(project, ignore_errors=True)
    return took


def _copied(kernel: Kernel) -> bool:
    """Whether the first run is in the embedded store: then the publisher has imported what it needs."""
    return all(run.mlflow is not None for run in kernel.lab.browse.runs().items)


def _publish(project: Path, uri: str, points: int) -> float:
    from labnb.adapters.mlflow.http import answer_quickly
    from labnb.adapters.mlflow.store import MlflowResultStore
    from labnb.lab import open_lab
    from labnb.usecases.publish_run import NamedStore, publish_run

    answer_quickly()
    lab = open_lab(project)
    run = max(lab.browse.runs().items, key=lambda one: len(one.metrics))
    store = NamedStore(uri, MlflowResultStore(uri, None, "bench"))
    begun = time.perf_counter()
    while not publish_run(lab.paths, run.uid, [store], turn=1e9, announced=time.time() + 9).done:
        time.sleep(0.1)
    took = time.perf_counter() - begun
    assert sum(1 for _ in lab.browse.history(run.uid)) >= points
    return took


def _singly(uri: str) -> float:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    run = client.create_run("0")
    begun = time.perf_counter()
    for step in range(SINGLE_CALLS):
        client.log_metric(run.info.run_id, "loss", 1.0, step=step)
    return (time.perf_counter() - begun) / SINGLE_CALLS
