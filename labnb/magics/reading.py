"""What `%labruns` and `%labshow` answer."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from labnb.lab import Lab
from labnb.model.errors import UsageError
from labnb.model.listing import html_table, text_table
from labnb.model.report import report
from labnb.usecases.browse import LIMIT, Page


class RunTable:
    """A page of runs; displays as a table."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __repr__(self) -> str:
        return text_table(self.page.items, self.page.total)

    def _repr_html_(self) -> str:
        return html_table(self.page.items, self.page.total)


class RunReport:
    """Everything of one run; displays as text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%labruns: {message}.", "%labruns? shows its options.")


def labruns(lab: Lab, line: str) -> RunTable:
    """Answer `%labruns [FILTER] [--sort KEY] [--limit N]`; the filter's quotes are its own."""
    parser = _Parser(prog="%labruns", add_help=False, allow_abbrev=False)
    parser.add_argument("--sort", "-s", default="started DESC")
    parser.add_argument("--limit", "-n", type=int, default=LIMIT)
    words, rest = _options(line)
    given = parser.parse_args(words)
    return RunTable(lab.browse.runs(rest, given.sort, given.limit))


def labshow(lab: Lab, words: list[str]) -> RunReport:
    """Answer `%labshow RUN [PART]`."""
    if not words or len(words) > 2:
        raise UsageError("%labshow takes a run, and perhaps a part of it.", "%labruns lists the runs.")
    start, *part = words
    browse = lab.browse
    uid = browse.folder(start).uid
    text = report(browse.run(uid), browse.snapshot(uid), browse.output(uid), part[0] if part else None)
    return RunReport(text)


def _options(line: str) -> tuple[list[str], str]:
    """Part the options at the end from the filter before them."""
    start = min((at for at in (line.find(" --"), line.find(" -s "), line.find(" -n ")) if at >= 0), default=-1)
    if line.lstrip().startswith("-"):
        return shlex.split(line), ""
    if start < 0:
        return [], line
    try:
        return shlex.split(line[start:]), line[:start]
    except ValueError as error:
        raise UsageError(f"%labruns: {error}.", "Close the quotes.") from None
