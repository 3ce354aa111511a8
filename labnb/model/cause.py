"""Why a job is where it is, in plain words: the scheduler's and the runner's, put together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labnb.model.job import JobState
from labnb.model.launch import NOT_PREPARED
from labnb.model.resources import Resources
from labnb.model.wording import duration_text, size_text

# What Slurm says of a job that waits, and of one that has ended: the first that is found in the reason counts.
_WAITS = (
    ("DependencyNeverSatisfied", "a job that it waits for did not end well, so it never starts"),
    ("Dependency", "waits for another job"),
    ("ReqNodeNotAvail", "waits for a node that is down, reserved or drained"),
    ("Nodes_required", "waits for a node that is down, reserved or drained"),
    ("PartitionTimeLimit", "asks for more time than the partition allows"),
    ("PartitionNodeLimit", "asks for more nodes than the partition allows"),
    ("PartitionDown", "the partition is down"),
    ("PartitionInactive", "the partition takes no jobs to start"),
    ("Reservation", "waits for a reservation"),
    ("BeginTime", "waits for its time to begin, as after a node was lost"),
    ("JobHeldAdmin", "is held by an administrator"),
    ("JobHeld", "is held"),
    ("launch_failed_requeued_held", "is held: it could not be started"),
    ("QOS", "waits: the quality of service allows no more at present"),
    ("Assoc", "waits: the account or user is allowed no more at present"),
    ("Licenses", "waits for licences"),
    ("Resources", "waits for free nodes"),
    ("Priority", "waits behind jobs of higher priority"),
    ("None", "waits to be looked at by the scheduler"),
)
_PREEMPTED = re.compile(r"preempt", re.IGNORECASE)
_BY = re.compile(r"(?:cancelled )?by (\S+)", re.IGNORECASE)
_SIGNALS = {6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}


@dataclass(frozen=True)
class Seen:
    """What is known of a job: the executor's word of it, the runner's end (end.json), and who wished it ended.

    `state` None: the executor does not know the job. `reason` is in the executor's words. `said` is the last line that
    the job's process printed before or after the cell.
    """

    state: JobState | None
    reason: str = ""
    exit_code: int | None = None
    node: str = ""
    used: Mapping[str, float] | None = None
    end: Mapping[str, Any] | None = None
    cancelled_by: str = ""
    said: str = ""


def cause_of(seen: Seen, asked: Resources) -> tuple[JobState, str]:
    """Give the state of a job that was seen so, and why, in plain words; "" where there is nothing to explain."""
    if seen.end is not None:
        return _ended(seen, asked)
    if seen.state is None:
        return JobState.LOST, (
            "nobody knows the job any more: the executor has lost it, and it left no end. It may have been ended by an "
            "administrator, or the scheduler lost its memory. labnb retry repeats it"
        )
    if seen.state is JobState.PENDING:
        return JobState.PENDING, _first(_WAITS, seen.reason)
    if seen.state is JobState.RUNNING:
        return JobState.RUNNING, ""
    return seen.state, _without_end(seen, asked)


def _ended(seen: Seen, asked: Resources) -> tuple[JobState, str]:
    end = seen.end or {}
    try:
        state = JobState(str(end.get("state", "FAILED")))
    except ValueError:
        state = JobState.FAILED
    if state is JobState.COMPLETED:
        return state, ""
    error = end.get("error") or {}
    by_signal = state is JobState.CANCELLED or end.get("exit_code") in (143, 137)
    # A signal tells the runner that it must end, not why: the executor may know.
    told = (JobState.TIMEOUT, JobState.OUT_OF_MEMORY, JobState.NODE_FAIL)
    if by_signal and not seen.cancelled_by and seen.state in told:
        state = seen.state or state
    if state is JobState.FAILED and error.get("type"):
        where = f", line {error['line']} of the cell" if error.get("line") else ""
        message = str(error.get("message", "")).strip().splitlines()
        return state, f"{error['type']}: {message[0] if message else ''}".rstrip(": ") + where
    return state, _words(state, seen, asked) or str(end.get("cause", "")) or "it ended without saying why"


def _without_end(seen: Seen, asked: Resources) -> str:
    words = _words(seen.state or JobState.FAILED, seen, asked)
    if words:
        return words
    code = seen.exit_code
    if code is not None and code > 128:
        name = _SIGNALS.get(code - 128, f"signal {code - 128}")
        return f"its process was ended by {name} before it could say why"
    if code == NOT_PREPARED and seen.said.startswith("labnb: "):
        return seen.said.removeprefix("labnb: ")
    if code:
        told = f": {seen.said}" if seen.said else ""
        return f"its process ended with exit code {code} before the cell could say how it ended{told}"
    return f"it ended without a result{f' ({seen.reason})' if seen.reason not in ('', 'None') else ''}"


def _words(state: JobState, seen: Seen, asked: Resources) -> str:
    used = {**(seen.used or {}), **dict((seen.end or {}).get("used") or {})}
    if state is JobState.TIMEOUT:
        limit = f" of {duration_text(asked.time)}" if asked.time else ""
        return f"the time limit{limit} was reached. Ask for more with --time"
    if state is JobState.OUT_OF_MEMORY:
        peak, limit_bytes = used.get("memory"), asked.memory
        parts = [f"{size_text(limit_bytes)} were asked for"] if limit_bytes else []
        parts += [f"{size_text(peak)} were seen in use"] if peak else []
        return f"it ran out of memory{': ' + ', '.join(parts) if parts else ''}. Ask for more with --memory"
    if state is JobState.NODE_FAIL:
        return f"the node {seen.node} failed" if seen.node else "its node failed"
    if state is JobState.CANCELLED:
        if _PREEMPTED.search(seen.reason):
            return "it was preempted by a job of higher priority"
        if "Dependency" in seen.reason:
            return "a job that it waits for did not end well"
        found = _BY.search(seen.reason)
        who = seen.cancelled_by or (_user(found[1]) if found else "")
        return f"cancelled by {who}" if who else "cancelled, outside of labnb"
    return ""


def _user(word: str) -> str:
    """Name the user of a number, as schedulers tell it, where this machine knows it."""
    if not word.isdigit():
        return word
    try:
        import pwd

        return pwd.getpwuid(int(word)).pw_name
    except (ImportError, KeyError, OverflowError):
        return f"user {word}"


def _first(known: tuple[tuple[str, str], ...], reason: str) -> str:
    told = reason.replace("_", "").replace(" ", "").lower()
    for word, text in known:
        if word.replace("_", "").lower() in told:
            return text
    return reason
