"""What `labnb doctor --fix` does. It may be called at any time, twice, or by two at once; no record is deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from labnb.runfolder.paths import LabPaths
from labnb.usecases.doctor.leftovers import remove
from labnb.usecases.doctor.rescue import rescue_runs
from labnb.usecases.mend_run import mend_runs


def fix_project(lab: LabPaths, announce_unpublished: Callable[[], list[str]]) -> list[str]:
    """Mend what can be mended, and say what was done.

    `announce_unpublished` has the runs published that are not, and gives their uids.
    """
    if not lab.runs.is_dir():
        return []
    said = []
    for run in mend_runs(lab):
        why = run.notes[-1].message if run.notes else ""
        said.append(f"Run {run.uid[:8]} ({run.name}) is marked {run.status.value}. {why}".rstrip())
    said += [
        f"Run {run.uid[:8]} has a run.json again, made from its journal; the damaged one is kept beside it."
        for run in rescue_runs(lab)
    ]
    said += [f"Removed {_shown(lab, path)}, left by a process that ended." for path in remove(lab)]
    announced = announce_unpublished()
    if announced:
        names = ", ".join(uid[:8] for uid in announced[:5]) + (" …" if len(announced) > 5 else "")
        said.append(f"Announced for publishing: {names}.")
    return said


def _shown(lab: LabPaths, path: Path) -> Path:
    return path.relative_to(lab.root) if path.is_relative_to(lab.root) else path
