"""Runs as REST answers them: lists, groups, one run, the cells of a notebook. Its parts are in `api_run_parts`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from labnb.model.api import Bounds, Cursor, Freshness, Limit, Name, Number, Text
from labnb.model.dataset import FileUse
from labnb.model.run import ChildRun, MlflowLink, Note, RunStatus, Value

Kind = Literal["metrics", "params", "tags", "attributes", "datasets"]


@dataclass(frozen=True, slots=True)
class RunItem:
    """A row of a list. `duration` is in seconds; `source` tells a run folder from a run of the lab's MLflow server.

    `error` is one line; `job` the state of the job and `target` its place, null for a run of the kernel.
    """

    uid: str
    name: str
    status: RunStatus
    started: str
    ended: str | None
    duration: float | None
    user: str
    notebook: str | None
    cell_id: str | None
    fingerprint: str | None
    params: dict[str, Value]
    metrics: dict[str, Number]
    tags: dict[str, str]
    note: str
    archived: bool
    error: str
    job: str | None
    target: str | None
    published: str
    source: Literal["folder", "tracking"]


@dataclass(frozen=True, slots=True)
class RunPage:
    """`total` counts all that fit. `since` asks later for what changed after this answer; `gone` lists removed uids."""

    items: list[RunItem]
    next: str | None
    total: int
    since: str
    gone: list[str]
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class RunsQuery:
    """`filter` is MLflow's grammar or free text, `order_by` "metrics.accuracy DESC".

    `search` is free text besides the filter, `notebook` a notebook's path as Jupyter names it.
    `columns` names what a row needs ("metrics.accuracy"), nothing where it is "-"; `few` gives besides so many of each
    run's own metrics and of its params; all where both are left out.
    `archived` shows archived runs as well ("with") or alone ("only"). `since` gives only what changed since.
    """

    filter: Text = ""
    search: Text = ""
    notebook: Text = ""
    order_by: Text = "started DESC"
    limit: Limit = 50
    cursor: Cursor = ""
    since: Annotated[str, Bounds(0, 100)] = ""
    columns: Annotated[list[Name], Bounds(0, 200)] = field(default_factory=list)
    few: Annotated[int, Bounds(0, 100)] = 0
    archived: Literal["without", "with", "only"] = "without"


@dataclass(frozen=True, slots=True)
class Column:
    """A param, metric, tag or attribute that runs have: how many, and from where to where its numbers go."""

    key: str
    kind: Kind
    name: str
    runs: int
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Columns:
    items: list[Column]
    next: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that share a value; `newest` is when the last of them started."""

    value: Value
    runs: int
    newest: str


@dataclass(frozen=True, slots=True)
class Groups:
    items: list[Group]
    next: str | None


@dataclass(frozen=True, slots=True)
class GroupsQuery:
    """Group by a key as "params.model", "notebook", "user", "status" or "tags.team"; the largest group first."""

    by: Name
    filter: Text = ""
    limit: Limit = 100
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What there is of a run besides its facts. `log` is in bytes, `artifacts` a count."""

    log: int
    output: bool
    script: bool
    environment: bool
    artifacts: int
    metrics: int


@dataclass(frozen=True, slots=True)
class RunDetail:
    """Everything of a run but its long parts; the fields are described in docs/record.md."""

    schema: int
    uid: str
    name: str
    status: RunStatus
    started: str
    ended: str | None
    duration: float | None
    user: str
    notebook: str | None
    cell_id: str | None
    source: str
    fingerprint: str | None
    snapshot: str | None
    params: dict[str, Value]
    metrics: dict[str, Number]
    tags: dict[str, str]
    note: str
    archived: bool
    inputs: list[FileUse]
    outputs: list[FileUse]
    code: dict[str, Any]
    environment: dict[str, Any]
    notes: list[Note]
    error: dict[str, str] | None
    children: list[ChildRun]
    job: dict[str, Any] | None
    published: str
    published_why: str
    mlflow: MlflowLink | None
    verdict: dict[str, Any] | None
    parts: Parts
    place: Literal["folder", "tracking"]


@dataclass(frozen=True, slots=True)
class RunChange:
    """What to change; what is left out stays. A tag whose value is null is removed."""

    tags: Annotated[dict[str, Annotated[str, Bounds(0, 5000)] | None], Bounds(0, 100)] = field(default_factory=dict)
    note: Annotated[str, Bounds(0, 20_000)] | None = None
    archived: bool | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A run that was moved to the trash: `POST runs/{uid}/restore` brings it back."""

    uid: str
    name: str


@dataclass(frozen=True, slots=True)
class CellState:
    """A recorded cell of a notebook and its last run.

    `data` is "changed" where a file that the run read holds something else now (`changed` names some), "unknown" where
    that was not to be seen. Whether the code is still the same is seen by comparing `source`.
    """

    cell_id: str
    run: str
    name: str
    status: RunStatus
    started: str
    source: str
    data: Literal["same", "changed", "unknown"]
    changed: list[str]


@dataclass(frozen=True, slots=True)
class CellStates:
    items: list[CellState]
    next: str | None


@dataclass(frozen=True, slots=True)
class CellsQuery:
    """`notebook` is the notebook's path as Jupyter names it."""

    notebook: Name
