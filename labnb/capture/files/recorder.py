"""The sink of the audit hook in the process that runs the cell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from labnb.capture.files.audit import aside
from labnb.capture.files.folders import Folders
from labnb.capture.files.hints import paths_of_command
from labnb.capture.files.ledger import Ledger, absolute, is_code_reader
from labnb.capture.files.marks import Marks
from labnb.runfolder.queue import PUBLISHER


class Recorder:
    """Passes what Python tells on to the ledger, and makes sure that what Python will not tell is watched.

    Runs inside the user's calls, in any thread. `wake` stirs the thread that drains the file system's events.
    """

    def __init__(self, ledger: Ledger, marks: Marks, folders: Folders | None, wake: Callable[[], None] | None) -> None:
        self.ledger = ledger
        self.marks = marks
        self._folders = folders
        self._wake = wake
        self._listed: set[object] = set()
        # The busiest ones without one more call in between.
        self.opened = ledger.opened
        self.connected = ledger.connected
        self.renamed = ledger.renamed
        self.removed = ledger.removed
        self.linked = ledger.linked
        self.in_aside = ledger.in_aside

    def listed(self, folder: object) -> None:
        """Watch a folder outside the project once it is listed: its files may be read natively next."""
        if folder in self._listed or isinstance(folder, int) or self._folders is None:
            return
        self._listed.add(folder)
        text = absolute(folder or ".")
        if text is None or text in sys.path or is_code_reader():
            return  # an import looks for modules, or importlib.metadata for distributions
        if not self.ledger.rules.is_inside(text):
            self._folders.add_outside(os.path.realpath(text), recursive=False)

    def spawned(self, arguments: object, folder: object) -> None:
        """Watch the folders outside the project that a command names."""
        if isinstance(arguments, (list, tuple)) and PUBLISHER in arguments:
            return  # labnb's own, started while the cell runs
        self.marks.spawned()
        if self._wake is not None:
            self._wake()
        for path in paths_of_command(arguments, folder):
            if self._folders is None:
                self.ledger.named_to_child(path)
            elif not self.ledger.rules.is_inside(path):
                real = os.path.realpath(path)
                if os.path.isdir(real):
                    self._folders.add_outside(real, recursive=path != folder)
                elif os.path.isdir(parent := os.path.dirname(real)) and not _is_program(real):
                    self._folders.add_outside(parent, recursive=False)


def _is_program(path: str) -> bool:
    """Whether a file is what runs rather than what it works on: its folder is then no folder of data."""
    if not os.access(path, os.X_OK):
        return False
    try:
        with aside(), open(path, "rb") as stream:
            return stream.read(4).startswith((b"\x7fELF", b"#!"))
    except OSError:
        return False
