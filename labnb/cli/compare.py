"""`labnb compare A B …`: runs side by side, what differs first."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from typing import Any

from labnb.lab import open_lab
from labnb.model.comparison import LEAST, MOST, Comparison
from labnb.model.comparison_text import comparison_text, csv_rows
from labnb.model.errors import UsageError
from labnb.model.plain import plain


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    compare = commands.add_parser("compare", help="show runs side by side, what differs first")
    compare.add_argument("runs", nargs="+", metavar="RUN", help=f"uids or their starts, {LEAST} to {MOST} of them")
    compare.add_argument("-a", "--all", action="store_true", help="also what is the same everywhere")
    compare.add_argument("-d", "--diff", action="store_true", help="also how code and environment differ")
    form = compare.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--csv", action="store_true", help="as CSV, a row per fact and a column per run")
    compare.set_defaults(call=_compare)


def _compare(given: argparse.Namespace) -> int:
    if not LEAST <= len(given.runs) <= MOST:
        raise UsageError(f"{LEAST} to {MOST} runs are compared, not {len(given.runs)}.", "labnb show RUN shows one.")
    lab = open_lab(given.project)
    uids = [lab.browse.folder(start).uid for start in given.runs]
    found = lab.many.compare.compare(uids, diffs=given.diff or given.json)
    show(found, given)
    return 0


def show(found: Comparison, given: argparse.Namespace) -> None:
    """Print a comparison as it was asked for."""
    if given.json:
        print(json.dumps(plain(found), ensure_ascii=False, indent=1))
    elif given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(csv_rows(found))
    else:
        print(comparison_text(found, everything=given.all, diffs=given.diff))
