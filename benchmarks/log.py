"""`labnb.log` against `mlflow.log_metric` on an embedded store."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, middle

_LABNB = """
import sys, time
from pathlib import Path
from labnb.runfolder.active import ActiveRun, activate
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import RunPaths
import labnb
folder = Path(sys.argv[1])
paths = RunPaths(folder)
activate(ActiveRun(paths, Journal(paths.journal)))
n = int(sys.argv[2])
begun = time.perf_counter()
for i in range(n):
    labnb.log({"loss": 1.0 / (i + 1)}, step=i)
print((time.perf_counter() - begun) / n * 1e6)
"""
_MLFLOW = """
import sys, time
import mlflow
mlflow.set_tracking_uri(f"sqlite:///{sys.argv[1]}/mlflow.db")
with mlflow.start_run():
    mlflow.log_metric("loss", 1.0)
    n = int(sys.argv[2])
    begun = time.perf_counter()
    for i in range(n):
        mlflow.log_metric("loss", 1.0 / (i + 1), step=i)
    print((time.perf_counter() - begun) / n * 1e6)
"""


def main() -> Iterator[Figure]:
    ours = [_time(_LABNB, 100_000) for _ in range(3)]
    yield Figure("labnb.log, 100,000 calls", middle(ours), "µs a call", 20, "mlflow.log_metric", _time(_MLFLOW, 300))


def _time(script: str, calls: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, str(Path(folder)), str(calls)],
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout.split()[-1])
