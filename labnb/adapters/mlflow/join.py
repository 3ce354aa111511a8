"""The cell's own calls to MLflow land in the cell's run.

Nothing is imported, and no store is asked before the cell runs. While the cell runs:

- where the researcher chose no store, `MLFLOW_TRACKING_URI` names the embedded one;
- the first run that the cell opens (by `mlflow.start_run()`, by logging without an open run, or by autologging) is
  created by MLflow as always, in the experiment and store that are in force, and gets labnb's tags from
  `run_context`: it is the cell's run, and the publisher finds it by `labnb.uid`. Later ones are its children;
- a run that an earlier cell left open stays the one that calls go to.

At the end of the cell, what was logged is read back, so that the run folder holds it too.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from labnb.adapters.mlflow import conventions as say
from labnb.adapters.mlflow import read_back
from labnb.adapters.mlflow.embedded import ready, uri_of
from labnb.adapters.mlflow.import_hook import ImportHook
from labnb.adapters.mlflow.read_back import within
from labnb.adapters.mlflow.run_context import LabnbRunContext, OpenCell, close_cell, open_cell
from labnb.model.address import without_secrets
from labnb.model.errors import LabError
from labnb.model.run import ChildRun, MetricPoint, MlflowLink, Note, Run, RunStatus, Value
from labnb.runfolder.paths import LabPaths

URI = "MLFLOW_TRACKING_URI"
# MLflow gives new experiments this artifact root, where it makes the store of a database itself.
ARTIFACTS = "_MLFLOW_SERVER_ARTIFACT_ROOT"


@dataclass(frozen=True)
class JoinResult:
    """What the cell logged to MLflow itself. `link` is the run that MLflow opened for it, None where it opened none."""

    params: dict[str, Value] = field(default_factory=dict)
    points: tuple[MetricPoint, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    children: tuple[ChildRun, ...] = ()
    link: MlflowLink | None = None
    notes: tuple[Note, ...] = ()


@dataclass
class Outer:
    """A run that was open before the cell, and what it held then."""

    uri: str
    run_id: str
    since: int
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class MlflowJoin:
    """Around one cell: `begin` before it, `end` after it, on the same thread. Neither raises.

    `experiment` names the default experiment of an embedded store that has to be made first (by default the
    project's folder).
    """

    def __init__(self, experiment: str = "") -> None:
        self._experiment = experiment
        self._notes: list[Note] = []
        self._before: dict[str, str | None] = {}
        self._cell: OpenCell | None = None
        self._outer: Outer | None = None
        self._hook: ImportHook | None = None
        self._stayed = ""

    def begin(self, run: Run, lab: LabPaths) -> None:
        """Prepare for the cell's calls to MLflow."""
        try:
            self._lab = lab
            self._cell = OpenCell(run.uid, {"mlflow.runName": run.name or run.uid, **say.tags_of(run)})
            open_cell(self._cell)
            if _loaded() is not None:
                self._attach()
            else:
                if ready(lab) and not self._default_store():
                    self._point()  # for programs that the cell starts
                self._hook = ImportHook("mlflow", self._attach)
        except Exception as error:  # noqa: BLE001 - the cell comes first
            self._failed(error)

    def end(self, status: RunStatus) -> JoinResult:
        """Read back what the cell logged, and leave MLflow as it was before the cell.

        The embedded store stays the one in force where the cell opened a run in it, so that the next cells find that
        run, its artifacts and its models; a run that the cell opened by name and left open stays open.
        """
        cell, result = self._cell, JoinResult()
        try:
            if self._hook is not None:
                self._hook.remove()
            close_cell()
            if cell is not None and _loaded() is not None:
                result = self._read(cell, status)
        except Exception as error:  # noqa: BLE001 - the cell comes first
            self._failed(error)
        finally:
            self._restore()
        return JoinResult(result.params, result.points, result.tags, result.children, result.link, tuple(self._notes))

    def _attach(self) -> None:
        """Now that MLflow is there: register for its runs, choose the store, see which run is open."""
        try:
            _register()
            self._outer = _outer()
            if not self._chosen():
                self._prepare()
        except Exception as error:  # noqa: BLE001 - the user's import goes on
            self._failed(error)

    def _prepare(self) -> None:
        from labnb.adapters.mlflow.prepare import prepare_store

        try:
            prepare_store(self._lab, self._experiment or self._lab.root.name or "labnb")
        except LabError as error:
            self._unpoint()
            self._stayed = "the embedded store could not be used"
            self._notes.append(Note(error.code, error.message, error.hint))
        else:
            self._point()

    def _chosen(self) -> bool:
        """Whether the researcher, or his use of MLflow before, has settled on a store other than the embedded one."""
        ours = uri_of(self._lab)
        utils = sys.modules["mlflow.tracking._tracking_service.utils"]
        if getattr(utils, "_tracking_uri", None) not in (None, ours):
            return True
        named = os.environ.get(URI)
        if named is not None:
            return named != ours
        fluent = sys.modules["mlflow.tracking.fluent"]
        if fluent._last_active_run_id.get() is not None or fluent._active_experiment_id is not None:
            self._stayed = "MLflow was in use before the cell"
        return bool(self._stayed) or self._default_store()

    def _default_store(self) -> bool:
        """Whether MLflow's own default for this folder holds something, or the environment names a store."""
        named = os.environ.get(URI)
        if named is not None:
            return named != uri_of(self._lab)
        try:
            there = [path for path in (Path("mlflow.db"), Path("mlruns")) if path.exists()]
        except OSError:  # the working directory was removed
            return False
        if there:
            self._stayed = f"{there[0].absolute()} is MLflow's store in this folder"
        return bool(there)

    def _point(self) -> None:
        self._set(URI, uri_of(self._lab))
        if ARTIFACTS not in os.environ:
            self._set(ARTIFACTS, self._lab.artifacts.as_uri())

    def _set(self, name: str, value: str) -> None:
        if os.environ.get(name) != value:
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value

    def _unpoint(self) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()

    def _restore(self) -> None:
        """Take the embedded store away again, unless the cell used it; what the cell itself set stays."""
        ours = uri_of(self._lab) if self._cell is not None else None
        used = self._cell is not None and ours in self._cell.uris
        if used or os.environ.get(URI) != ours:
            self._before.clear()
        self._unpoint()

    def _read(self, cell: OpenCell, status: RunStatus) -> JoinResult:
        params: dict[str, Value] = {}
        points: tuple[MetricPoint, ...] = ()
        tags: dict[str, str] = {}
        children: tuple[ChildRun, ...] = ()
        link = None
        if cell.claimed is not None:
            ending = read_back.take_implicit(cell)
            own = within(cell.claimed, lambda: read_back.own_run(cell, ending, status), self._notes)
            if own is not None:
                link = MlflowLink(read_back.shown(own.uri), own.experiment, own.run_id)
                params, points, tags = dict(own.params), own.points, own.tags
                self._tell(own, tags)
            if len(cell.uris) > 1 or cell.opened > 1:
                for uri in cell.uris:
                    children += within(uri, partial(read_back.children, cell, uri), self._notes) or ()
        outer = self._outer
        if outer is not None and outer.run_id != cell.run_id:
            more = within(outer.uri, lambda: read_back.added(outer), self._notes)
            if more is not None:
                params, points = {**params, **more.params}, (*points, *more.points)
                tags = {**tags, **more.tags}
            name = say.PARENT_RUN if outer.uri == uri_of(self._lab) else "labnb.mlflow.parent"
            tags.setdefault(name, outer.run_id)
        return JoinResult(params, points, tags, children, link)

    def _tell(self, own: read_back.Own, tags: dict[str, str]) -> None:
        if own.uri == uri_of(self._lab):
            return
        tags["labnb.mlflow.uri"], tags["labnb.mlflow.run_id"] = read_back.shown(own.uri), own.run_id
        if not self._stayed and own.uri == os.environ.get(URI):  # the run is published there, and artifacts are there
            return
        why = self._stayed or "the tracking URI was set"
        self._notes.append(
            Note(
                "mlflow_elsewhere",
                f"MLflow calls of the cell went to {read_back.shown(own.uri)}, because {why}.",
                "Artifacts that MLflow logged stay there."
                if self._lab.misplaced
                else "The embedded store holds a copy of the run; artifacts that MLflow logged stay there.",
            )
        )

    def _failed(self, error: Exception) -> None:
        message = f"What the cell logs to MLflow itself may be missing here: {type(error).__name__}: {error}."
        self._notes.append(Note("mlflow", without_secrets(message)))


def _loaded() -> Any:
    """MLflow, when it was imported to its end."""
    module = sys.modules.get("mlflow")
    spec = getattr(module, "__spec__", None)
    if module is None or getattr(spec, "_initializing", False) or "mlflow.tracking.fluent" not in sys.modules:
        return None
    return module


def _register() -> None:
    """Register with MLflow, where its plug-in mechanism has not done so (labnb on a path, but not installed)."""
    registry: Any = sys.modules["mlflow.tracking.context.registry"]._run_context_provider_registry
    if not any(isinstance(provider, LabnbRunContext) for provider in registry):
        registry.register(LabnbRunContext)


def _outer() -> Outer | None:
    stack = sys.modules["mlflow.tracking.fluent"]._active_run_stack.get()
    if not stack:
        return None
    mlflow = sys.modules["mlflow"]
    outer = Outer(str(mlflow.get_tracking_uri()), str(stack[-1].info.run_id), int(time.time() * 1000))
    if outer.uri.startswith("sqlite:"):  # a server is not asked before the cell: it might not answer
        data = mlflow.MlflowClient(outer.uri).get_run(outer.run_id).data
        outer.params, outer.tags = dict(data.params), dict(data.tags)
    return outer
