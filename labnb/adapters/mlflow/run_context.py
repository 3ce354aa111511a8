"""MLflow asks here which tags a new run gets: inside a recorded cell, the first becomes the cell's own run.

MLflow loads this file through the entry point `mlflow.run_context_provider`, in every process that starts a run. It
imports nothing but the standard library, and does nothing where no recorded cell is running.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labnb.adapters.mlflow.conventions import JOINED, PARENT_RUN, PARENT_UID, UID

# The uid of the recorded cell that started this process.
PARENT_VARIABLE = "LABNB_PARENT_RUN"


@dataclass
class OpenCell:
    """The recorded cell of this process, and what MLflow was seen to open for it.

    `claimed` is the tracking URI in which the cell's run was opened, `run_id` its id once known; `implicit` says
    that nobody asked for the newest run: MLflow opened it because something was logged. `uris` are all stores in
    which runs were opened, `opened` counts the runs.
    """

    uid: str
    tags: Mapping[str, str]
    pid: int = field(default_factory=os.getpid)
    claimed: str | None = None
    run_id: str | None = None
    implicit: bool = False
    uris: list[str] = field(default_factory=list)
    opened: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_cell: OpenCell | None = None


def open_cell(cell: OpenCell) -> None:
    """Give new runs of this process and of its children to this cell, until `close_cell`."""
    global _cell
    _cell = cell
    os.environ[PARENT_VARIABLE] = cell.uid


def close_cell() -> None:
    """Let new runs be the user's own again."""
    global _cell
    _cell = None
    os.environ.pop(PARENT_VARIABLE, None)


class LabnbRunContext:
    """MLflow's run context provider; MLflow calls `in_context`, then `tags`, whenever a run is started."""

    def in_context(self) -> bool:
        """Whether a recorded cell is running in this process, or started it."""
        return _cell is not None or PARENT_VARIABLE in os.environ

    def tags(self) -> dict[str, str]:
        """Tags of the run that is about to be created: the cell's own run, or a child of it."""
        cell = _cell
        if cell is None or cell.pid != os.getpid():
            return {PARENT_UID: cell.uid if cell else os.environ[PARENT_VARIABLE]}
        uri = _tracking_uri()
        with cell.lock:
            cell.opened += 1
            cell.implicit = _nobody_asked()
            if uri not in cell.uris:
                cell.uris.append(uri)
            if cell.claimed is None or _failed(cell):
                cell.claimed = uri
                return {**cell.tags, UID: cell.uid, JOINED: "true"}
            tags = {name: cell.tags[name] for name in _SHARED if name in cell.tags}
            tags[PARENT_UID] = cell.uid
            if cell.run_id is not None and cell.claimed == uri:
                tags[PARENT_RUN] = cell.run_id
            return tags


def _failed(cell: OpenCell) -> bool:
    """Whether the run that was to be the cell's own was never made; not when its store cannot be asked."""
    try:
        return find_own(cell) is None
    except Exception:  # noqa: BLE001 - it is the user's call to MLflow that goes on from here
        return False


_SHARED = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "labnb.cell_id")


def find_own(cell: OpenCell) -> str | None:
    """Give the id of the run that was opened for the cell; None where its creation failed, or was never tried."""
    if cell.run_id is None and cell.claimed is not None:
        cell.run_id = _recent(cell) or _searched(cell)
    return cell.run_id


def _recent(cell: OpenCell) -> str | None:
    """Look among the runs that this thread has open or had open last, without asking the store for more than one."""
    fluent: Any = sys.modules.get("mlflow.tracking.fluent")
    if fluent is None:
        return None
    for run in fluent._active_run_stack.get():
        if run.data.tags.get(UID) == cell.uid:
            return str(run.info.run_id)
    last = fluent._last_active_run_id.get()
    if last and _tracking_uri() == cell.claimed:
        with contextlib.suppress(Exception):  # that run may lie in another store
            run = fluent.MlflowClient().get_run(last)
            if run.data.tags.get(UID) == cell.uid:
                return str(last)
    return None


def _searched(cell: OpenCell) -> str | None:
    client = sys.modules["mlflow"].MlflowClient(cell.claimed)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    for run in client.search_runs(experiments, f"tags.`{UID}` = '{cell.uid}'", max_results=10):
        if JOINED in run.data.tags:
            return str(run.info.run_id)
    return None


def _tracking_uri() -> str:
    return str(sys.modules["mlflow"].get_tracking_uri())


def _nobody_asked() -> bool:
    """Whether MLflow itself starts the run, for a `log_…` call without an open run."""
    frame = sys._getframe(1)
    for _ in range(8):
        if frame.f_code.co_name == "_get_or_start_run":
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False
