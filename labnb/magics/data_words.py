"""The words of `labnb data` behind `%labdata`."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from labnb.capture.files import aside
from labnb.model.errors import UsageError
from labnb.words.bars import Bars
from labnb.words.data import add_words

if TYPE_CHECKING:
    from labnb.lab import Lab


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", "%labdata? shows its words.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise _Shown


class _Shown(Exception):
    """The help was printed."""


def labdata(lab: Lab, line: str) -> Any:
    """Do what a line says; raises LabError."""
    try:
        given = make_parser().parse_args(shlex.split(line))
        # What is read and written here is the Data Store's doing, no input or output of the cell.
        with aside(), Bars(shown=True) as bars:
            return given.word(lab, given, bars)
    except _Shown:
        return None
    except ValueError as error:
        raise UsageError(f"%labdata: {error}.", "Close the quotes.") from None


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the magic's line."""
    parser = _Parser(prog="%labdata", allow_abbrev=False)
    add_words(parser.add_subparsers(dest="data_word", metavar="WORD", required=True, parser_class=_Parser))
    return parser
