"""`labnb runs` and `labnb show`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from labnb.lab import open_lab
from labnb.model.listing import text_table
from labnb.model.report import PARTS, report
from labnb.model.run import SCHEMA, RunStatus
from labnb.usecases.browse import LIMIT


def add_to(commands: Any) -> None:
    """Add the commands to the command line."""
    runs = commands.add_parser("runs", help="list the recorded runs")
    runs.add_argument("filter", nargs="*", help="MLflow's filter grammar, or free text")
    runs.add_argument("-s", "--sort", default="started DESC", metavar="KEY", help="e.g. 'metrics.accuracy DESC'")
    runs.add_argument("-n", "--limit", type=int, default=LIMIT, help=f"at most so many (default {LIMIT})")
    runs.add_argument("--json", action="store_true", help="as JSON")
    runs.set_defaults(call=_runs)

    show = commands.add_parser("show", help="show everything that is recorded of a run")
    show.add_argument("run", help="the run's uid or the start of it")
    show.add_argument("part", nargs="?", help=f"only one part: {', '.join(PARTS)}")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(call=_show)


def _runs(given: argparse.Namespace) -> int:
    page = open_lab(given.project).browse.runs(" ".join(given.filter), given.sort, given.limit)
    if given.json:
        items = []
        for run in page.items:
            data = run.to_json()
            for heavy in ("source", "error", "children", "environment"):
                data.pop(heavy)
            items.append(data)
        print(json.dumps({"schema": SCHEMA, "items": items, "next": None}, ensure_ascii=False, indent=1))
    else:
        print(text_table(page.items, page.total))
    for text in page.broken:
        print(f"labnb: {text}", file=sys.stderr)
    return 0


def _show(given: argparse.Namespace) -> int:
    browse = open_lab(given.project).browse
    run = browse.run(given.run)
    if given.json:
        print(json.dumps(run.to_json(), ensure_ascii=False, indent=1))
    else:
        print(report(run, browse.snapshot(run.uid), browse.output(run.uid), given.part))
    return 1 if run.status in (RunStatus.FAILED, RunStatus.KILLED) else 0
