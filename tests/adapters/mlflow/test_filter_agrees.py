"""labnb's filter grammar gives what MLflow gives: the same questions asked of both, over the same runs."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from labnb.model.errors import UsageError
from labnb.model.filter import parse_filter, sort_runs
from labnb.model.run import Run, RunStatus, time_text
from labnb.runfolder.paths import LabPaths

RUNS: list[tuple[str, str, dict[str, float], dict[str, str], dict[str, str]]] = [
    ("a", "FINISHED", {"acc": 0.9, "val loss": 0.1}, {"lr": "0.1", "model": "forest"}, {"team": "bio", "x y": "1"}),
    ("b", "FAILED", {"acc": 0.5}, {"lr": "0.01", "model": "tree"}, {"team": "chem"}),
    ("c", "FINISHED", {"acc": -0.25, "val loss": 3.0}, {"lr": "1e-3", "model": "Forest"}, {"team": "biology"}),
    ("d", "KILLED", {}, {"model": "it's"}, {}),
    ("e%_", "FINISHED", {"acc": 1e-9}, {"model": "tree_2"}, {"team": "Bio%"}),
]
QUESTIONS = [
    "",
    "metrics.acc > 0.4",
    "metrics.acc >= 0.9",
    "metrics.acc < 0",
    "metrics.acc != 0.5",
    "metrics.acc = 0.5",
    "metric.acc <= 1e-9",
    'metrics."val loss" < 1',
    "metrics.`val loss` > 1 and metrics.acc < 0",
    "params.model = 'forest'",
    "params.model != 'forest'",
    "params.model LIKE 'tree%'",
    "params.model LIKE 'tree_2'",
    "params.model ILIKE 'forest'",
    "params.lr = '0.1' AND tags.team = 'bio'",
    "tags.team LIKE 'bio%'",
    "tags.team ilike 'BIO%'",
    "tags.`x y` = '1'",
    "attributes.status = 'FINISHED'",
    "status != 'FINISHED'",
    "attributes.run_name = 'a'",
    "run_name LIKE 'e%'",
    "metrics.acc > 0.1 and params.lr = '0.01' and attributes.status = 'FAILED'",
    "metrics.nothing > 0",
    "params.nothing = 'x'",
]
ORDERS = ["metrics.acc DESC", "metrics.acc ASC", "params.model", "attributes.run_name DESC"]
WRONG = ["metrics.acc >", "metrics.acc > 'x' or 1", "params.model = forest", "nonsense.acc = 1", "metrics.acc ~ 3"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, empty_store: object) -> tuple[MlflowClient, str, list[Run]]:
    from labnb.adapters.mlflow.prepare import prepare_store

    lab = LabPaths(tmp_path_factory.mktemp("both"))
    lab.make()
    client = MlflowClient(prepare_store(lab, "both"))
    experiment = client.get_experiment_by_name("both")
    assert experiment is not None
    ours = []
    for index, (name, status, metrics, params, tags) in enumerate(RUNS):
        made = client.create_run(experiment.experiment_id, start_time=1000 * index, run_name=name)
        client.log_batch(
            made.info.run_id,
            [Metric(key, value, 0, 0) for key, value in metrics.items()],
            [Param(key, value) for key, value in params.items()],
            [RunTag(key, value) for key, value in tags.items()],
        )
        client.set_terminated(made.info.run_id, status)
        ours.append(
            Run(
                uid=made.info.run_id,
                name=name,
                status=RunStatus(status),
                started=time_text(index),
                ended=time_text(index + 1),
                params=dict(params),
                metrics=metrics,
                tags=tags,
            )
        )
    return client, experiment.experiment_id, ours


@pytest.mark.parametrize("question", QUESTIONS)
def test_same_answer(both: tuple[MlflowClient, str, list[Run]], question: str) -> None:
    client, experiment, runs = both
    theirs = {run.info.run_name for run in client.search_runs([experiment], question)}
    assert {run.name for run in runs if parse_filter(question)(run)} == theirs


@pytest.mark.parametrize("order", ORDERS)
def test_same_order(both: tuple[MlflowClient, str, list[Run]], order: str) -> None:
    client, experiment, runs = both
    theirs = [run.info.run_name for run in client.search_runs([experiment], "metrics.acc > -9", order_by=[order])]
    assert [run.name for run in sort_runs(filter(parse_filter("metrics.acc > -9"), runs), order)] == theirs


@pytest.mark.parametrize("question", WRONG)
def test_what_mlflow_refuses_is_refused(both: tuple[MlflowClient, str, list[Run]], question: str) -> None:
    client, experiment, _ = both
    with pytest.raises(Exception, match=r"."):
        client.search_runs([experiment], question)
    with pytest.raises(UsageError):
        parse_filter(question)
