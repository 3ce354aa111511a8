"""Make a run listed again whose run.json is empty or damaged, as a machine that lost its power can leave it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from labnb.model.errors import NotFound, StoreCorrupt
from labnb.model.run import Note, Run, RunStatus, time_text
from labnb.runfolder.folder import RunFolder, with_lines
from labnb.runfolder.journal import read_journal
from labnb.runfolder.paths import LabPaths
from labnb.usecases.doctor.leftovers import YOUNG

KEPT = "run.json.broken"


def rescue_runs(lab: LabPaths) -> list[Run]:
    """Write run.json anew where it cannot be read, from the rest of the folder; the old one is kept."""
    found = []
    try:
        uids = os.listdir(lab.runs)
    except OSError:
        return []
    for uid in sorted(uids):
        with contextlib.suppress(OSError):
            run = _rescued(RunFolder(lab.run(uid)))
            if run is not None:
                found.append(run)
    return found


def _rescued(folder: RunFolder) -> Run | None:
    paths = folder.paths
    try:
        folder.stored()
    except StoreCorrupt:
        pass
    except NotFound:
        if not paths.journal.exists():
            return None
    else:
        return None
    newest = paths.run if paths.run.exists() else paths.journal
    if time.time() - newest.stat().st_mtime < YOUNG:
        return None  # somebody may be at work
    lines = [line for _, line in read_journal(paths.journal)]
    times = [float(line["t"]) for line in lines if isinstance(line.get("t"), (int, float))]
    moments = times or [newest.stat().st_mtime]
    status = RunStatus.KILLED
    for line in lines:
        if line.get("k") == "end":
            with contextlib.suppress(ValueError):
                status = RunStatus(str(line.get("status")))
    run = Run(
        uid=folder.uid,
        name=f"rescued-{folder.uid[:8]}",
        status=status,
        started=time_text(min(moments)),
        ended=time_text(max(moments)),
        source=_source(paths.output),
        notes=(
            Note(
                "rescued",
                "run.json was damaged; this was put together from the rest of the folder.",
                f"What was found there is kept as {KEPT}.",
            ),
        ),
    )
    run = with_lines(run, lines)
    if paths.run.exists():
        os.replace(paths.run, paths.folder / KEPT)
    folder.write(run)
    return run


def _source(output: Path) -> str:
    try:
        data: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return "".join(data["cells"][0]["source"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""
