"""Another repository: data are read from it as a revision of it has them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from labnb.ports.progress import Progress


class OtherRepository(Protocol):
    """Reads files and datasets of repositories that are given by a URL or a folder."""

    def commit(self, repo: str, rev: str | None) -> str:
        """Give the commit that a branch or tag of the repository is at now; "" where that cannot be told.

        Raises StoreUnreachable where the repository does not answer, NotFound where it has no such branch or tag.
        """
        ...

    def get(
        self, repo: str, rev: str | None, path: str, target: Path, progress: Progress
    ) -> tuple[str, dict[str, str]]:
        """Write a file or folder of the repository to `target`; give its digest, and a folder's files with their md5.

        Raises NotFound and DataStoreError.
        """
        ...
