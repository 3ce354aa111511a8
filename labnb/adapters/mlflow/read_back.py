"""Read from MLflow what a cell's own code logged there. Loaded early, so MLflow is taken from `sys.modules`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from labnb.adapters.mlflow import conventions as say
from labnb.adapters.mlflow.run_context import OpenCell, find_own
from labnb.model.address import without_secrets
from labnb.model.run import ChildRun, MetricPoint, Note, RunStatus

if TYPE_CHECKING:
    from labnb.adapters.mlflow.join import Outer

# Seconds that a store which is no local file may take to tell what the cell logged.
PATIENCE = 3.0

T = TypeVar("T")


@dataclass(frozen=True)
class Own:
    """The cell's own run, as MLflow has it."""

    uri: str
    experiment: str
    run_id: str
    params: dict[str, str]
    points: tuple[MetricPoint, ...]
    tags: dict[str, str]


def within(uri: str, read: Callable[[], T], notes: list[Note]) -> T | None:
    """Read from a store; from one on the network for a bounded time, beside the caller. Failures become notes."""
    found: list[T] = []
    problem: list[Exception] = []

    def work() -> None:
        try:
            found.append(read())
        except Exception as error:  # noqa: BLE001 - told in a note
            problem.append(error)

    if uri.startswith("sqlite:"):
        work()
    else:
        thread = threading.Thread(target=work, name="labnb-mlflow", daemon=True)
        thread.start()
        thread.join(PATIENCE)
    if found:
        return found[0]
    why = (
        without_secrets(f"{type(problem[0]).__name__}: {problem[0]}")
        if problem
        else f"no answer within {PATIENCE:.0f} s"
    )
    notes.append(
        Note("mlflow", f"What the cell logged to {shown(uri)} could not be read back: {why}.", "It is still there.")
    )
    return None


def take_implicit(cell: OpenCell) -> Any:
    """Take the newest run of the cell from MLflow's open runs, where MLflow opened it without being asked."""
    fluent: Any = sys.modules["mlflow.tracking.fluent"]
    stack = fluent._active_run_stack.get()
    if not cell.implicit or not stack:
        return None
    tags = stack[-1].data.tags
    if cell.uid not in (tags.get(say.UID), tags.get(say.PARENT_UID)):
        return None
    run = stack.pop()
    if tags.get(say.UID) == cell.uid:
        cell.run_id = str(run.info.run_id)
    fluent._last_active_run_id.set(run.info.run_id)
    os.environ.pop("MLFLOW_RUN_ID", None)
    return run


def own_run(cell: OpenCell, ending: Any, status: RunStatus) -> Own | None:
    """Read the cell's run, after ending the run that was left open without anybody having asked for it."""
    mlflow: Any = sys.modules["mlflow"]
    client = mlflow.MlflowClient(cell.claimed)
    if ending is not None:
        monitors = sys.modules["mlflow.tracking.fluent"].run_id_to_system_metrics_monitor
        if ending.info.run_id in monitors:
            monitors.pop(ending.info.run_id).finish()
        with contextlib.suppress(Exception):
            mlflow.flush_async_logging()
        client.set_terminated(ending.info.run_id, status.value)
    run_id = find_own(cell)
    if run_id is None:
        return None
    run = client.get_run(run_id)
    return Own(
        uri=str(cell.claimed),
        experiment=client.get_experiment(run.info.experiment_id).name,
        run_id=run_id,
        params=dict(run.data.params),
        points=tuple(_points(client, run_id, run.data.metrics)),
        tags=_own_tags(run.data.tags, cell.tags),
    )


def children(cell: OpenCell, uri: str) -> tuple[ChildRun, ...]:
    """List the runs in a store that were opened beneath the cell's run, the oldest first."""
    client: Any = sys.modules["mlflow"].MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(
        experiments, f"tags.`{say.PARENT_UID}` = '{cell.uid}'", max_results=1000, order_by=["attributes.start_time"]
    )
    return tuple(
        ChildRun(run.info.run_id, run.info.run_name, run.info.status, dict(run.data.params), dict(run.data.metrics))
        for run in runs
    )


def added(outer: Outer) -> Own:
    """Read what was logged since the cell began to a run that was open before."""
    client: Any = sys.modules["mlflow"].MlflowClient(outer.uri)
    run = client.get_run(outer.run_id)
    points = (point for point in _points(client, outer.run_id, run.data.metrics) if point.time * 1000 >= outer.since)
    params = {name: text for name, text in run.data.params.items() if name not in outer.params}
    tags = {name: text for name, text in run.data.tags.items() if outer.tags.get(name) != text}
    if not outer.uri.startswith("sqlite:"):  # what a server's run held before was not asked
        params, tags = {}, {}
    return Own(outer.uri, "", outer.run_id, params, tuple(points), _own_tags(tags, {}))


def _points(client: Any, run_id: str, names: Iterable[str]) -> Iterable[MetricPoint]:
    for name in names:
        for metric in client.get_metric_history(run_id, name):
            yield MetricPoint(name, float(metric.value), int(metric.step), metric.timestamp / 1000)


def _own_tags(tags: dict[str, str], ours: Any) -> dict[str, str]:
    return {
        name: text
        for name, text in tags.items()
        if name == say.NOTE or (not name.startswith(("mlflow.", "labnb.")) and name not in ours)
    }


def shown(uri: str) -> str:
    """Give a tracking URI without the name and password that may stand in it.

    >>> shown("https://ann:secret@lab.example/mlflow")
    'https://lab.example/mlflow'
    """
    return without_secrets(uri)
