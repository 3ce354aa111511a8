"""Mend a run whose process died: say so in its record, and keep everything that it logged.

The publisher does it for the runs in its queue, a new session and `labnb doctor --fix` for all of the project.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from labnb.model.errors import LabError
from labnb.model.output import output_notebook, terminal_text
from labnb.model.run import Note, Run
from labnb.runfolder.folder import RunFolder, unended_uids
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths, write_atomic

# Bytes of the log that are shown again in output.ipynb; log.txt has all of them.
SHOWN = 1_000_000


def mend_runs(lab: LabPaths) -> list[Run]:
    """Mend every run of the project that needs it, and give those that were; one that cannot be is passed over."""
    found = []
    for uid in unended_uids(lab):
        with contextlib.suppress(LabError, OSError):
            run = mend_run(lab, uid)
            if run is not None:
                found.append(run)
    return found


def dead_runs(lab: LabPaths) -> list[str]:
    """List the runs that `mend_runs` would mend; changes nothing."""
    found = []
    for uid in unended_uids(lab):
        with contextlib.suppress(LabError):
            folder = RunFolder(lab.run(uid))
            stored, owner = folder.stored()
            if not stored.status.ended and folder.over(owner):
                found.append(uid)
    return found


def mend_run(lab: LabPaths, uid: str) -> Run | None:
    """Write the end of a run whose process is gone, and give it; None where there is nothing to mend.

    Two that mend at once write the same. Raises NotFound, StoreCorrupt, or OSError where run.json cannot be written.
    """
    folder = RunFolder(lab.run(uid))
    stored, owner = folder.stored()
    if stored.status.ended or not folder.over(owner):
        return None
    run = folder.read()
    note = _note(folder, owner)
    notes = tuple(dict.fromkeys([*run.notes, note]))
    # How far it was published stands in published.json, not here.
    run = dataclasses.replace(run, notes=notes, published=stored.published, published_why="", mlflow=stored.mlflow)
    _write_output(folder, run)
    if folder.stored()[0].status.ended:  # it ended well after all, between the two looks at it
        return None
    folder.write(run)
    folder.forget_mark()
    return run


def _note(folder: RunFolder, owner: Owner | None) -> Note:
    if folder.mark() is not None:
        return Note(
            "end_not_written",
            "There was no room to write the end of the run. What was kept until then is here.",
            "Outputs, data and the closure of the cell may be missing.",
        )
    if owner is None:
        return Note("kernel_died", "The kernel died during the run. What was logged until then is here.")
    where = f"process {owner.pid} on {owner.host}"
    if owner.rebooted():
        return Note(
            "kernel_died", f"The machine {owner.host} was restarted during the run. What was logged until then is here."
        )
    if owner.memory_ran_out():
        return Note(
            "out_of_memory",
            f"The kernel died during the run, perhaps out of memory ({where}). What was logged until then is here.",
            "Linux killed a process for lack of memory since the run began; the system's log names it (dmesg).",
        )
    return Note(
        "kernel_died",
        f"The kernel died during the run ({where}). What was logged until then is here.",
        "Killed by hand, a kernel restart or a crash look the same from outside; the server's log may know.",
    )


def _write_output(folder: RunFolder, run: Run) -> None:
    """Put what the cell printed into output.ipynb, behind what was kept of its displays while it ran."""
    paths = folder.paths
    shown: list[dict[str, Any]] = []
    offset = 0
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        cell = json.loads(paths.output.read_text(encoding="utf-8"))["cells"][0]
        offset = cell["metadata"]["labnb"].get("log", -1)
        shown = cell["outputs"]
    if offset < 0:  # it was written whole
        return
    # A line that was not whole then stands in the log, or in its tail, as it went on.
    last = next((item for item in reversed(shown) if item["output_type"] == "stream"), {"text": ""})
    last["text"] = last["text"][: last["text"].rfind("\n") + 1]
    shown = [item for item in shown if item.get("text") != ""]
    text = terminal_text(_tail(paths.log, offset) + _tail(paths.log_tail))
    if text:
        shown.append({"output_type": "stream", "name": "stdout", "text": text})
    if run.error is not None and not any(item["output_type"] == "error" for item in shown):
        traceback = run.error.get("traceback", "").splitlines()
        shown.append(
            {
                "output_type": "error",
                "ename": run.error["type"],
                "evalue": run.error["message"],
                "traceback": traceback,
            }
        )
    write_atomic(paths.output, json.dumps(output_notebook(run.source, shown, run.uid), indent=1, ensure_ascii=False))


def _tail(path: Path, offset: int = 0) -> str:
    """Read a log from `offset` (bytes) on; of a very long one the end."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(offset, size - SHOWN)
            file.seek(start)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text if start == offset else f"[… {start - offset:,} bytes left out, see {path.name} …]\n{text}"
