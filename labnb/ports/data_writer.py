"""The data writer makes versions of datasets, brings them back, and moves them to and from remotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from labnb.model.data_changes import Added, CheckedOut, Freed, KeptVersion, RemoteInfo, RemoteTest, Transferred
from labnb.model.dataset import DatasetVersion
from labnb.ports.progress import Progress, silent


class DataWriter(Protocol):
    """Writes to the Data Store.

    A `DatasetVersion` is given with its dataset (the name that `DataStore.resolve` gives: a path relative to the
    project) and the whole digest ("…" or "….dir", no "md5:"). Every call leaves each dataset in its old or its new
    version, also when it is interrupted (KeyboardInterrupt goes through) or killed; the next call clears up what a
    killed one left. Errors: NotFound (no such file, version, remote), StoreLocked (somebody else holds the store: who,
    since when), StoreCorrupt (damaged content), StoreUnreachable and StoreRefused (a remote), DataStoreError (the
    rest: what cannot be versioned, no room, no permission).
    """

    def add(
        self, path: Path, *, message: str = "", tags: Iterable[str] = (), author: str = "", progress: Progress = silent
    ) -> Added:
        """Make the present content of a file or folder the dataset's version, as `dvc add` does.

        `message`, `tags` and `author` go into the pointer (under `meta: labnb:`, which DVC leaves alone) and into the
        project's list of added versions. A folder without a DVC project gets one.
        """
        ...

    def keep(
        self, path: Path, *, pointers: Mapping[str, str] | None = None, progress: Progress = silent
    ) -> KeptVersion:
        """Put the present content of a dataset, file or folder into the cache and change nothing else.

        `pointers` are texts (by absolute path) that pointers got from what was kept before: one, such as `dvc.lock`,
        may record several datasets. Takes no lock, imports no DVC, and may run beside the user's cell.
        """
        ...

    def checkout(
        self, version: DatasetVersion, to: Path | None = None, *, force: bool = False, remote: str = "",
        progress: Progress = silent,
    ) -> CheckedOut:  # fmt: skip
        """Bring a version back, byte for byte: into the dataset's place, or into `to` (which must not exist yet).

        Fetches what the cache lacks. A file of the work tree whose content no version holds is overwritten with
        `force` only, and then kept aside (`CheckedOut.undo`).
        """
        ...

    def push(self, versions: Iterable[DatasetVersion], remote: str = "", progress: Progress = silent) -> Transferred:
        """Copy the objects of versions to a remote ("": the default one); those that are there are not sent again."""
        ...

    def pull(self, versions: Iterable[DatasetVersion], remote: str = "", progress: Progress = silent) -> Transferred:
        """Copy the objects of versions into the cache, verified; the work tree is not touched."""
        ...

    def remotes(self) -> tuple[RemoteInfo, ...]:
        """List the remotes of the project."""
        ...

    def add_remote(self, name: str, url: str, *, default: bool = False) -> RemoteInfo:
        """Write a remote into the project's DVC settings; raises UsageError for one that is there already."""
        ...

    def test_remote(self, name: str = "") -> RemoteTest:
        """Try a remote: reach it, write a small object, read it back, remove it. Raises NotFound only."""
        ...

    def gc(self, keep: Iterable[str], *, dry: bool = True, progress: Progress = silent) -> Freed:
        """Free the objects of the cache that nothing uses.

        In use are: the digests in `keep` (those of recorded runs), what any pointer in the work tree or in any git
        revision names, and the added versions that have a tag.
        """
        ...
