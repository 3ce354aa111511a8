"""News of run folders: which of them changed, without looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class News:
    """`uids` may have changed, been made or removed; `all` says that nobody knows which: look at every one.

    `data` says that versions of datasets were added.
    """

    uids: frozenset[str] = field(default_factory=frozenset)
    all: bool = False
    data: bool = False


class RunNews(Protocol):
    """Waits for changes of the run folders of one project, without using the processor."""

    @property
    def live(self) -> bool:
        """Whether changes are noticed when they happen; else `wait` ends with its timeout."""
        ...

    def follow(self, uids: Iterable[str]) -> frozenset[str]:
        """Follow what is written in these runs' folders, and in no others; give those that were not followed before."""
        ...

    def wait(self, timeout: float | None) -> News:
        """Wait for a change, a call of `wake`, or at most `timeout` seconds (None: for ever)."""
        ...

    def wake(self) -> None:
        """End a wait, from any thread."""
        ...

    def close(self) -> None:
        """Stop noticing."""
        ...
