"""Changes to runs: tags, note, archiving, the trash and back."""

from __future__ import annotations

from labnb.model.api_runs import Removed, RunChange, RunDetail
from labnb.server.operation import Ask, Operation


def change_run(ask: Ask) -> RunDetail:
    """Change tags, note or whether it is archived, and give the run as it is then."""
    uid = ask.shelf.edits.change(ask.path["uid"], ask.body)
    ask.shelf.look_at(uid)
    return ask.shelf.details.detail(uid)


def remove_run(ask: Ask) -> Removed:
    """Move the run to the trash."""
    removed = ask.shelf.edits.remove(ask.path["uid"])
    ask.shelf.look_at(removed.uid)
    return removed


def restore_run(ask: Ask) -> RunDetail:
    """Bring the run back from the trash."""
    uid = ask.shelf.edits.restore(ask.path["uid"])
    ask.shelf.look_at(uid)
    return ask.shelf.details.detail(uid)


OPERATIONS = (
    Operation(
        "PATCH", "runs/{uid}", "change_run", change_run, RunDetail, "Tag, annotate or archive a run.", body=RunChange
    ),
    Operation("DELETE", "runs/{uid}", "remove_run", remove_run, Removed, "Move a run to the trash."),
    Operation("POST", "runs/{uid}/restore", "restore_run", restore_run, RunDetail, "Bring a run back from the trash."),
)
