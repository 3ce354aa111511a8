"""Mend a run whose process died: say so in its record, and keep everything that it logged."""

from __future__ import annotations

import dataclasses

from labnb.model.run import Note, Run, RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.journal import read_journal
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths


def mend_run(lab: LabPaths, uid: str) -> Run | None:
    """Write the end of a run whose process is gone, and give it; None where there is nothing to mend.

    Two that mend at once write the same. Raises NotFound, StoreCorrupt, or OSError where run.json cannot be written.
    """
    folder = RunFolder(lab.run(uid))
    stored, owner = folder.stored()
    if stored.status.ended or owner is None or owner.lives():
        return None
    run = folder.read()
    failure = _failure(folder)
    if failure is not None:
        run = dataclasses.replace(run, status=RunStatus.FAILED, error=failure)
    note = Note("kernel_died", f"{_cause(owner)} What was logged until then is here.", _HINT)
    notes = tuple(dict.fromkeys([*run.notes, note]))
    # How far it was published stands in published.json, not here.
    run = dataclasses.replace(run, notes=notes, published=stored.published, mlflow=stored.mlflow)
    if folder.stored()[0].status.ended:  # it ended well after all, between the two looks at it
        return None
    folder.write(run)
    return run


_HINT = "Killed by hand, a kernel restart or a lack of memory look the same from outside; the server's log may know."


def _cause(owner: Owner) -> str:
    if owner.rebooted():
        return f"The machine {owner.host} was restarted during the run."
    return f"The kernel died during the run (process {owner.pid} on {owner.host})."


def _failure(folder: RunFolder) -> dict[str, str] | None:
    """The exception that had already ended the cell when the process died, where the journal tells one."""
    failure = None
    for _, line in read_journal(folder.paths.journal):
        if line.get("k") == "error":
            failure = {name: str(line.get(name, "")) for name in ("type", "message", "traceback")}
    return failure
