"""The cell's own MLflow calls land in the cell's run, and MLflow behaves as it would without labnb."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from labnb.adapters.mlflow import join as module
from labnb.adapters.mlflow import read_back, run_context
from labnb.adapters.mlflow.embedded import uri_of
from labnb.adapters.mlflow.join import JoinResult, MlflowJoin
from labnb.adapters.mlflow.store import MlflowResultStore
from labnb.model.run import MlflowLink, RunStatus
from labnb.runfolder.paths import LabPaths
from labnb.usecases.publish_run import NamedStore, publish_run
from tests.adapters.mlflow.conftest import EXPERIMENT, read
from tests.runs import Recorded

ROOT = Path(__file__).parents[3]


class Cell:
    """Runs functions as recorded cells of one session."""

    def __init__(self, lab: LabPaths) -> None:
        self.lab = lab
        self.error: Exception | None = None

    def run(self, code: Callable[[], Any], publish_first: bool = False, **fields: Any) -> tuple[Recorded, JoinResult]:
        recorded = Recorded(self.lab, **fields)
        if publish_first:  # the publisher was faster than the cell
            publish_run(self.lab, recorded.uid, [NamedStore("embedded", self.store)])
        joining = MlflowJoin(EXPERIMENT)
        joining.begin(recorded.run, self.lab)
        status, self.error = RunStatus.FINISHED, None
        try:
            code()
        except Exception as error:
            status, self.error = RunStatus.FAILED, error
        result = joining.end(status)
        for point in result.points:  # as the use case does
            recorded.journal.add("metric", t=point.time, s=point.step, v={point.name: point.value})
        recorded.end(
            status,
            params={**recorded.run.params, **result.params},
            tags=result.tags,
            children=result.children,
            notes=result.notes,
        )
        return recorded, result

    @property
    def store(self) -> MlflowResultStore:
        return MlflowResultStore(uri_of(self.lab), self.lab.artifacts.as_uri(), EXPERIMENT, own=True)

    def published(self, recorded: Recorded) -> MlflowLink:
        assert publish_run(self.lab, recorded.uid, [NamedStore("embedded", self.store)]).done
        link = recorded.folder.read().mlflow
        assert link is not None
        return link

    def runs_of(self, recorded: Recorded) -> list[Any]:
        client = MlflowClient(uri_of(self.lab))
        numbers = [experiment.experiment_id for experiment in client.search_experiments()]
        return list(client.search_runs(numbers, f"tags.`labnb.uid` = '{recorded.uid}'"))


@pytest.fixture
def cell(lab: LabPaths) -> Cell:
    return Cell(lab)


def only(cell: Cell, recorded: Recorded) -> Any:
    (run,) = cell.runs_of(recorded)
    return run


def test_a_cell_without_mlflow_changes_nothing(cell: Cell) -> None:
    before = dict(os.environ)
    recorded, result = cell.run(lambda: None)
    assert result == JoinResult()
    assert dict(os.environ) == before
    assert not run_context.LabnbRunContext().in_context()
    assert cell.runs_of(recorded) == []


def test_a_run_that_the_cell_starts_is_the_cells_run(cell: Cell) -> None:
    def code() -> None:
        with mlflow.start_run(run_name="mine", description="about it", tags={"team": "blue"}):
            mlflow.log_param("depth", 3)
            for step in range(5):
                mlflow.log_metric("acc", step / 10, step=step)
            mlflow.log_text("hello", "notes/a.txt")

    recorded, result = cell.run(code, params={"lr": 0.1})
    assert result.params == {"depth": "3"}
    assert [(p.name, p.step, p.value) for p in result.points] == [("acc", s, s / 10) for s in range(5)]
    assert result.tags == {"team": "blue", "mlflow.note.content": "about it"}
    assert result.notes == ()
    run = only(cell, recorded)
    assert result.link == MlflowLink(uri_of(cell.lab), EXPERIMENT, run.info.run_id)
    link = cell.published(recorded)
    assert link == result.link
    held = read(link)
    assert held.name == "mine"
    assert held.params == {"depth": "3", "lr": "0.1"}
    assert held.values("acc") == [s / 10 for s in range(5)]
    assert held.artifacts["notes/a.txt"] == b"hello"
    assert json.loads(held.artifacts["labnb/run.json"])["params"] == {"lr": 0.1, "depth": "3"}
    tags = only(cell, recorded).data.tags
    assert tags["mlflow.source.name"] == "study.ipynb"
    assert tags["mlflow.user"] == "ann"
    assert tags["mlflow.note.content"] == "about it"


def test_logging_without_a_run_opens_it_and_ends_it(cell: Cell) -> None:
    recorded, result = cell.run(lambda: mlflow.log_metric("loss", 0.5))
    assert mlflow.active_run() is None
    assert [p.value for p in result.points] == [0.5]
    run = only(cell, recorded)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "a run"
    second, _ = cell.run(lambda: mlflow.log_metric("loss", 0.25))
    assert only(cell, second).info.run_id != run.info.run_id
    last = mlflow.last_active_run()
    assert last is not None
    assert last.info.run_id == only(cell, second).info.run_id


def test_an_exception_ends_as_with_mlflow_alone(cell: Cell) -> None:
    def code() -> None:
        with mlflow.start_run():
            mlflow.log_metric("loss", 1.0)
            raise ZeroDivisionError("mine")

    recorded, result = cell.run(code)
    assert isinstance(cell.error, ZeroDivisionError)
    assert only(cell, recorded).info.status == "FAILED"
    assert len(result.points) == 1
    failed, _ = cell.run(lambda: (mlflow.log_metric("a", 1), 1 / 0))
    assert only(cell, failed).info.status == "FAILED"
    assert mlflow.active_run() is None


def test_a_loop_of_runs(cell: Cell) -> None:
    def code() -> None:
        for number in range(3):
            with mlflow.start_run():
                mlflow.log_param("number", number)
                mlflow.log_metric("score", number)
                with mlflow.start_run(nested=True, run_name=f"fold {number}"):
                    mlflow.log_metric("fold", number)

    recorded, result = cell.run(code)
    own = only(cell, recorded)
    assert own.data.params == {"number": "0"}
    assert [p.value for p in result.points] == [0.0]
    assert len(result.children) == 5
    by_metric = {(*child.metrics,): child for child in result.children if child.params}
    assert by_metric[("score",)].params["number"] in ("1", "2")
    client = MlflowClient(uri_of(cell.lab))
    parents = {child.name: client.get_run(child.run_id).data.tags["mlflow.parentRunId"] for child in result.children}
    assert parents["fold 0"] == own.info.run_id
    outer = {child.run_id for child in result.children if child.params}
    assert parents["fold 1"] in outer
    assert all(client.get_run(run_id).data.tags["mlflow.parentRunId"] == own.info.run_id for run_id in outer)
    assert cell.published(recorded).run_id == own.info.run_id


def test_faster_than_the_cell_the_publisher_gives_way(cell: Cell) -> None:
    def code() -> None:
        mlflow.set_experiment("iris")
        mlflow.log_metric("loss", 0.5)

    recorded, result = cell.run(code, publish_first=True, params={"lr": 1})
    assert len(cell.runs_of(recorded)) == 2
    link = cell.published(recorded)
    assert link == result.link
    assert link.experiment == "iris"
    assert only(cell, recorded).info.run_id == link.run_id
    assert read(link).params == {"lr": "1"}


def test_an_experiment_chosen_in_the_cell(cell: Cell) -> None:
    def code() -> None:
        mlflow.set_experiment("iris")
        with mlflow.start_run():
            mlflow.log_metric("m", 1)
            mlflow.log_text("x", "x.txt")

    recorded, result = cell.run(code)
    assert cell.error is None
    assert result.link is not None
    assert result.link.experiment == "iris"
    # A new experiment keeps its artifacts with the project's, not in the folder of the notebook.
    assert only(cell, recorded).info.artifact_uri.startswith(cell.lab.artifacts.as_uri())
    assert not Path("mlruns").exists()
    assert not Path("mlflow.db").exists()
    assert read(cell.published(recorded)).artifacts["x.txt"] == b"x"


def test_a_run_left_open_stays_open(cell: Cell) -> None:
    def first() -> None:
        mlflow.start_run(run_name="long")
        mlflow.log_metric("m", 1)

    recorded, _ = cell.run(first)
    active = mlflow.active_run()
    assert active is not None
    assert active.info.run_id == only(cell, recorded).info.run_id
    cell.published(recorded)

    def second() -> None:
        mlflow.log_metric("m", 2, step=1)
        mlflow.log_param("late", "x")

    inner, result = cell.run(second)
    assert [(p.name, p.value) for p in result.points] == [("m", 2.0)]
    assert result.params == {"late": "x"}
    assert result.tags["mlflow.parentRunId"] == active.info.run_id
    assert mlflow.active_run() is not None
    mlflow.end_run()
    link = cell.published(inner)
    tags = MlflowClient(link.tracking_uri).get_run(link.run_id).data.tags
    assert tags["mlflow.parentRunId"] == active.info.run_id
    assert read(link).values("m") == [2.0]


def test_a_second_start_is_refused_as_ever(cell: Cell) -> None:
    def code() -> None:
        mlflow.start_run()
        mlflow.start_run()

    cell.run(code)
    assert "already active" in str(cell.error)
    mlflow.end_run()


def test_ended_by_the_user(cell: Cell) -> None:
    def code() -> None:
        mlflow.log_metric("a", 1)
        mlflow.end_run("KILLED")
        mlflow.log_metric("b", 2)

    recorded, result = cell.run(code)
    assert only(cell, recorded).data.metrics == {"a": 1.0}
    (child,) = result.children
    assert child.metrics == {"b": 2.0}
    # Opened without being asked for, it is not left open for the next cell either.
    assert mlflow.active_run() is None


def test_a_store_that_the_user_chose(cell: Cell, tmp_path: Path) -> None:
    import shutil

    other = f"sqlite:///{tmp_path / 'other.db'}"
    shutil.copy(cell.lab.database, tmp_path / "other.db")

    def code() -> None:
        mlflow.set_tracking_uri(other)
        with mlflow.start_run():
            mlflow.log_metric("m", 1.5)

    recorded, result = cell.run(code)
    assert mlflow.get_tracking_uri() == other
    assert result.link is not None
    assert result.link.tracking_uri == other
    assert result.tags["labnb.mlflow.run_id"] == result.link.run_id
    assert result.notes == ()  # it is published there as well: nothing is missing
    assert read(cell.published(recorded)).values("m") == [1.5]
    found = MlflowClient(other).get_run(result.link.run_id)
    assert found.data.tags["labnb.uid"] == recorded.uid
    again, second = cell.run(lambda: mlflow.log_metric("m", 2))
    assert second.link is not None
    assert second.link.tracking_uri == other
    assert again.uid != recorded.uid


def test_a_store_named_by_the_environment(cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    shutil.copy(cell.lab.database, tmp_path / "other.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    _, result = cell.run(lambda: mlflow.log_metric("m", 1))
    assert result.link is not None
    assert result.link.tracking_uri.endswith("other.db")
    assert os.environ["MLFLOW_TRACKING_URI"].endswith("other.db")


def test_a_default_store_with_content_is_the_users_choice(cell: Cell) -> None:
    mlflow.log_metric("before", 1)  # an ordinary cell: MLflow makes its default store
    mlflow.end_run()
    _, result = cell.run(lambda: mlflow.log_metric("m", 1))
    assert result.link is not None
    assert result.link.tracking_uri.endswith("/mlflow.db")
    assert ".labnb" not in result.link.tracking_uri
    assert "in use before" in result.notes[0].message


def test_the_store_stays_where_the_cell_used_it_and_only_there(cell: Cell) -> None:
    cell.run(lambda: mlflow.get_tracking_uri())
    assert "MLFLOW_TRACKING_URI" not in os.environ
    recorded, result = cell.run(lambda: mlflow.log_text("later", "x.txt"))
    # An ordinary cell after it finds the run and its artifacts.
    assert result.link is not None
    assert mlflow.artifacts.load_text(f"runs:/{result.link.run_id}/x.txt") == "later"
    assert only(cell, recorded).info.run_id in list(mlflow.search_runs()["run_id"])


def test_runs_of_other_threads_and_processes_are_children(cell: Cell) -> None:
    def other() -> None:
        with mlflow.start_run(run_name="thread"):
            mlflow.log_metric("t", 1)

    def code() -> None:
        with mlflow.start_run():
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            pid = os.fork()
            if pid == 0:
                try:
                    with mlflow.start_run(run_name="fork"):
                        mlflow.log_metric("f", 1)
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)

    recorded, result = cell.run(code)
    assert {child.name for child in result.children} == {"thread", "fork"}
    own = cell.published(recorded)
    client = MlflowClient(own.tracking_uri)
    for child in result.children:
        assert client.get_run(child.run_id).data.tags["mlflow.parentRunId"] == own.run_id


def test_autologging(cell: Cell) -> None:
    sklearn_linear = pytest.importorskip("sklearn.linear_model")

    def code() -> None:
        mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
        sklearn_linear.LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])

    try:
        recorded, result = cell.run(code)
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    assert cell.error is None
    assert result.params["fit_intercept"] == "True"
    assert "training_score" in {point.name for point in result.points}
    run = only(cell, recorded)
    assert run.data.metrics["training_score"] == pytest.approx(1.0)
    assert mlflow.active_run() is None


def test_values_of_any_kind_come_back(cell: Cell) -> None:
    def code() -> None:
        mlflow.log_metric("x", float("nan"), step=0)
        mlflow.log_metric("x", float("inf"), step=1)
        mlflow.log_metrics({"a": 1, "b": 2}, step=9)
        mlflow.log_params({"list": [1, 2], "none": None})

    recorded, result = cell.run(code)
    assert result.params == {"list": "[1, 2]", "none": "None"}
    assert {(p.name, p.step) for p in result.points} == {("x", 0), ("x", 1), ("a", 9), ("b", 9)}
    before = {(p.name, p.step) for _, p in recorded.folder.points()}
    held = read(cell.published(recorded))
    assert {(name, step) for name, step, _, _ in held.points} == before
    assert len(held.points) == 4


def test_a_server_that_does_not_answer_costs_a_bounded_time(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(read_back, "PATIENCE", 0.2)
    notes: list[Any] = []
    start = time.monotonic()
    assert read_back.within("https://ann:secret@lab/x", lambda: time.sleep(3), notes) is None
    assert time.monotonic() - start < 2
    assert "secret" not in notes[0].message
    assert "no answer" in notes[0].message


def test_what_is_broken_becomes_a_note(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri_of(cell.lab))
    monkeypatch.setattr(module, "_outer", lambda: 1 / 0)
    monkeypatch.setattr(read_back, "own_run", lambda *a: 1 / 0)
    _, result = cell.run(lambda: mlflow.log_metric("m", 1))
    assert cell.error is None
    assert {note.code for note in result.notes} == {"mlflow"}


def test_a_damaged_embedded_store_leaves_mlflow_to_itself(cell: Cell) -> None:
    cell.lab.database.write_bytes(b"no database" * 100)
    (cell.lab.mlflow / "prepared").unlink()
    recorded = Recorded(cell.lab)
    joining = MlflowJoin(EXPERIMENT)
    joining.begin(recorded.run, cell.lab)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    result = joining.end(RunStatus.FINISHED)
    assert [note.code for note in result.notes] == ["store_corrupt"]


def test_the_entry_point_is_the_provider() -> None:
    from importlib.metadata import entry_points

    found = [point for point in entry_points(group="mlflow.run_context_provider") if point.name == "labnb"]
    for point in found:
        assert point.load() is run_context.LabnbRunContext


@pytest.mark.slow
def test_imported_by_the_cell_itself(fresh: LabPaths) -> None:
    """A session that knows nothing of MLflow: the cell imports it, in a project without a store."""
    code = """
        import dataclasses, json, os, subprocess, sys, time
        from pathlib import Path
        from labnb.adapters.mlflow.join import MlflowJoin
        from labnb.model.run import RunStatus
        from labnb.runfolder.paths import LabPaths
        from tests.runs import Recorded
        lab = LabPaths(Path(sys.argv[1])); os.chdir(lab.root)
        recorded = Recorded(lab)
        join = MlflowJoin("study")
        start = time.perf_counter(); join.begin(recorded.run, lab); begin = time.perf_counter() - start
        assert "mlflow" not in sys.modules and "sqlalchemy" not in sys.modules
        import mlflow
        assert not [finder for finder in sys.meta_path if type(finder).__name__ == "ImportHook"]
        with mlflow.start_run():
            mlflow.log_metric("m", 1.5)
        subprocess.run([sys.executable, "-c", "import mlflow; mlflow.log_metric('sub', 1)"], check=True)
        result = join.end(RunStatus.FINISHED)
        print(json.dumps([begin, dataclasses.asdict(result), sorted(os.listdir())]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(fresh.root)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    begin, result, files = json.loads(done.stdout.splitlines()[-1])
    assert begin < 0.05
    assert result["link"]["tracking_uri"] == uri_of(fresh)
    assert [point["value"] for point in result["points"]] == [1.5]
    assert result["notes"] == []
    assert files == [".labnb"]
    client = MlflowClient(uri_of(fresh))
    assert client.get_experiment("0").name == "study"
    runs = client.search_runs(["0"])
    assert len(runs) == 2
    assert len([run for run in runs if "labnb.parent" in run.data.tags]) == 1


def test_the_result_is_a_plain_value() -> None:
    assert dataclasses.asdict(JoinResult())["points"] == ()
