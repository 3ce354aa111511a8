"""labnb in Python: the same words as the magics and the command line.

>>> import labnb
>>> labnb.log({"loss": 0.3}, step=1)          # in a recorded cell         # doctest: +SKIP
>>> labnb.run("1a2b3c4d").metrics             # any time afterwards        # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labnb.lab import Lab, open_lab
from labnb.model.run import Run, Value
from labnb.runfolder.active import artifact, log, param, tag

if TYPE_CHECKING:
    import pandas as pd

    from labnb.model.dataset import FileUse

__all__ = ["RunView", "artifact", "log", "param", "run", "runs", "tag"]


class RunView:
    """A recorded run, read from its folder. Displays as its card."""

    def __init__(self, lab: Lab, uid: str) -> None:
        self._lab = lab
        self.uid = lab.browse.folder(uid).uid

    @property
    def record(self) -> Run:
        """Everything that `labnb show` shows, as it stands now."""
        return self._lab.browse.run(self.uid)

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def status(self) -> str:
        return self.record.status.value

    @property
    def params(self) -> dict[str, Value]:
        return self.record.params

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric; `to_pandas` gives all of them."""
        return self.record.metrics

    @property
    def inputs(self) -> tuple[FileUse, ...]:
        return self.record.inputs

    @property
    def snapshot(self) -> dict[str, Any]:
        """Closure, code version and environment, as in snapshot.json."""
        return self._lab.browse.snapshot(self.uid)

    @property
    def outputs(self) -> tuple[FileUse, ...]:
        """The files that the cell wrote."""
        return self.record.outputs

    @property
    def shown(self) -> dict[str, Any]:
        """The cell with its outputs, as a notebook (nbformat's JSON)."""
        return self._lab.browse.output(self.uid)

    @property
    def folder(self) -> Path:
        """The run folder; artifacts lie in its `artifacts`."""
        return self._lab.browse.folder(self.uid).paths.folder

    def to_pandas(self) -> pd.DataFrame:
        """Give every metric point: columns metric, value, step, time (UTC), in the order in which they were logged."""
        import pandas as pd

        points = list(self._lab.browse.history(self.uid))
        return pd.DataFrame(
            {
                "metric": [point.name for point in points],
                "value": [point.value for point in points],
                "step": [point.step for point in points],
                "time": pd.to_datetime([point.time for point in points], unit="s", utc=True),
            }
        )

    def __repr__(self) -> str:
        from labnb.model.card import to_text

        return to_text(self.record)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        import time

        from labnb.model.card import card

        return card(self.record, time.time())


def run(uid: str, path: str | Path | None = None) -> RunView:
    """Give a run of the project of `path` (by default the current folder) by its uid or the start of it.

    Raises NotFound, with the candidates where several runs start so.
    """
    return RunView(open_lab(path), uid)


def runs(
    filter: str = "",  # noqa: A002 - the word of MLflow and of the command line
    order_by: str = "started DESC",
    limit: int | None = None,
    path: str | Path | None = None,
) -> list[RunView]:
    """Give the runs that pass the filter (MLflow's grammar, or free text), newest first. Raises UsageError."""
    lab = open_lab(path)
    return [RunView(lab, found.uid) for found in lab.browse.runs(filter, order_by, limit).items]
