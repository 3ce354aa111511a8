"""A host: a machine on which commands are run and files moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended: its exit code and what it wrote."""

    code: int
    out: bytes
    err: bytes


class Host(Protocol):
    """This machine, or one over SSH; safe to use from several threads.

    Paths are POSIX, absolute or beginning with "~/". All calls raise HostUnreachable (no answer, connection lost),
    HostRefused (who asks is not let in, or the host is not who it was), NotFound, or HostError (no space, no
    permission, quota).
    """

    @property
    def local(self) -> bool:
        """Whether its files are this machine's: then nothing needs to be moved."""
        ...

    def run(self, command: Sequence[str], stdin: bytes = b"", timeout: float = 60.0) -> Finished:
        """Run a command, given word by word: no shell reads them. A code other than 0 is no error here."""
        ...

    def put(self, files: Mapping[str, Path | bytes]) -> None:
        """Write files whole, each by renaming; folders are made, private to the user."""
        ...

    def get(self, paths: Mapping[str, Path]) -> None:
        """Fetch files whole, each by renaming. A missing one raises NotFound after the others are there."""
        ...

    def read(self, path: str, offset: int = 0, limit: int = 1_000_000) -> bytes:
        """Read at most `limit` bytes of a file from `offset`; b"" at its end."""
        ...

    def close(self) -> None:
        """Let connections go; the next call makes them anew."""
        ...
