"""The long parts of a run as REST answers them: curves, log, code, environment, artifacts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from labnb.model.api import Bounds, Cursor, Limit, Name, Text

Axis = Literal["step", "time", "relative"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of a run over `x`: in steps, seconds since the epoch (time) or seconds since the run's start (relative).

    `total` counts the points in the asked range, of which at most the asked number is given; `whole` says that all are.
    Values that are no numbers are null.
    """

    run: str
    name: str
    x: list[float]
    y: list[float | None]
    total: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves in the order of runs and names. `names` are all metrics of these runs."""

    axis: Axis
    items: list[Curve]
    names: list[str]


@dataclass(frozen=True, slots=True)
class CurvesQuery:
    """Which metrics (all where none is named), over what, from where to where, in how many points each."""

    names: Annotated[list[Name], Bounds(0, 100)] = field(default_factory=list)
    x: Axis = "step"
    points: Annotated[int, Bounds(2, 20_000)] = 1000
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A piece of what the cell printed: bytes `offset` to `next` of `size`, cut at whole characters.

    `tail` is the last line while it is not whole (a progress bar); `ended` says that no more will come.
    """

    text: str
    offset: int
    next: int
    size: int
    tail: str
    ended: bool


@dataclass(frozen=True, slots=True)
class LogQuery:
    """From byte `offset` at most `limit` bytes; a negative offset counts from the end: -65536 gives the tail."""

    offset: Annotated[int, Bounds(-(2**53), 2**53)] = -65_536
    limit: Annotated[int, Bounds(1, 1_000_000)] = 262_144


@dataclass(frozen=True, slots=True)
class Code:
    """The cell, what it needs, and how the work tree differed.

    `script` is the closure, ready to run. `diff` (unified) is from `against` to this run: of the work tree where
    `against` is "HEAD", of the closures where it is another run's uid; `cut` says that it was too long to send whole.
    """

    uid: str
    source: str
    script: str
    commit: str | None
    branch: str | None
    dirty: bool
    left_out: list[str]
    against: str
    diff: str
    same: bool
    cut: bool
    message: str


@dataclass(frozen=True, slots=True)
class AgainstQuery:
    """`against` is "" (nothing), "HEAD" (the last commit) or the uid of another run."""

    against: Annotated[str, Bounds(0, 64)] = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A name whose value differs; null where it is missing."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class EnvironmentDetail:
    """Where the code ran; `lock` are requirement lines, `changes` how it differs from the run asked against."""

    uid: str
    python: str
    platform: str
    hardware: dict[str, Any]
    variables: dict[str, str]
    loaded: dict[str, str]
    lock: list[str]
    against: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that the run kept. `size` in bytes; `type` is its media type by its name."""

    id: str
    path: str
    size: int
    modified: str
    type: str


@dataclass(frozen=True, slots=True)
class Artifacts:
    items: list[Artifact]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True)
class ArtifactsQuery:
    """Files whose path contains `filter`, by path."""

    filter: Text = ""
    limit: Limit = 200
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True)
class ArtifactQuery:
    """`download` changes nothing: a file is always an attachment."""

    download: bool = True
