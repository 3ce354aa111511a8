"""The result store keeps runs where others can see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labnb.model.run import MetricPoint, MlflowLink, Run


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the store has it. `joined` says that the cell's own code writes to it as well."""

    link: MlflowLink
    joined: bool = False


class ResultStore(Protocol):
    """A place that runs are published to. Every call may be repeated: the run's uid makes it idempotent.

    All calls raise StoreUnreachable, StoreLocked or StoreCorrupt, NotFound where the run was deleted in the store,
    or another StoreError.
    """

    def identity(self) -> str:
        """Name the store itself: another name means that it was made anew, with nothing in it."""
        ...

    def open(self, run: Run) -> StoredRun:
        """Find the run with this uid, or create it; set its tags."""
        ...

    def log_metrics(self, link: MlflowLink, points: Iterable[MetricPoint]) -> None:
        """Add metric points, in batches; points that are there already stay as they are."""
        ...

    def log_data(self, link: MlflowLink, run: Run) -> None:
        """Tell the run's inputs and outputs as datasets."""
        ...

    def put_artifacts(self, link: MlflowLink, files: Mapping[str, Path]) -> None:
        """Store files under the given artifact paths."""
        ...

    def close(self, link: MlflowLink, run: Run) -> None:
        """Set the last params, tags, status and end time; while the run goes on, the params so far."""
        ...
