"""What REST answers, and is asked: the words that every resource shares.

The OpenAPI document and the TypeScript types are made from these dataclasses. A number that JSON cannot write is the
text "NaN", "Infinity" or "-Infinity". Times are ISO 8601 in UTC unless a field says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

Number = float | Literal["NaN", "Infinity", "-Infinity"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number, the length of a text or the count of a list may be, both ends included."""

    least: int
    most: int


Limit = Annotated[int, Bounds(1, 1000)]
Text = Annotated[str, Bounds(0, 4000)]
Name = Annotated[str, Bounds(1, 1000)]
Cursor = Annotated[str, Bounds(0, 4000)]


@dataclass(frozen=True, slots=True)
class Problem:
    """Every failure: a code for programs, what is wrong with which thing, and what would have been right."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Tracking:
    """The lab's MLflow server as the index sees it. `reachable` is null until it was asked."""

    uri: str
    reachable: bool | None
    asked: str | None
    runs: int
    message: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the index of runs is behind.

    `state` is "current" (what was recorded is there), "reading" (`waiting` run folders are still to be read, null while
    they are being counted) or "stopped" (`message` says why). `checked` is when all folders were last looked at, `live`
    whether changes are noticed at once. `since` is another word whenever anything changed: what `runs?since=` takes.
    """

    state: Literal["current", "reading", "stopped"]
    checked: str | None
    waiting: int | None
    live: bool
    runs: int
    message: str
    tracking: Tracking | None
    since: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project that this server shows. `id` stands for it in every other question."""

    id: str
    name: str
    path: str
    current: bool


@dataclass(frozen=True, slots=True)
class Projects:
    """The projects of the server's folder, the one asked about first."""

    items: list[Project]
    next: str | None


@dataclass(frozen=True, slots=True)
class ProjectsQuery:
    """`notebook` is a notebook's path as Jupyter names it: its project is the current one."""

    notebook: Text = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Which labnb answers, for which project and whom, and how fresh its index of runs is."""

    schema: int
    version: str
    project: str
    user: str
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class NoQuery:
    """No words."""


@dataclass(frozen=True, slots=True)
class PageQuery:
    """A page of a list: at most `limit` items, from where the last page's `next` pointed."""

    limit: Limit = 100
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Work that goes on: `id` is followed through its own resource and the event stream."""

    id: str
    message: str


#: A document of a format of its own, as a notebook.
Free = dict[str, Any]
