"""The code store keeps the state of the work tree."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from labnb.model.run import Note
from labnb.model.snapshot import CodeVersion


class CodeStore(Protocol):
    """Keeps a work tree as a commit on a hidden ref, touching nothing that the researcher sees."""

    def snapshot(self, uid: str) -> tuple[CodeVersion, tuple[Note, ...]]:
        """Keep the work tree now, on `refs/labnb/<uid>`.

        HEAD, index, branches, stash and work tree stay as they are, also when killed half-way.
        What could not be kept is told in notes; a repository that cannot be read at all raises CodeStoreError.
        """
        ...

    def checkout(self, snapshot: str, destination: Path) -> None:
        """Rebuild what was kept (`CodeVersion.snapshot`) in a new or empty folder; raises CodeStoreError."""
        ...

    def inside(self, snapshot: str) -> str:
        """Say where in what `checkout` rebuilds the project lies, relative to its top; "" for the top itself."""
        ...
