"""The lab's MLflow server in the lists: a real store, read by a process of its own; a dead one is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from labnb.runfolder.paths import LabPaths
from tests.runs import Recorded

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/lab.db"


async def tracking(ask: Ask, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the MLflow server was asked and the check holds."""
    for _ in range(600):
        found: dict[str, Any] = (await ask("health"))["freshness"]["tracking"]
        if check(found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


@pytest.mark.slow
async def test_runs_of_the_lab_stand_beside_ones_own(ask: Ask, problem: Ask, lab: LabPaths, store: str) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, RunTag

    own = Recorded(lab, name="own").end()
    client = MlflowClient(store)
    experiment = client.create_experiment("lab")
    theirs = ""
    for name in ("copy", "theirs"):
        run = client.create_run(experiment, run_name=name, tags={"team": "bio 🦆", "mlflow.user": "bob"})
        metrics = [Metric("acc", step / 10, 1_700_000_000_000 + step, step) for step in range(10)]
        client.log_batch(run.info.run_id, metrics, tags=[RunTag("labnb.uid", own.uid)] if name == "copy" else [])
        client.log_param(run.info.run_id, "lr", 0.1)
        client.set_terminated(run.info.run_id)
        theirs = run.info.run_id
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{store}"\n')
    assert (await tracking(ask, lambda found: found["runs"] == 1))["reachable"]
    items = {item["name"]: item for item in (await ask("runs"))["items"]}
    assert set(items) == {"own", "theirs"}, "a copy of one's own run is not shown twice"
    assert (items["theirs"]["source"], items["theirs"]["user"]) == ("tracking", "bob")
    assert (await ask("runs", filter="tags.team LIKE 'bio%' and metrics.acc > 0.8"))["total"] == 1
    detail = await ask("runs", theirs)
    assert (detail["place"], detail["mlflow"]["run_id"], detail["params"]) == ("tracking", theirs, {"lr": "0.1"})
    (curve,) = (await ask("runs", theirs, "metrics"))["items"]
    assert curve["y"] == [step / 10 for step in range(10)]
    compared = await ask("comparisons", uids=[own.uid, theirs])
    assert [run["name"] for run in compared["runs"]] == ["own", "theirs"]
    status, told = await problem("runs", theirs, verb="DELETE")
    assert (status, told["code"]) == (409, "elsewhere")
    assert (await problem("runs", theirs, "log"))[0] == 404


@pytest.mark.slow
async def test_a_dead_server_is_told_and_holds_up_nothing(ask: Ask, lab: LabPaths) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Recorded(lab, name="own").end()
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "http://ann:secret@127.0.0.1:{port}"\n')
    begun = asyncio.get_running_loop().time()
    await ask("runs")
    assert asyncio.get_running_loop().time() - begun < 2
    told = await tracking(ask, lambda found: found["reachable"] is False)
    assert "nobody listens there" in told["message"]
    assert "secret" not in str(told)
    assert (await ask("runs"))["total"] == 1
