"""The recorded cells of a notebook, each with its last run: which of them are stale."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from labnb.model.api_runs import CellState, CellStates
from labnb.model.dataset import FileUse
from labnb.model.errors import NotFound, StoreCorrupt
from labnb.model.run import Run, parse_time
from labnb.ports.run_index import Question, RunIndex
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths

#: Runs of a notebook that are looked through, and cells that are told.
RUNS, CELLS, FILES = 1000, 200, 50


def cells_of(index: RunIndex, lab: LabPaths, names: tuple[str, ...]) -> CellStates:
    """Give the cells of a notebook that goes by any of these names, the last recorded first."""
    last: dict[str, str] = {}
    for name in names:
        quoted = name.replace("'", "''")
        found = index.ask(Question(filter=f"notebook = '{quoted}'", limit=RUNS))
        for item in found.items:
            if item.cell_id and item.source == "folder":
                last.setdefault(item.cell_id, item.uid)
    items = []
    for uid in list(last.values())[:CELLS]:
        try:
            items.append(_state(RunFolder(lab.run(uid)).read(), lab.root))
        except (NotFound, StoreCorrupt):
            continue
    return CellStates(items, None)


def _state(run: Run, root: Path) -> CellState:
    changed, unknown = [], False
    for use, same in _looks(run, root):
        if same is None:
            unknown = True
        elif not same:
            changed.append(use.path)
    data = "changed" if changed else "unknown" if unknown else "same"
    return CellState(
        cell_id=run.cell_id or "",
        run=run.uid,
        name=run.name,
        status=run.status,
        started=run.started,
        source=run.source,
        data=data,  # type: ignore[arg-type]  # one of the three
        changed=changed[:10],
    )


def _looks(run: Run, root: Path) -> Iterator[tuple[FileUse, bool | None]]:
    """Look at what the run read: the size tells a change for sure, a time before the run's start that there is none."""
    started = parse_time(run.started).timestamp()
    for use in run.inputs[:FILES]:
        if use.path.endswith("/"):
            yield use, None
            continue
        try:
            found = os.stat(root / use.path)
        except OSError:
            yield use, False
            continue
        if found.st_size != use.size:
            yield use, False
        else:
            yield use, True if found.st_mtime <= started else None
