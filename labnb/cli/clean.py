"""`labnb jobs clean`: what jobs left behind and nobody needs any more, shown and taken away."""

from __future__ import annotations

import argparse
import json
import sys

from labnb.lab import open_lab
from labnb.model.errors import ConfigError
from labnb.model.resources import Resources
from labnb.model.run import SCHEMA
from labnb.model.wording import size_text
from labnb.usecases.clean_jobs import KINDS, Waste

OLDER = "30d"


def add_options(jobs: argparse.ArgumentParser) -> None:
    """Add the word and its options to `labnb jobs`."""
    jobs.add_argument("word", nargs="?", choices=["clean"], help="clean: free what no job needs any more; shows first")
    jobs.add_argument("--older", metavar="TIME", help=f"clean: of jobs that ended so long ago (default {OLDER})")
    jobs.add_argument("--outputs", action="store_true", help="clean: also the files that their cells wrote")
    jobs.add_argument("--yes", action="store_true", help="clean: do it")


def only_clean(given: argparse.Namespace) -> None:
    """Raise ConfigError where options of `clean` stand without it."""
    if given.older or given.outputs or given.yes:
        raise ConfigError(
            "--older, --outputs and --yes belong to labnb jobs clean.", "labnb jobs clean [--older 30d] [--yes]"
        )


def clean(given: argparse.Namespace) -> int:
    """Show what can go, and with --yes take it away; 1 where a place could not be looked at."""
    seconds = Resources.parse({"time": given.older or OLDER}, "--older: ").time or 0
    lab = open_lab(given.project)
    cleaner = lab.jobs.clean
    waste, notes = cleaner.look(seconds, given.outputs)
    if given.yes and waste:
        waste, more = cleaner.remove(waste, seconds)
        notes += more
    if given.json:
        items = [
            {"place": one.place.name, "kind": KINDS[one.left.kind], "path": one.left.path, "bytes": one.left.size}
            for one in waste
        ]
        told = [{"code": note.code, "message": note.message, "hint": note.hint} for note in notes]
        print(json.dumps({"schema": SCHEMA, "items": items, "removed": given.yes, "notes": told}, indent=1))
        return int(bool(notes))
    print("\n".join(_lines(waste)) or "There is nothing to take away.")
    if waste:
        total = size_text(sum(one.left.size for one in waste))
        hint = "" if given.yes else " Nothing was removed: labnb jobs clean --yes does it."
        print(f"{total} {'are free now' if given.yes else 'can go'}.{hint}")
    for note in notes:
        print(f"labnb: {note.message} {note.hint}".rstrip(), file=sys.stderr)
    return int(bool(notes))


def _lines(waste: list[Waste]) -> list[str]:
    """A line for each place and kind: how many, and how much."""
    found: dict[tuple[str, str], list[int]] = {}
    for one in waste:
        found.setdefault((one.place.name, one.left.kind), []).append(one.left.size)
    order = sorted(found, key=lambda key: (key[0] != "this machine", key[0], list(KINDS).index(key[1])))
    return [
        f"{place}: {len(found[place, kind])} {KINDS[kind]}, {size_text(sum(found[place, kind]))}"
        for place, kind in order
    ]
