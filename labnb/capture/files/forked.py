"""What forked children (multiprocessing, DataLoader workers) open: told to the parent through a side file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from labnb.capture.files.ledger import Ledger, absolute, database_path

_MAX_LINES = 200_000
_MAX_BYTES = 256 << 20


class ChildSink:
    """The sink in a forked child: one JSON line per file and kind, appended in one write each.

    Lines of at most PIPE_BUF bytes from many children do not mix in a file opened with O_APPEND.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._handle = -1
        self._pid = os.getpid()
        self._told: set[tuple[str, str]] = set()

    def opened(self, path: object, flags: int) -> None:
        """Tell of an open file."""
        text = absolute(path)
        if text is not None:
            self._tell("w" if flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC) else "r", text)

    def connected(self, database: object) -> None:
        """Tell of a database."""
        text = absolute(database_path(database))
        if text is not None:
            self._tell("d", text)

    def renamed(self, source: object, target: object) -> None:
        """Tell of a file that was replaced."""
        text = absolute(target)
        if text is not None:
            self._tell("w", text)

    def linked(self, target: object) -> None:
        """Tell of a link."""
        self.renamed(None, target)

    def removed(self, path: object) -> None:
        """A removed file needs no telling: the parent looks what is there."""

    def listed(self, folder: object) -> None:
        """Listings are of use only in the parent."""

    def spawned(self, arguments: object, folder: object) -> None:
        """The parent knows that it has children."""

    def in_aside(self, path: object) -> None:
        """labnb does no work of its own in children."""

    def _tell(self, kind: str, path: str) -> None:
        if not path or (kind, path) in self._told or len(self._told) >= _MAX_LINES:
            return
        self._told.add((kind, path))
        if self._handle < 0:
            from labnb.capture.files.audit import aside

            with aside():
                self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(self._handle, (json.dumps([kind, path]) + "\n").encode("utf-8", "surrogateescape"))


def merge(path: Path, ledger: Ledger) -> bool:
    """Add what children told to the ledger; whether all of it could be read. The side file is then removed."""
    try:
        with path.open("rb") as stream:
            lines = stream.read(_MAX_BYTES).splitlines()
    except OSError:
        return True  # no child opened anything
    counted = 0
    for line in lines:
        try:
            kind, text = json.loads(line)
        except ValueError:
            continue  # a child was killed in the middle of its line
        counted += 1
        if kind == "d":
            ledger.connected(text)
        elif kind == "r":
            ledger.opened(text, 0)
        else:
            ledger.written_elsewhere(text)
    try:
        path.unlink()
    except OSError:
        return False
    return counted < _MAX_LINES
