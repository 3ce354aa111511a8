"""The result store keeps runs where others can see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from labnb.model.run import MetricPoint, MlflowLink, Run


class ResultStore(Protocol):
    """A place that runs are published to. Every call may be repeated: the run's uid makes it idempotent."""

    def open(self, run: Run) -> MlflowLink:
        """Find the run with this uid, or create it; set its name, params and tags."""
        ...

    def log_metrics(self, link: MlflowLink, points: Iterable[MetricPoint]) -> None:
        """Add metric points, in batches; points that are there already stay as they are."""
        ...

    def log_data(self, link: MlflowLink, run: Run) -> None:
        """Tell the run's inputs as datasets."""
        ...

    def put_artifacts(self, link: MlflowLink, files: Mapping[str, Path]) -> None:
        """Store files under the given artifact paths."""
        ...

    def close(self, link: MlflowLink, run: Run) -> None:
        """Set the last params, tags, status and end time."""
        ...
