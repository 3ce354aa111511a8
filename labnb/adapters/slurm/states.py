"""What squeue and sacct say of a job, read into our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from labnb.adapters.slurm.commands import COLUMNS
from labnb.adapters.slurm.script import MARK, name_end
from labnb.model.job import JobState
from labnb.ports.executor import Sight

_STATES = {
    "COMPLETED": JobState.COMPLETED,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
    "PREEMPTED": JobState.CANCELLED,
    "REVOKED": JobState.CANCELLED,
    "TIMEOUT": JobState.TIMEOUT,
    "DEADLINE": JobState.TIMEOUT,
    "OUT_OF_MEMORY": JobState.OUT_OF_MEMORY,
    "NODE_FAIL": JobState.NODE_FAIL,
    "BOOT_FAIL": JobState.NODE_FAIL,
    "LAUNCH_FAILED": JobState.NODE_FAIL,
    "RECONFIG_FAIL": JobState.NODE_FAIL,
    "PENDING": JobState.PENDING,
    "CONFIGURING": JobState.PENDING,
    "POWER_UP_NODE": JobState.PENDING,
    "REQUEUED": JobState.PENDING,
    "REQUEUE_FED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.PENDING,
    "RESV_DEL_HOLD": JobState.PENDING,
    "SPECIAL_EXIT": JobState.PENDING,
}
_SAYS_ITSELF = ("PREEMPTED", "REVOKED", "DEADLINE", "BOOT_FAIL", "SUSPENDED", "STOPPED", "REQUEUE_HOLD", "SPECIAL_EXIT")
_HELD_AFTER_LAUNCH = "launch_failed_requeued_held"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def from_squeue(text: str, tokens: Mapping[str, str]) -> dict[str, Sight]:
    """Read squeue's table: by the comment, since a controller that lost its state gives a number twice."""
    found: dict[str, Sight] = {}
    ends = {name_end(token): token for token in tokens}
    for row in _rows(text):
        token = _token(row, ends)
        if token not in tokens:
            continue
        seen = _sight(row)
        # Two with one token: sbatch was asked twice after all. The one that goes on, or began, is what matters.
        before = found.get(token)
        if before is None or (before.state.ended and not seen.state.ended) or before.started is None:
            found[token] = seen
    return found


def id_from_squeue(text: str, token: str) -> str:
    """Give the number of the job with this token, "" where there is none."""
    return next((row["JobID"] for row in _rows(text) if _token(row, {name_end(token): token}) == token), "")


def stuck(text: str, tokens: Mapping[str, str]) -> dict[str, str]:
    """Give those that Slurm holds because a node did not start them: their numbers, by token."""
    ends = {name_end(token): token for token in tokens}
    rows = ((row, _token(row, ends)) for row in _rows(text) if row["Reason"] == _HELD_AFTER_LAUNCH)
    return {token: row["JobID"] for row, token in rows if token in tokens}


def from_sacct(text: str, tokens: Mapping[str, str]) -> dict[str, Sight]:
    """Read sacct's table of these jobs and their steps; a record of another job with the same number is passed over."""
    by_handle = {handle: token for token, handle in tokens.items() if handle}
    found: dict[str, _Record] = {}
    current: dict[str, _Record] = {}
    for line in text.splitlines():
        fields = line.split("|", 10)
        if len(fields) < 11:
            continue
        number, _, step = fields[0].partition(".")
        token = by_handle.get(number)
        if token is None:
            continue
        if not step:
            if not _is_ours(token, fields[9], fields[10]):
                current.pop(token, None)
                continue
            record = _Record(_accounted(fields))
            if token in found:
                record.restarts = found[token].restarts + 1
            found[token] = current[token] = record
        elif token in current:
            current[token].memory = max(current[token].memory, _size(fields[7]))
            current[token].cpu = max(current[token].cpu, _seconds(fields[8]))
    return {token: record.sight() for token, record in found.items()}


def _token(row: Mapping[str, str], ends: Mapping[str, str]) -> str:
    """Whose job a row is: by its comment, and by its name where the site writes comments of its own."""
    if row["Comment"].startswith(MARK):
        return row["Comment"][len(MARK) :]
    _, point, end = row["Name"].rpartition(".")
    return ends.get(point + end, "")


@dataclass
class _Record:
    main: Sight
    memory: int = 0
    cpu: float = 0.0
    restarts: int = 0

    def sight(self) -> Sight:
        used: dict[str, float] = {}
        if self.memory:
            used["memory"] = self.memory
        if self.cpu:
            used["cpu"] = self.cpu
        return replace(self.main, used=used, restarts=self.restarts)


def _rows(text: str) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        row, start = {}, 0
        for name, width in COLUMNS:
            row[name] = line[start : start + width].strip()
            start += width
        yield row


def _sight(row: Mapping[str, str]) -> Sight:
    state = _STATES.get(row["State"], JobState.RUNNING)
    reason = "" if row["Reason"] in ("None", "N/A", "(null)") else row["Reason"]
    if row["State"] in _SAYS_ITSELF:
        reason = row["State"]
    waits = state is JobState.PENDING
    return Sight(
        state=state,
        reason=reason,
        exit_code=_told(state, row["exit_code"]),
        node="" if row["NodeList"] in ("(null)", "N/A") else row["NodeList"],
        restarts=int(row["RestartCnt"]) if row["RestartCnt"].isdigit() else 0,
        submitted=_time(row["SubmitTime"]),
        started=None if waits else _time(row["StartTime"]),  # of a job that waits, it is a guess
        ended=_time(row["EndTime"]) if state.ended else None,
    )


def _accounted(fields: list[str]) -> Sight:
    word, _, rest = fields[1].partition(" ")
    state = _STATES.get(word, JobState.RUNNING)
    return Sight(
        state=state,
        reason=fields[1] if rest or word in _SAYS_ITSELF else "",
        exit_code=_told(state, fields[2]),
        node="" if fields[6] in ("None assigned", "Unknown") else fields[6],
        submitted=_time(fields[3]),
        started=_time(fields[4]),
        ended=_time(fields[5]) if state.ended else None,
    )


def _is_ours(token: str, name: str, comment: str) -> bool:
    # Most sites keep no comments in their accounting; the job's name ends with a part of the token.
    return comment == MARK + token if comment.startswith(MARK) else name.endswith(name_end(token))


def _told(state: JobState, text: str) -> int | None:
    code = _exit_code(text) if state.ended else None
    # A job that was ended from outside "exits" with 0.
    return code if code or state is JobState.COMPLETED else None


def _exit_code(text: str) -> int | None:
    """Read "3:0", "0:11" (ended by a signal), or the raw status of a wait, "768".

    >>> _exit_code("3:0"), _exit_code("0:11"), _exit_code("768"), _exit_code("11")
    (3, 139, 3, 139)
    """
    code, mark, number = text.partition(":")
    if not code.isdigit() or (mark and not number.isdigit()):
        return None
    if mark:
        return 128 + int(number) if int(number) and not int(code) else int(code)
    return 128 + (int(code) & 127) if int(code) & 127 else int(code) >> 8


def _time(text: str) -> float | None:
    return float(text) if text.isdigit() and text != "0" else None


def _size(text: str) -> int:
    found = re.fullmatch(r"([\d.]+)([KMGT]?)", text)
    return int(float(found[1]) * _UNITS[found[2]]) if found else 0


def _seconds(text: str) -> float:
    """Read "1-02:03:04", "02:03.456".

    >>> _seconds("1-00:00:01"), _seconds("01:02.5")
    (86401.0, 62.5)
    """
    if not re.fullmatch(r"(\d+-)?[\d:.]+", text):
        return 0.0
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return int(days or 0) * 86400 + seconds
