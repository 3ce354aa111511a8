"""Measure, print a table, keep the figures in benchmarks/results/: `make bench`.

Every figure is a median over interleaved repetitions; a limit that an issue names stands beside it. The exit code is 1
where a figure misses its limit.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.figure import Figure

RESULTS = Path(__file__).parent / "results"


def benches() -> dict[str, Callable[[], Iterable[Figure]]]:
    """Name the benches; each is imported when it runs."""
    from benchmarks import data, files, front, jobs, load, log, overhead, publish, server

    return {
        "load": load.main,
        "log": log.main,
        "overhead": overhead.main,
        "files": files.main,
        "publish": publish.main,
        "data": data.main,
        "jobs": jobs.main,
        "server": server.main,
        "front": front.main,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of benches; all by default")
    only = parser.parse_args().only
    figures: list[Figure] = []
    for name, bench in benches().items():
        if only and name not in only:
            continue
        print(f"▸ {name}", flush=True)
        for figure in bench():
            print(f"  {figure}", flush=True)
            figures.append(figure)
    RESULTS.mkdir(exist_ok=True)
    result = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "figures": [figure.to_json() for figure in figures],
    }
    (RESULTS / "latest.json").write_text(json.dumps(result, indent=1))
    missed = [figure for figure in figures if figure.missed]
    for figure in missed:
        print(f"missed: {figure}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
