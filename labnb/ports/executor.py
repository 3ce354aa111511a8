"""An executor: what starts jobs on a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from labnb.model.job import JobState
from labnb.model.resources import Resources
from labnb.model.run import Note
from labnb.ports.host import Host


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be started: `command`, word by word, in `folder` on the host, with output appended to `log`.

    `setup` are the shell lines of the target's owner that go before it. `token` is unique to the job and told to the
    executor, so that a submission whose answer was lost is found again. `after` are handles that must end well first.
    `grace` are the seconds before the end of its time, or after a cancellation, that the job gets a signal to save.
    `again` says that it may have been submitted before; without it the executor need not look for the token first.
    """

    name: str
    token: str
    folder: str
    command: tuple[str, ...]
    log: str
    resources: Resources = field(default_factory=Resources)
    setup: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    grace: int = 60
    again: bool = True


@dataclass(frozen=True, slots=True)
class Sight:
    """What an executor says of a job at one moment. `reason` is in its own words, `exit_code` None where unknown.

    `submitted`, `started` and `ended` are seconds since the epoch; `used` as in `Job`.
    """

    state: JobState
    reason: str = ""
    exit_code: int | None = None
    node: str = ""
    restarts: int = 0
    submitted: float | None = None
    started: float | None = None
    ended: float | None = None
    used: dict[str, float] = field(default_factory=dict)


class Executor(Protocol):
    """Starts, watches and ends jobs on a host. All calls raise what the host raises, and ExecutorError."""

    def check(self, host: Host, resources: Resources) -> tuple[Note, ...]:
        """Say what speaks against such a job before it is submitted: unknown partition, over a limit, no account."""
        ...

    def submit(self, host: Host, order: Order) -> str:
        """Start the job and give its handle. Twice with the same token starts it once."""
        ...

    def look(self, host: Host, tokens: Mapping[str, str]) -> dict[str, Sight]:
        """Tell of all these jobs (handle by token) in one question; a token that nobody knows is left out."""
        ...

    def cancel(self, host: Host, tokens: Mapping[str, str]) -> None:
        """End these jobs, also those that wait or whose handle is "": they are found by their tokens."""
        ...
