"""Compare what a server holds of a run with the record of it, value by value."""

from __future__ import annotations

import math
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import Run as MlflowRun

from labnb.adapters.mlflow import conventions as say
from labnb.model.run import parse_time
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths
from labnb.usecases.publish_run import artifacts_of


def runs_of(uri: str, uid: str | None = None) -> list[MlflowRun]:
    """All living runs of a server that labnb published, or those of one uid."""
    client = MlflowClient(uri)
    numbers = [experiment.experiment_id for experiment in client.search_experiments()]
    words = f"tags.`labnb.uid` = '{uid}'" if uid else ""
    found = client.search_runs(numbers, words, max_results=1000)
    return [run for run in found if "labnb.uid" in run.data.tags]


def assert_same(lab: LabPaths, uid: str, uri: str, folder: Path | None = None) -> MlflowRun:
    """The server at `uri` has the run once, and all of it."""
    (found,) = runs_of(uri, uid)
    client = MlflowClient(uri)
    run_id = found.info.run_id
    record = RunFolder(lab.run(uid))
    run, _ = record.stored()
    assert found.info.status == run.status.value
    assert found.info.run_name == run.name
    assert found.data.params == say.params_of(run)
    for name, text in say.tags_of(run).items():
        assert found.data.tags[name] == text
    assert found.data.tags["mlflow.user"] == run.user
    assert found.info.end_time == round(parse_time(run.ended or "").timestamp() * 1000)
    # A run that was opened while it went on has the time at which its folder was made; MLflow lets nobody change that.
    assert abs(found.info.start_time - parse_time(run.started).timestamp() * 1000) < 1000
    expected: dict[str, set[tuple[int, int, str]]] = {}
    for _, point in record.points():
        key = point.step, round(point.time * 1000), repr(_shown(point.value))
        expected.setdefault(say.name_of(point.name), set()).add(key)
    assert set(found.data.metrics) == set(expected)
    for name, points in expected.items():
        history = client.get_metric_history(run_id, name)
        there = [(metric.step, metric.timestamp, repr(metric.value)) for metric in history]
        assert len(there) == len(points), name
        assert set(there) == points, name
    data = {(context, name, digest) for context, name, digest, _ in say.datasets_of(run)}
    inputs = found.inputs.dataset_inputs if found.inputs else []
    assert {(given.tags[0].value, given.dataset.name, given.dataset.digest) for given in inputs} == data
    files = artifacts_of(record.paths)
    local = Path(download_artifacts(run_id=run_id, tracking_uri=uri, dst_path=folder and str(folder)))
    there_files = {path.relative_to(local).as_posix() for path in local.rglob("*") if path.is_file()}
    assert there_files >= set(files)
    for name, path in files.items():
        assert (local / name).read_bytes() == path.read_bytes(), name
    return found


def _shown(value: float) -> float:
    if math.isinf(value):  # MLflow's SQL stores keep the largest number instead
        return math.copysign(1.7976931348623157e308, value)
    return value
