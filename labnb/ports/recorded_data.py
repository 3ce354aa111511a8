"""Recorded data: which files the Data Store's pointers stand for, and where their content lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labnb.model.dataset import DatasetVersion


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One file of a dataset: its path relative to the project, its md5, and a file of this machine that holds it.

    `cached` says that it is the store's own, which nobody changes.
    """

    path: str
    md5: str
    size: int
    source: Path
    cached: bool


class RecordedData(Protocol):
    """Reads pointers; takes no lock."""

    def files(self, tree: Path) -> tuple[tuple[RecordedFile, ...], tuple[DatasetVersion, ...]]:
        """Give the files that the pointers in `tree`, a copy of the project's code, stand for, and what is missing.

        Of a missing version some files may be given all the same. Raises DataStoreError for a pointer that cannot be
        read.
        """
        ...
