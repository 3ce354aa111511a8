"""Jobs in a table: the same columns in the notebook and in the terminal."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from labnb.model.facts import own_metrics
from labnb.model.job import Job, JobState
from labnb.model.run import parse_time
from labnb.model.wording import duration_text, format_number, short, size_text

COLOURS = {
    JobState.PENDING: "#757575",
    JobState.RUNNING: "#1976d2",
    JobState.COMPLETED: "#388e3c",
    JobState.FAILED: "#d32f2f",
    JobState.CANCELLED: "#f57c00",
    JobState.TIMEOUT: "#f57c00",
    JobState.OUT_OF_MEMORY: "#d32f2f",
    JobState.NODE_FAIL: "#d32f2f",
    JobState.LOST: "#d32f2f",
}
Rows = tuple[list[str], list[list[str]]]


def rows_of_jobs(jobs: Sequence[Job], now: float) -> Rows:
    """Give the header and a row per job: job, name, target, state, submitted, queued, took, used, why."""
    header = ["job", "name", "target", "state", "submitted", "waited", "ran", "used", "cause"]
    return header, [[*_start(job), *_times(job, now), used_text(job.used), short(job.cause, 90)] for job in jobs]


def rows_of_members(
    jobs: Sequence[Job], params: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, float]], now: float
) -> Rows:
    """Give the table of an array: the params of each member, how it went, and its metrics."""
    names = list(dict.fromkeys(name for own in params for name in own))
    seen = list(dict.fromkeys(name for found in metrics for name in own_metrics(found)))[:6]
    header = [*names, "state", *seen, "ran", "job", "cause"]
    rows = []
    for job, own, found in zip(jobs, params, metrics, strict=True):
        values = [format_number(found[name]) if name in found else "" for name in seen]
        given = [short(own.get(name, ""), 30) for name in names]
        rows.append([*given, job.state.value, *values, _times(job, now)[2], job.id[:8], short(job.cause, 90)])
    return header, rows


def text_of(rows: Rows, empty: str) -> str:
    """Write a table for a terminal."""
    header, lines = rows
    if not lines:
        return empty
    columns = [[line[number] for line in (header, *lines)] for number in range(len(header))]
    kept = [number for number, column in enumerate(columns) if any(column[1:])]
    widths = {number: max(len(text) for text in columns[number]) for number in kept}
    written = ["  ".join(line[number].ljust(widths[number]) for number in kept).rstrip() for line in (header, *lines)]
    return "\n".join([written[0], "  ".join("-" * widths[number] for number in kept), *written[1:]])


def html_of(rows: Rows, empty: str) -> str:
    """Write a table as plain HTML."""
    header, lines = rows
    if not lines:
        return f"<p>{html.escape(empty)}</p>"
    kept = [number for number in range(len(header)) if any(line[number] for line in lines)]
    head = "".join(f"<th>{html.escape(header[number])}</th>" for number in kept)
    body = "".join("<tr>" + "".join(_cell(line[number]) for number in kept) + "</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def used_text(used: Mapping[str, float]) -> str:
    """Write what a job used: "1.2 GB · 3 min 20 s CPU · GPU 97 %, 11 GB". Memory and load are peaks."""
    parts = [size_text(used["memory"])] if used.get("memory") else []
    if used.get("cpu"):
        parts.append(f"{duration_text(used['cpu'])} CPU")
    if used.get("gpu") is not None:
        memory = size_text(used["gpu_memory"]) if used.get("gpu_memory") else ""
        parts.append(f"GPU {format_number(used['gpu'])} %{memory and ', ' + memory}")
    return " · ".join(parts)


def asked_text(resources: Mapping[str, Any]) -> str:
    """Write what a job asked for: "2 cpus · 8 GB · 4 h 00 min"."""
    parts = []
    for name, value in resources.items():
        if name == "memory":
            parts.append(size_text(value))
        elif name == "time":
            parts.append(duration_text(value))
        elif name in ("cpus", "gpus", "nodes"):
            parts.append(f"{value} {name if value != 1 else name[:-1]}")
        elif name == "options":
            parts.extend(str(option) for option in value)
        else:
            parts.append(f"{name} {value}")
    return " · ".join(parts)


def tally(jobs: Sequence[Job]) -> str:
    """Count the jobs by state: "3 COMPLETED, 1 FAILED"."""
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.state.value] = counts.get(job.state.value, 0) + 1
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _start(job: Job) -> list[str]:
    return [job.id[:8], short(job.name, 30), job.target, job.state.value]


def _times(job: Job, now: float) -> list[str]:
    submitted = parse_time(job.submitted).timestamp() if job.submitted else now
    ended = parse_time(job.ended).timestamp() if job.ended else now
    begun = parse_time(job.started).timestamp() if job.started else None
    waited = max((begun or ended) - submitted, 0.0)
    ran = duration_text(max(ended - begun, 0.0)) if begun is not None else ""
    return [(job.submitted or "")[:19].replace("T", " "), duration_text(waited), ran]


def _cell(text: str) -> str:
    colour = next((value for state, value in COLOURS.items() if state.value == text), "")
    style = "white-space:nowrap" + (f";color:{colour}" if colour else "")
    return f'<td style="{style}">{html.escape(text)}</td>'
