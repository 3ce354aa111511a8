"""The data catalog reads the Data Store: which datasets there are, their versions, and what those hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from labnb.model.dataset import Content, Dataset, FileUse, VersionEntry
from labnb.model.lineage import Step
from labnb.ports.progress import Progress, silent

#: Gives the md5 (hex) of files by their absolute paths, from a memory of digests where their state is known;
#: None for a file that cannot be read or that changes.
Digests = Callable[[Iterable[str], Progress], Mapping[str, str | None]]


class DataCatalog(Protocol):
    """Reads only, takes no lock. Names are those of `DataStore.resolve`: paths relative to the project.

    Raises DataStoreError where a pointer, listing or setting cannot be read, naming it.
    """

    def datasets(self) -> tuple[Dataset, ...]:
        """List the datasets that the work tree's pointers record, by name; their state is not looked at."""
        ...

    def with_state(self, dataset: Dataset, progress: Progress = silent) -> Dataset:
        """Look at the work tree and the cache: fill in `state`, and the counts that the pointer does not tell."""
        ...

    def versions(self, name: str) -> tuple[VersionEntry, ...]:
        """Give the versions that pointers in the history, snapshots of runs and `add` recorded, newest first."""
        ...

    def at_revision(self, name: str, revision: str) -> tuple[str | None, bool]:
        """Give the version that a revision of the code records of a dataset, and whether there is such a revision."""
        ...

    def revisions(self) -> tuple[str, ...]:
        """Name revisions that there are, for hints."""
        ...

    def content(self, name: str, version: str) -> Content | None:
        """Give the files of a version; None where the cache does not hold a folder's listing."""
        ...

    def present(self, name: str, progress: Progress = silent) -> Content | None:
        """Give what lies in the dataset's place now; None where nothing does."""
        ...

    def locate(self, name: str, md5: str, inner: str = "") -> Path | None:
        """Find a file on this machine that holds this content: in the cache, else in its place in the work tree."""
        ...

    def belongs(
        self, use: FileUse, name: str, version: str, parts: Mapping[str, Mapping[str, str]] | None = None
    ) -> bool:
        """Whether a file that was read is, with its digest, in a version that the cache holds.

        `parts` says, by its digest, what a folder that was read in part stands for: md5 by path inside it.
        """
        ...

    def stages(self) -> tuple[Step, ...]:
        """Give the stages of the project's pipelines as their lock files record them."""
        ...
