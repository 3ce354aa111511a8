"""The data store knows datasets and their versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from labnb.model.dataset import FileUse


class DataStore(Protocol):
    """Names the dataset and version that each file belongs to."""

    def resolve(
        self, uses: Iterable[FileUse], parts: Mapping[str, Mapping[str, str]] | None = None
    ) -> tuple[FileUse, ...]:
        """Fill in `dataset` and `version` where a dataset covers the file.

        `parts` says, by its digest, what a folder that was read in part stands for: md5 by path inside it.

        Files that together are a recorded folder dataset may come back as one entry.
        Reads only; takes no lock; raises DataStoreError where a store is there but cannot be read.
        """
        ...
