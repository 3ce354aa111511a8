"""`labnb data …`."""

from __future__ import annotations

import argparse
from typing import Any

from labnb.lab import open_lab
from labnb.words.bars import Bars
from labnb.words.data import add_words


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    data = commands.add_parser("data", help="datasets: versions, differences, origins, remotes")
    add_words(data.add_subparsers(dest="data_word", metavar="WORD", required=True, parser_class=type(data)))
    data.set_defaults(call=_data)


def _data(given: argparse.Namespace) -> int:
    lab = open_lab(given.project)
    with Bars() as bars:
        answer = given.word(lab, given, bars)
    print(answer.json_text() if given.json else answer.text)
    code: int = answer.code
    return code
