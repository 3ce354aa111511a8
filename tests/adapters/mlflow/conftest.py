"""MLflow is imported once, and an empty embedded store is made once; each test gets a copy of it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labnb.model.run import MlflowLink
from labnb.runfolder.paths import LabPaths
from labnb.testing.result_store import Held

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "1")

EXPERIMENT = "study"
SET_BY_USERS = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "_MLFLOW_SERVER_ARTIFACT_ROOT",
    "LABNB_PARENT_RUN",
)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from labnb.adapters.mlflow.prepare import prepare_store

    lab = LabPaths(tmp_path_factory.mktemp("empty"))
    lab.make()
    prepare_store(lab, EXPERIMENT)
    return lab.mlflow


@pytest.fixture
def lab(tmp_path: Path, empty_store: Path) -> LabPaths:
    """A project whose embedded store is ready."""
    from labnb.adapters.mlflow.prepare import prepare_store

    paths = LabPaths(tmp_path / "a project")
    paths.root.mkdir()
    paths.make()
    shutil.copytree(empty_store, paths.mlflow)
    prepare_store(paths, EXPERIMENT)  # it was moved
    return paths


@pytest.fixture
def fresh(tmp_path: Path) -> LabPaths:
    """A project without a store."""
    paths = LabPaths(tmp_path / "fresh")
    paths.root.mkdir()
    paths.make()
    return paths


@pytest.fixture(autouse=True)
def no_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """MLflow as in a new session: nobody has chosen a store, no run is open."""
    for name in SET_BY_USERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    forget()
    yield
    forget()
    for name in SET_BY_USERS:
        os.environ.pop(name, None)


def forget() -> None:
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent is None:
        return
    from mlflow.tracking._tracking_service import utils

    utils._tracking_uri = None
    utils._tracking_store_registry._get_store_with_resolved_uri.cache_clear()
    fluent._active_experiment_id = None
    fluent._active_run_stack.get().clear()
    fluent._last_active_run_id.set(None)


@pytest.fixture
def look() -> Callable[[MlflowLink], Held]:
    """Read a run back through MLflow's own API."""
    return read


def read(link: MlflowLink) -> Held:
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    client = MlflowClient(link.tracking_uri)
    run = client.get_run(link.run_id)
    held = Held(
        uid=run.data.tags.get("labnb.uid", ""),
        name=run.info.run_name,
        status=run.info.status,
        params=dict(run.data.params),
    )
    for name in run.data.metrics:
        for metric in client.get_metric_history(link.run_id, name):
            held.points.add((name, metric.step, metric.timestamp, repr(metric.value)))
    for given in run.inputs.dataset_inputs:
        context = {tag.key: tag.value for tag in given.tags}["mlflow.data.context"]
        held.datasets.add((context, given.dataset.name, given.dataset.digest))
    if not client.list_artifacts(link.run_id):
        return held
    folder = Path(download_artifacts(run_id=link.run_id, tracking_uri=link.tracking_uri))
    for path in folder.rglob("*"):
        if path.is_file():
            held.artifacts[path.relative_to(folder).as_posix()] = path.read_bytes()
    return held
