"""The result store keeps runs where others can see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labnb.model.run import MetricPoint, MlflowLink, Note, Run


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the store has it. `joined` says that the cell's own code writes to it as well."""

    link: MlflowLink
    joined: bool = False


class ResultStore(Protocol):
    """A place that runs are published to. Every call may be repeated: the run's uid makes it idempotent.

    All calls raise StoreUnreachable, StoreLocked, StoreCorrupt or StoreRefused, NotFound where the run was deleted in
    the store, or another StoreError.
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
        """Store files under the given artifact paths, and see that they are there whole."""
        ...

    def adopt(self, link: MlflowLink, run: Run) -> Sequence[Note]:
        """Copy what the cell's own code left of the ended run in the embedded store, and the record does not hold.

        That is artifacts, logged models, child runs. Gives notes on what cannot be copied.
        """
        ...

    def close(self, link: MlflowLink, run: Run) -> None:
        """Set the last params, tags, status and end time; while the run goes on, the params so far."""
        ...
