"""`%labdata …`: the words of `labnb data` in the notebook."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic import Magics, line_magic, magics_class

from labnb.model.errors import LabError, UsageError

if TYPE_CHECKING:
    from labnb.magics.recorder import Recorder


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", "%labdata? shows its words.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise _Shown


class _Shown(Exception):
    """The help was printed."""


@magics_class
class DataMagics(Magics):
    """The magics of the Data Store."""

    def __init__(self, shell: Any, recorder: Recorder) -> None:
        super().__init__(shell)
        self._recorder = recorder

    @line_magic
    def labdata(self, line: str) -> Any:
        """Datasets and their versions: %labdata WORD ….

            %labdata list                          the datasets with their state
            %labdata add PATH [-m TEXT] [--tag v1] make the present content a version
            %labdata status                        what differs from what is recorded
            %labdata log NAME                      versions, with the runs that made and used them
            %labdata diff NAME@V1 [@V2]            files, and in tables rows, columns and values
            %labdata preview NAME[@VERSION] [PATH] a look into it
            %labdata checkout NAME@VERSION [--to DIR] [--force]
            %labdata push | pull [NAME[@VERSION]]  to and from the remote
            %labdata remote add | list | test
            %labdata gc [--yes]                    free what nothing uses
            %labdata lineage NAME[@VERSION]        what it was made of, and what became of it

        VERSION is a tag, a digest or its start, a revision of the code, or latest. `%labdata WORD --help` says more.
        """
        from labnb.capture.files import aside
        from labnb.words.bars import Bars

        try:
            given = make_parser().parse_args(shlex.split(line))
            # What is read and written here is the Data Store's doing, no input or output of the cell.
            with aside(), Bars(shown=True) as bars:
                return given.word(self._recorder.lab(), given, bars)
        except _Shown:
            return None
        except ValueError as error:
            raise IPythonUsageError(f"%labdata: {error}. Close the quotes.") from None
        except LabError as error:
            raise IPythonUsageError(str(error)) from None


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the magic's line."""
    from labnb.words.data import add_words

    parser = _Parser(prog="%labdata", allow_abbrev=False)
    add_words(parser.add_subparsers(dest="data_word", metavar="WORD", required=True, parser_class=_Parser))
    return parser
