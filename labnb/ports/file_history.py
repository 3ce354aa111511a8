"""The history of files: what the commits of a project say, the hidden ones of runs included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Change:
    """A commit in which a file has other content than in the commit before.

    `time` is in seconds since the epoch. `blob` names the content, "" where the file is gone. `hidden` marks the
    snapshot of a run, which no person committed.
    """

    commit: str
    author: str
    time: float
    message: str
    path: str
    blob: str
    hidden: bool = False


class FileHistory(Protocol):
    """Reads what was committed. Paths are relative to the project, with "/"; no call changes anything.

    Where there is no repository, or it cannot be read, there is no history: nothing is raised.
    """

    def changes(self, paths: Iterable[str]) -> tuple[Change, ...]:
        """Give the commits, newest first, that made, changed or removed one of these files."""
        ...

    def blobs(self, names: Iterable[str]) -> dict[str, bytes]:
        """Read contents by their names; what is not there is left out."""
        ...

    def commit(self, revision: str) -> str | None:
        """Give the commit that a revision (a branch, tag, commit or the start of one, HEAD~1) stands for."""
        ...

    def read(self, files: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Read files, each given as (commit or tag, path), as that commit has them; what is not there is left out."""
        ...

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """List the tags and the branches, newest first."""
        ...
