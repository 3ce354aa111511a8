"""The lab's MLflow server in the lists: a dead one is told and holds up nothing; a real one is read."""

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


async def tracking(ask: Ask, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the MLflow server was asked and the check holds."""
    for _ in range(600):
        found: dict[str, Any] = (await ask("health"))["freshness"]["tracking"]
        if check(found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def filled(uri: str, own: Recorded) -> str:
    """Fill a store with a copy of one's own run and a run of somebody else, whose id it gives."""

    def fill() -> str:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, RunTag

        client = MlflowClient(uri)
        experiment = client.create_experiment("lab")
        theirs = ""
        for name in ("copy", "theirs"):
            run = client.create_run(experiment, run_name=name, tags={"team": "bio 🦆", "mlflow.user": "bob"})
            metrics = [Metric("acc", step / 10, 1_700_000_000_000 + step, step) for step in range(10)]
            tags = [RunTag("labnb.uid", own.uid)] if name == "copy" else []
            client.log_batch(run.info.run_id, metrics, tags=tags)
            client.log_param(run.info.run_id, "lr", 0.1)
            client.set_terminated(run.info.run_id)
            theirs = str(run.info.run_id)
        return theirs

    return await asyncio.to_thread(fill)


@pytest.mark.slow
async def test_the_labs_server_dead_and_alive(ask: Ask, problem: Ask, lab: LabPaths, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = Recorded(lab, name="own").end()
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "http://ann:secret@127.0.0.1:{port}"\n')
    begun = asyncio.get_running_loop().time()
    await ask("runs")
    assert asyncio.get_running_loop().time() - begun < 2
    store = f"sqlite:///{tmp_path}/lab.db"
    # Both processes import MLflow meanwhile.
    told, theirs = await asyncio.gather(tracking(ask, lambda found: found["reachable"] is False), filled(store, own))
    assert "nobody listens there" in told["message"]
    assert "secret" not in str(told)
    assert (await ask("runs"))["total"] == 1

    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{store}"\n')
    found = await tracking(ask, lambda found: found["runs"] == 1)
    assert (found["reachable"], found["message"]) == (True, ""), "another address is asked at once"
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
