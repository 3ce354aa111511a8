"""The short one of the trials in tests/soak/test_server_outages.py, and of `benchmarks/publish.py`."""

from __future__ import annotations

import time

import pytest
from mlflow import MlflowClient

from labnb.adapters.mlflow.store import MlflowResultStore
from labnb.runfolder.paths import LabPaths
from labnb.usecases.publish_run import NamedStore, publish_run
from tests.runs import Recorded
from tests.services.checks import assert_same
from tests.services.mlflow_server import MlflowServer
from tests.soak.test_server_outages import outages, own_publishers

__all__ = ["own_publishers"]
pytestmark = [pytest.mark.xdist_group("mlflow servers"), pytest.mark.slow]


def test_a_few_runs_against_a_server_that_is_killed_once(lab: LabPaths, server: MlflowServer) -> None:
    outages(lab, server, seed=7, runs=4, seconds=8, up=(4, 6))


def test_points_are_published_ten_times_faster_than_singly(lab: LabPaths, server: MlflowServer) -> None:
    recorded = Recorded(lab)
    for step in range(1000):
        recorded.journal.metrics({f"series{number}": step / 7 for number in range(20)}, step=step)
    recorded.end()
    store = NamedStore("lab", MlflowResultStore(server.uri, None, "study"))
    begun = time.perf_counter()
    assert publish_run(lab, recorded.uid, [store], turn=1e9).done
    each = (time.perf_counter() - begun) / 20_000
    client = MlflowClient(server.uri)
    run = client.create_run("0")
    begun = time.perf_counter()
    for step in range(40):
        client.log_metric(run.info.run_id, "loss", 1.0, step=step)
    singly = (time.perf_counter() - begun) / 40
    assert each < singly / 10
    assert_same(lab, recorded.uid, server.uri)
