"""A run: one tracked execution of a snapshot."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from labnb.model.dataset import FileUse
from labnb.model.plain import plain

SCHEMA = 1

Value = str | int | float | bool | None


class RunStatus(str, enum.Enum):
    """MLflow's statuses."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    def __str__(self) -> str:
        return self.value

    @property
    def ended(self) -> bool:
        """Whether the run will not change any more."""
        return self not in (RunStatus.SCHEDULED, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a record that its reader must know: what is missing, what was hidden, and what to do."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of a metric. `time` is in seconds since the epoch."""

    name: str
    value: float
    step: int
    time: float


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run that the cell's own code opened in MLflow beneath this one."""

    run_id: str
    name: str
    status: str
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MlflowLink:
    """Where MLflow shows this run."""

    tracking_uri: str
    experiment: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Run:
    """What `labnb show RUN --json` gives; the fields are described in docs/record.md.

    Times are ISO 8601 in UTC. `metrics` holds the last value of each; the journal holds them all.
    `code` and `environment` are the summaries of the snapshot's parts; `snapshot` is its digest.
    """

    uid: str
    name: str
    status: RunStatus
    started: str
    ended: str | None = None
    user: str = ""
    notebook: str | None = None
    cell_id: str | None = None
    source: str = ""
    fingerprint: str | None = None
    snapshot: str | None = None
    params: dict[str, Value] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    inputs: tuple[FileUse, ...] = ()
    outputs: tuple[FileUse, ...] = ()
    code: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    error: dict[str, str] | None = None
    children: tuple[ChildRun, ...] = ()
    job: dict[str, Any] | None = None
    published: str = "local"
    published_why: str = ""
    mlflow: MlflowLink | None = None
    verdict: dict[str, Any] | None = None

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while the run goes on."""
        if self.ended is None:
            return None
        return (parse_time(self.ended) - parse_time(self.started)).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Give the JSON that every face speaks."""
        data = {"schema": SCHEMA, **plain(self)}
        data["status"] = self.status.value
        return data

    @staticmethod
    def from_json(data: dict[str, Any]) -> Run:
        """Read what `to_json` gave; fields added by later versions are passed over."""
        known = {f.name for f in dataclasses.fields(Run)}
        kept = {name: value for name, value in data.items() if name in known}
        kept["status"] = RunStatus(kept["status"])
        for name in ("inputs", "outputs"):
            kept[name] = tuple(FileUse.from_json(item) for item in kept.get(name, ()))
        kept["notes"] = tuple(Note(**item) for item in kept.get("notes", ()))
        kept["children"] = tuple(ChildRun(**item) for item in kept.get("children", ()))
        kept["mlflow"] = MlflowLink(**kept["mlflow"]) if kept.get("mlflow") else None
        return Run(**kept)


def time_text(seconds: float) -> str:
    """Write seconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read what `time_text` wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
