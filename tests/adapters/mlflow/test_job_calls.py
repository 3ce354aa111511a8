"""What a job logs to MLflow itself: it stands in the record, and its run is the one that the publisher finds."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient

from labnb.adapters.mlflow.embedded import uri_of
from labnb.runfolder.paths import LabPaths
from tests.runner.jobs import make_job, with_variables

CELL = """\
import mlflow
mlflow.log_params({"lr": 0.1, "depth": 3})
for step in range(3):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
mlflow.log_metrics({"a": 1, "b": 2}, step=9)
with mlflow.start_run(nested=True):
    mlflow.log_metric("loss", 77)
"""


def test_calls_of_mlflow_are_in_the_record_of_the_job(tmp_path: Path, lab: LabPaths) -> None:
    job = make_job(tmp_path, CELL)
    assert job.run(env=with_variables(MLFLOW_TRACKING_URI=uri_of(lab))) == (0, ""), job.log
    points = [(line["s"], line["v"]) for line in job.journal if line["k"] == "metric"]
    own = [(step, values) for step, values in points if not any(name.startswith("system/") for name in values)]
    assert own == [(0, {"loss": 1.0}), (1, {"loss": 0.5}), (2, {"loss": 1 / 3}), (9, {"a": 1.0, "b": 2.0})]
    assert {line["name"]: line["value"] for line in job.journal if line["k"] == "param"} == {"lr": "0.1", "depth": "3"}
    client = MlflowClient(uri_of(lab))
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    by_tag = {run.data.tags.get("labnb.uid", run.data.tags.get("labnb.parent")): run for run in runs}
    assert set(by_tag) == {job.paths.folder.name}
    (own_run,) = [run for run in runs if "labnb.uid" in run.data.tags]
    (child,) = [run for run in runs if "labnb.parent" in run.data.tags]
    assert own_run.data.tags["labnb.joined"] == "true"
    assert own_run.data.metrics["loss"] == 1 / 3
    assert child.data.metrics == {"loss": 77.0}
