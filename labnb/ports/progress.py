"""Progress: how far long work has come."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by use cases and adapters, shown by a face. Calls are cheap, and may come from several threads."""

    def __call__(self, what: str, done: int, total: int | None, unit: str = "B") -> None:
        """`what` is being done, `done` of `total` (None where that is not known) bytes ("B") or "files"."""
        ...


def silent(what: str, done: int, total: int | None, unit: str = "B") -> None:
    """Show nothing."""
