"""`labnb runs | show | sync | doctor`.

Exit codes: 0 done, 1 the thing asked about is not so, 2 wrong usage, 3 something outside is not reachable.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from labnb.cli import compare, data, jobs, runs, targets
from labnb.lab import open_lab
from labnb.model.errors import ConfigError, HostUnreachable, LabError, NotFound, StoreUnreachable, UsageError

#: The modules that bring commands; each is light to import, and loads what it needs when it is called.
ROOMS = (runs, compare, data, jobs, targets)

#: The first class that fits, by the order of inheritance, gives the exit code.
EXIT_CODES: dict[type[LabError], int] = {
    HostUnreachable: 3,
    StoreUnreachable: 3,
    ConfigError: 2,
    UsageError: 2,
    NotFound: 2,
    LabError: 1,
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.", f"{self.prog} --help shows what there is.")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command line."""
    parser = _Parser(prog="labnb", description="Runs of notebook cells: list them, look at them, publish them.")
    parser.add_argument("-C", "--project", metavar="FOLDER", help="the project; by default that of the current folder")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    for room in ROOMS:
        room.add_to(commands)

    sync = commands.add_parser("sync", help="publish what is not published yet")
    sync.add_argument("--watch", action="store_true", help="go on until Ctrl-C")
    sync.set_defaults(call=_sync)

    doctor = commands.add_parser("doctor", help="check everything that labnb stands on, and say what to do")
    doctor.add_argument("--fix", action="store_true", help="end dead runs, announce unpublished ones, tidy up")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(call=_doctor)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    try:
        given = make_parser().parse_args(argv)
        if given.command is None:
            make_parser().print_help()
            return 2
        code: int = given.call(given)
    except LabError as error:
        print(f"labnb: {error}", file=sys.stderr)
        return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe (head, less) has gone: nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _sync(given: argparse.Namespace) -> int:
    from labnb.cli.sync import sync

    return sync(open_lab(given.project).paths, given.watch)


def _doctor(given: argparse.Namespace) -> int:
    from labnb.cli.doctor import doctor

    return doctor(open_lab(given.project), fix=given.fix, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
