"""Datasets, jobs and targets as REST answers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from labnb.model.api import Bounds, Cursor, Limit, Name, Text
from labnb.model.job import JobState
from labnb.model.run import Value


@dataclass(frozen=True, slots=True)
class DatasetItem:
    """A dataset of the project. `id` stands for its name in paths; `runs` counts the runs that read or wrote it.

    `state` tells how the data lie in the work tree: unchanged, changed, missing, not in cache, unknown.
    """

    id: str
    name: str
    version: str | None
    folder: bool
    size: int | None
    files: int | None
    origin: str
    source: str
    state: str
    runs: int
    used: str | None


@dataclass(frozen=True, slots=True)
class DatasetPage:
    items: list[DatasetItem]
    next: str | None
    total: int
    message: str


@dataclass(frozen=True, slots=True)
class DatasetsQuery:
    """Datasets whose name contains `filter`; `order_by` is "name", "size" or "used", with DESC behind it or not."""

    filter: Text = ""
    order_by: Text = "name"
    limit: Limit = 100
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True)
class VersionItem:
    """A version of a dataset; `made_by` and `used_by` are uids of runs, newest first."""

    version: str
    time: str
    author: str
    message: str
    size: int | None
    files: int | None
    tags: list[str]
    revisions: list[str]
    made_by: list[str]
    used_by: list[str]
    current: bool


@dataclass(frozen=True, slots=True)
class VersionPage:
    items: list[VersionItem]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a version: a table, text, the names of files, an image, or why there is none ("nothing").

    `total` counts all rows or files, null where that is not known. `image` is a thumbnail (PNG in base64), "" where
    there is none. `facts` say what else there is to know (shape, format, seconds).
    """

    kind: Literal["table", "text", "files", "image", "nothing"]
    path: str
    columns: list[str]
    rows: list[list[str]]
    text: str
    files: list[str]
    total: int | None
    message: str
    image: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PreviewQuery:
    """`path` is a file inside a dataset that is a folder."""

    path: Text = ""
    limit: Annotated[int, Bounds(1, 1000)] = 100


@dataclass(frozen=True, slots=True)
class DiffQuery:
    before: Name
    after: Name


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """What differs between two versions; `counts` counts files that were added, removed, changed and unchanged."""

    before: str
    after: str
    added: list[str]
    removed: list[str]
    changed: list[str]
    counts: dict[str, int]
    sizes: list[int | None]
    tables: list[dict[str, Any]]
    notes: list[str]
    same: bool


@dataclass(frozen=True, slots=True)
class LineageNode:
    id: str
    kind: str
    label: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineageEdge:
    source: str
    target: str
    how: str


@dataclass(frozen=True, slots=True)
class LineageGraph:
    """Data and runs around one version; `target` is its node. `cut` says that not everything was followed."""

    target: str
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    cut: bool


@dataclass(frozen=True, slots=True)
class LineageQuery:
    """`version` is the current one where it is left out."""

    version: Text = ""


@dataclass(frozen=True, slots=True)
class JobItem:
    """A job; `id` is the uid of its run, whose resource has its log, its outputs and its metrics."""

    id: str
    run: str
    name: str
    target: str
    state: JobState
    cause: str
    submitted: str | None
    started: str | None
    ended: str | None
    resources: dict[str, Any]
    used: dict[str, float]
    node: str
    handle: str
    after: list[str]
    group: str | None
    retry_of: str | None
    starts: int
    out: list[str]
    collected: bool
    notebook: str | None
    user: str


@dataclass(frozen=True, slots=True)
class JobPage:
    """`running` counts all jobs that wait or run, whatever the filter."""

    items: list[JobItem]
    next: str | None
    total: int
    running: int


@dataclass(frozen=True, slots=True)
class JobsQuery:
    """Jobs in whose name, target, state or cause all words of `filter` stand, newest first."""

    filter: Text = ""
    state: Literal["all", "open", "ended"] = "all"
    target: Text = ""
    limit: Limit = 50
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True)
class TargetItem:
    """A place where jobs run, as labnb.toml names it; `resources` are what a job gets unless it asks otherwise."""

    name: str
    host: str
    executor: str
    python: str
    environment: str
    image: str
    resources: dict[str, Value | list[str]]


@dataclass(frozen=True, slots=True)
class Targets:
    """`message` says why none can be read."""

    items: list[TargetItem]
    next: str | None
    message: str = field(default="")
