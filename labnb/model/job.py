"""A job: a run asked of another process or machine."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field
from typing import Any

from labnb.model.plain import plain


class JobState(str, enum.Enum):
    """Where a job is in its life; the words are Slurm's, and LOST for a job that nobody knows of any more."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    NODE_FAIL = "NODE_FAIL"
    LOST = "LOST"

    def __str__(self) -> str:
        return self.value

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self not in (JobState.PENDING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Job:
    """What `labnb jobs --json` gives of a job.

    `id` is the uid of its `run`. `handle` is the executor's own name of it ("" until it has one), `token` the
    random word by which it is recognised although a scheduler gives a handle twice. `cause` says in plain words why
    the state is what it is. `resources` were asked for, `used` what was seen: memory (bytes, the peak), cpu (seconds),
    gpu. `after` are the jobs that it waits for; `group` names the array it is a member of, `retry_of` the job that it
    repeats. `starts` counts how often it began. `out` are the names whose values come back. Times are ISO 8601 in UTC.
    """

    id: str
    run: str
    name: str
    target: str
    state: JobState = JobState.PENDING
    cause: str = ""
    submitted: str | None = None
    started: str | None = None
    ended: str | None = None
    resources: dict[str, Any] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    node: str = ""
    handle: str = ""
    token: str = ""
    after: tuple[str, ...] = ()
    group: str | None = None
    retry_of: str | None = None
    starts: int = 0
    out: tuple[str, ...] = ()
    folder: str = ""
    collected: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give the JSON that every face speaks."""
        return {**plain(self), "state": self.state.value}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Job:
        """Read what `to_json` gave; fields added by later versions are passed over."""
        known = {f.name for f in dataclasses.fields(Job)}
        kept = {name: value for name, value in data.items() if name in known}
        kept["state"] = JobState(kept.get("state", "PENDING"))
        for name in ("after", "out"):
            kept[name] = tuple(kept.get(name, ()))
        return Job(**kept)
