"""A run as its row in lists."""

from __future__ import annotations

from typing import Literal

from labnb.model.api_runs import RunItem
from labnb.model.run import Run
from labnb.model.tags import ARCHIVED, NOTE
from labnb.model.wording import short


def item_of(run: Run, source: Literal["folder", "tracking"]) -> RunItem:
    """Give the row of a run."""
    job = run.job or {}
    error = run.error or {}
    return RunItem(
        uid=run.uid,
        name=run.name,
        status=run.status,
        started=run.started,
        ended=run.ended,
        duration=run.duration,
        user=run.user,
        notebook=run.notebook,
        cell_id=run.cell_id,
        fingerprint=run.fingerprint,
        params=run.params,
        metrics=dict(run.metrics),
        tags={name: text for name, text in run.tags.items() if name not in (NOTE, ARCHIVED)},
        note=run.tags.get(NOTE, ""),
        archived=run.tags.get(ARCHIVED) == "true",
        error=short(f"{error.get('type', '')}: {error.get('message', '')}", 300) if error else "",
        job=str(job["state"]) if "state" in job else None,
        target=str(job["target"]) if "target" in job else None,
        published=run.published,
        source=source,
    )
