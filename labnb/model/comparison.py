"""A comparison: runs side by side, what differs first. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from labnb.model.api import Bounds, Name, Number
from labnb.model.api_run_parts import Axis, Change
from labnb.model.api_runs import RunItem
from labnb.model.run import Run, Value

LEAST, MOST = 2, 50
RowKind = Literal["param", "metric", "tag", "data", "code", "environment", "attribute"]


@dataclass(frozen=True, slots=True)
class Row:
    """A fact of every run, in their order; null where a run has none. `differs` where they are not all equal."""

    kind: RowKind
    name: str
    values: list[Value | Number]
    differs: bool


@dataclass(frozen=True, slots=True)
class CodeDiff:
    """How the closure of a run differs from the first run's: a unified diff, "" where they are the same."""

    run: str
    diff: str
    same: bool
    cut: bool


@dataclass(frozen=True, slots=True)
class EnvironmentDiff:
    """How the environment of a run differs from the first run's."""

    run: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that several runs kept under the same path: the artifact's id by run, null where a run has none."""

    path: str
    artifacts: list[str | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`rows` hold what differs first; diffs are against the first run. `missing` are uids that are not there."""

    schema: int
    runs: list[RunItem]
    rows: list[Row]
    metrics: list[str]
    code: list[CodeDiff]
    environment: list[EnvironmentDiff]
    pictures: list[Picture]
    missing: list[str]


Uids = Annotated[list[Annotated[str, Bounds(1, 64)]], Bounds(LEAST, MOST)]


@dataclass(frozen=True, slots=True)
class ComparisonQuery:
    """Two to fifty runs, the first being what the others are held against."""

    uids: Uids
    diffs: bool = True


@dataclass(frozen=True, slots=True)
class ComparisonCurvesQuery:
    """The metric curves of these runs, each in at most `points` points."""

    uids: Uids
    names: Annotated[list[Name], Bounds(0, 100)] = field(default_factory=list)
    x: Axis = "step"
    points: Annotated[int, Bounds(2, 20_000)] = 1000
    start: float | None = None
    end: float | None = None


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Lay the facts of runs side by side: those that differ first, params before metrics before the rest.

    >>> from labnb.model.run import RunStatus
    >>> one, two = (Run(u, u, RunStatus.FINISHED, "2026-01-01T00:00:00Z", params={"lr": lr, "n": 1})
    ...             for u, lr in (("a", 0.1), ("b", 0.2)))
    >>> [(row.name, row.differs) for row in rows_of([one, two]) if row.kind == "param"]
    [('lr', True), ('n', False)]
    """
    rows = [
        *_rows("param", [run.params for run in runs]),
        *_rows("metric", [run.metrics for run in runs]),
        *_rows("data", [_data(run) for run in runs]),
        *_rows("code", [_code(run) for run in runs]),
        *_rows("environment", [_environment(run) for run in runs]),
        *_rows("attribute", [_attributes(run) for run in runs]),
        *_rows("tag", [run.tags for run in runs]),
    ]
    return sorted(rows, key=lambda row: not row.differs)


def _rows(kind: RowKind, facts: Sequence[Mapping[str, Any]]) -> Iterable[Row]:
    names = dict.fromkeys(name for mapping in facts for name in mapping)
    for name in names:
        values = [mapping.get(name) for mapping in facts]
        yield Row(kind, name, values, differs=len({_sameness(value) for value in values}) > 1)


def _sameness(value: object) -> str:
    # 1 and 1.0 are one number; NaN is equal to itself here; True is not 1.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return repr(float(value))
        except OverflowError:
            return repr(value)
    return repr(value)


def _data(run: Run) -> dict[str, str]:
    return {use.dataset or use.path: use.version or use.digest or "unknown" for use in run.inputs}


def _code(run: Run) -> dict[str, Value]:
    known = {name: run.code.get(name) for name in ("commit", "branch", "dirty", "snapshot")}
    return {**{name: value for name, value in known.items() if value is not None}, "cell": run.source}


def _environment(run: Run) -> dict[str, Value]:
    known = {name: run.environment.get(name) for name in ("python", "platform", "lock")}
    return {name: value for name, value in known.items() if isinstance(value, str)}


def _attributes(run: Run) -> dict[str, Value]:
    known: dict[str, Value] = {"name": run.name, "status": run.status.value, "started": run.started}
    known |= {"duration": run.duration, "user": run.user, "notebook": run.notebook, "fingerprint": run.fingerprint}
    if run.error:
        known["error"] = f"{run.error.get('type', '')}: {run.error.get('message', '')}"
    return known
