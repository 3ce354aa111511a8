"""The files that ordinary cells read: a run depends on those that the cells of its slice read before it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labnb.model.cell import Cell
from labnb.model.closure import Closure
from labnb.model.dataset import FileUse
from labnb.model.run import Note

if TYPE_CHECKING:
    from labnb.capture.files import FileReport

#: So many files are remembered of each cell; a folder counts as one.
PER_CELL = 1_000


class EarlierReads:
    """Remembers per execution what was read, and in which state; the content is digested when a run needs it."""

    def __init__(self) -> None:
        #: What folders that were read in part stand for: md5 by path inside them, by their digest.
        self.parts: dict[str, dict[str, str]] = {}
        self._kept: dict[Cell, tuple[tuple[FileUse, tuple[int, int] | None], ...]] = {}

    def keep(self, cell: Cell, report: FileReport, root: Path, asked: Sequence[FileUse] = ()) -> None:
        """Remember what an execution read, or asked the Data Store for; files that it wrote itself are no inputs."""
        found = {use.path.rstrip("/"): use for use in (*report.inputs, *asked)}
        self.parts.update(report.parts)
        if found:
            self._kept[cell] = tuple((use, _state(root / use.path)) for use in list(found.values())[:PER_CELL])

    def of(self, closure: Closure, root: Path, known: Collection[str]) -> tuple[tuple[FileUse, ...], tuple[Note, ...]]:
        """Give what the earlier cells of a slice read, but for the paths in `known`; notes tell what changed since."""
        found: dict[str, FileUse] = {}
        notes = []
        for piece in closure.pieces[:-1]:
            for use, state in self._kept.get(piece.cell, ()):
                if use.path in known:
                    continue
                use = dataclasses.replace(use, cell=piece.cell.execution_count)
                path = root / use.path
                if not use.path.endswith("/") and _state(path) != state:
                    where = f"In [{use.cell}]"
                    hint = f"Run {where} again to work on the file as it is now."
                    notes.append(Note("file-changed", f"{use.path} has changed since {where} read it.", hint))
                elif use.digest is None:
                    use = _digested(use, path)
                found[use.path] = use
        return tuple(found.values()), tuple(notes)


def _state(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _digested(use: FileUse, path: Path) -> FileUse:
    """Take the digest that the reading cell did not wait for."""
    from labnb.capture.files.digest import hash_file

    content = hash_file(os.fspath(path))
    return use if content.md5 is None else dataclasses.replace(use, digest=f"md5:{content.md5}")
