"""Recorded data: which files the Data Store's pointers stand for, and where their content lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labnb.model.run import Note


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One file of a dataset: its path relative to the project, its md5, and a file of this machine that holds it.

    `source` is None where no file here does. `cached` says that it is the store's own, which nobody changes.
    """

    path: str
    md5: str
    size: int
    source: Path | None
    cached: bool
    dataset: str


class RecordedData(Protocol):
    """Reads pointers; takes no lock."""

    def files(self, tree: Path) -> tuple[tuple[RecordedFile, ...], tuple[Note, ...]]:
        """Give the files that the pointers in `tree`, a copy of the project's code, stand for.

        Notes tell of datasets whose list of files is not on this machine. Raises DataStoreError for a pointer that
        cannot be read.
        """
        ...
