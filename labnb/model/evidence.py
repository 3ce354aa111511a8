"""What the live session saw of one execution: what `record_run` makes a record of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labnb.model.closure import Closure
from labnb.model.dataset import FileUse
from labnb.model.run import ChildRun, MetricPoint, Note, Value
from labnb.model.snapshot import Environment


@dataclass(frozen=True, slots=True)
class Evidence:
    """`started` and `ended` are the cell's own times, in seconds since the epoch.

    Each other part may be missing; a note then says why.

    `shown` are the cell's outputs in nbformat's JSON. `error` is {"type", "message", "traceback"} of an exception
    that ended the cell. `points` are metric points that did not pass through the journal. `parts` says, by
    its digest, what a folder that was read in part stands for: md5 by path. `environment` and `job` are told of a cell
    that ran elsewhere.
    """

    started: float
    ended: float
    closure: Closure | None = None
    inputs: tuple[FileUse, ...] = ()
    outputs: tuple[FileUse, ...] = ()
    params: Mapping[str, Value] = field(default_factory=dict)
    points: tuple[MetricPoint, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[dict[str, Any], ...] = ()
    error: dict[str, str] | None = None
    children: tuple[ChildRun, ...] = ()
    notes: tuple[Note, ...] = ()
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    environment: Environment | None = None
    job: dict[str, Any] | None = None
