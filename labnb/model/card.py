"""The card below a recorded cell: one MIME bundle that stays true in a saved notebook.

`application/vnd.labnb.run+json` is for labnb's own renderer in JupyterLab; `text/html` for every other notebook,
nbconvert and GitHub (no scripts, no classes); `text/plain` for terminals.
"""

from __future__ import annotations

import html
from typing import Any

from labnb.model.facts import own_metrics
from labnb.model.job_table import asked_text, used_text
from labnb.model.run import Note, Run, RunStatus, time_text
from labnb.model.wording import code_text, data_text, duration_text, format_number, published_text, short

MIME = "application/vnd.labnb.run+json"
SHOWN = 6

_COLOURS = {
    "RUNNING": "#1976d2",
    "FINISHED": "#388e3c",
    "FAILED": "#d32f2f",
    "KILLED": "#f57c00",
    "SCHEDULED": "#757575",
}
_JOBS = {"PENDING": "SCHEDULED", "RUNNING": "RUNNING", "COMPLETED": "FINISHED", "FAILED": "FAILED"}
_MARKS = {"RUNNING": "●", "FINISHED": "✔", "FAILED": "✘", "KILLED": "■", "SCHEDULED": "○"}


def card(run: Run, now: float, elapsed: float | None = None, said: str = "") -> dict[str, Any]:
    """Make the bundle of a run. `now` is the time it is told as of, `elapsed` the seconds of one that still runs.

    `said` is the last line that a job has printed.
    """
    data = run.to_json()
    for heavy in ("source", "error", "children", "verdict"):
        data.pop(heavy)
    data["as_of"] = time_text(now)
    data["elapsed"] = run.duration if run.duration is not None else elapsed
    data["said"] = said
    return {MIME: data, "text/html": to_html(run, now, elapsed, said), "text/plain": to_text(run, elapsed, said)}


def to_text(run: Run, elapsed: float | None = None, said: str = "") -> str:
    """Write the card for a terminal."""
    lines = [f"{_MARKS[_shown_as(run)]} {run.name}  {_state(run, elapsed)}  run {run.uid[:8]}"]
    lines.extend(f"  {label}: {text}" for label, text in _facts(run, said))
    lines.extend(f"  note: {_note(note)}" for note in run.notes)
    return "\n".join(lines)


def to_html(run: Run, now: float, elapsed: float | None = None, said: str = "") -> str:
    """Write the card as plain HTML."""
    status = _shown_as(run)
    colour = _COLOURS[status]
    as_of = "" if RunStatus(status).ended else f" · as of {html.escape(time_text(now)[11:19])} UTC"
    head = (
        f'<span style="color:{colour}">{_MARKS[status]}</span> <b>{html.escape(run.name)}</b> '
        f"{html.escape(_state(run, elapsed))}{as_of} · <code>{run.uid[:8]}</code>"
    )
    facts = "".join(
        f"<br><small>{html.escape(label)}: {html.escape(text)}</small>" for label, text in _facts(run, said)
    )
    notes = ""
    if run.notes:
        items = "".join(f"<li>{html.escape(_note(note))}</li>" for note in run.notes)
        word = "note" if len(run.notes) == 1 else "notes"
        notes = f"<details><summary><small>{len(run.notes)} {word}</small></summary><ul>{items}</ul></details>"
    return f'<div style="border-left:3px solid {colour};padding-left:8px">{head}{facts}{notes}</div>'


def failure(message: str, hint: str) -> dict[str, str]:
    """Make the bundle that stands where no record could be begun or ended: the cell itself ran."""
    text = f"This cell ran, but labnb could not record it. {message} {hint}".strip()
    box = '<div style="border-left:3px solid #f57c00;padding-left:8px">'
    return {"text/plain": f"■ {text}", "text/html": f"{box}{html.escape(text)}</div>"}


def _state(run: Run, elapsed: float | None) -> str:
    if run.job is not None:
        return job_state(run)
    seconds = run.duration if run.duration is not None else elapsed
    word = run.status.value.lower()
    return (
        f"{word}{' ' if run.status is RunStatus.RUNNING else ' in '}{duration_text(seconds)}"
        if seconds is not None
        else word
    )


def _facts(run: Run, said: str = "") -> list[tuple[str, str]]:
    metrics = {name: run.metrics[name] for name in own_metrics(run.metrics)}
    facts = [
        ("metrics", _some([f"{name} {format_number(value)}" for name, value in metrics.items()])),
        ("params", _some([f"{name}={short(value)}" for name, value in run.params.items()])),
        ("data", _some([data_text(use) for use in run.inputs])),
        ("wrote", _some([data_text(use) for use in run.outputs])),
        ("code", code_text(run.code) if run.status.ended else ""),
        # A new run is local for a moment; that needs no line.
        ("published", published_text(run) if run.published in ("publishing", "failing") else ""),
    ]
    if run.job is not None:
        facts.insert(0, ("job", job_text(run.job)))
        facts.insert(1, ("log", short(said, 100)))
    if run.error and (run.job is None or run.error["type"] != run.job.get("state")):
        facts.insert(0, ("error", f"{run.error['type']}: {short(run.error['message'])}"))
    return [(label, text) for label, text in facts if text]


def _shown_as(run: Run) -> str:
    """Give the status whose mark and colour stand for the run: a job's state is known before its record is written."""
    state = (run.job or {}).get("state")
    if run.status.ended or state is None:
        return run.status.value
    return _JOBS.get(state, "KILLED")


def job_state(run: Run) -> str:
    """Say where a job stands: "PENDING on cluster: waits for free nodes", "COMPLETED on cluster in 12.1 s"."""
    job = run.job or {}
    text = f"{job.get('state', 'PENDING')} on {job.get('target', '')}"
    if run.duration is not None and job.get("started"):
        text += f" in {duration_text(run.duration)}"
    cause = job.get("cause", "")
    return f"{text}: {cause}" if cause and not (run.error and run.error["type"] != job.get("state")) else text


def job_text(job: dict[str, Any]) -> str:
    """Write the facts of a job on a line: node, what was asked for, what was used."""
    parts = [job.get("node", ""), asked_text(job.get("resources") or {})]
    if used := used_text(job.get("used") or {}):
        parts.append(f"used {used}")
    if job.get("queued"):
        parts.append(f"waited {duration_text(job['queued'])}")
    if job.get("out"):
        parts.append(f"returns {', '.join(job['out'])}")
    return " · ".join(part for part in parts if part)


def _some(items: list[str]) -> str:
    more = f" · {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return " · ".join(items[:SHOWN]) + more


def _note(note: Note) -> str:
    return f"{note.message} {note.hint}".strip()
