"""`%load_ext labnb` over a bare IPython, and what it imports."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.figure import Figure, middle

_SCRIPT = """
import time, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("1")
begun = time.perf_counter()
shell.run_line_magic("load_ext", sys.argv[1])
print((time.perf_counter() - begun) * 1000)
print(",".join(sorted(name for name in ("mlflow", "dvc", "pandas", "plotly", "numpy") if name in sys.modules)))
"""
REPETITIONS = 9


def main() -> Iterator[Figure]:
    # Python keeps its compiled modules, as it does for everyone who has not switched that off.
    kept = tempfile.mkdtemp(prefix="labnb-bench-")
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": kept}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    times: dict[str, list[float]] = {"labnb": [], "storemagic": []}
    heavy = ""
    for _ in range(REPETITIONS):
        for extension, found in times.items():
            done = subprocess.run(
                [sys.executable, "-c", _SCRIPT, extension], capture_output=True, text=True, check=True, env=environment
            )
            milliseconds, heavy_now = (
                done.stdout.splitlines()[-2:]
                if done.stdout.endswith("\n\n")
                else (
                    *done.stdout.splitlines()[-1:],
                    "",
                )
            )
            found.append(float(milliseconds))
            heavy = heavy or (heavy_now if extension == "labnb" else "")
    yield Figure("load_ext", middle(times["labnb"]), "ms", 50, "load_ext storemagic", middle(times["storemagic"]))
    yield Figure("heavy packages imported by load_ext", len([n for n in heavy.split(",") if n]), "", 0)
