"""A real kernel, its publisher and a real server: live, once, and as the person who runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from labnb.cli import publisher
from labnb.cli.sync import sync
from labnb.runfolder import queue
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.queue import announce, pending, stop_publisher
from tests.kernel import Kernel
from tests.runs import Recorded
from tests.services.checks import assert_same, runs_of
from tests.services.conftest import ADMIN
from tests.services.mlflow_server import MlflowServer
from tests.services.test_servers import login
from tests.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("mlflow servers"), pytest.mark.slow]


@pytest.fixture(autouse=True)
def own_publishers(monkeypatch: pytest.MonkeyPatch, lab: LabPaths) -> Iterator[None]:
    monkeypatch.setattr(queue, "_started", [])
    monkeypatch.delenv(queue.SWITCH, raising=False)
    monkeypatch.setenv(publisher.IDLE_VARIABLE, "60")
    yield
    stop_publisher(lab)
    for _, _, process in queue._started:
        process.terminate()
        process.wait(20)


def test_a_cell_is_followed_live_on_the_server(lab: LabPaths, server: MlflowServer) -> None:
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{server.uri}"\nexperiment = "live"\n')
    client = MlflowClient(server.uri)
    with Kernel(lab.root, LABNB_PUBLISHER="1", JUPYTERHUB_USER="marie") as kernel:
        kernel.load()
        kernel.recorded("x = 1")  # the publisher has imported what it needs
        wait_until(lambda: not pending(lab), 60)
        source = "%%labrun live\nimport labnb, time\nfor i in range(80):\n    labnb.log({'loss': i}); time.sleep(0.1)"
        asked = kernel.send(source)
        wait_until(lambda: live_points(client) > 0, 7)
        first = live_points(client)
        wait_until(lambda: live_points(client) > first + 5, 4)
        uid = kernel.wait(asked).run["uid"]
    wait_until(lambda: not pending(lab), 60)
    found = assert_same(lab, uid, server.uri)
    assert found.data.tags["mlflow.user"] == found.info.user_id == "marie"


def live_points(client: MlflowClient) -> int:
    experiment = client.get_experiment_by_name("live")
    runs = client.search_runs([experiment.experiment_id], "run_name = 'live'") if experiment else []
    return len(client.get_metric_history(runs[0].info.run_id, "loss")) if runs else 0


def test_mlflow_calls_of_a_cell_that_go_to_the_server_make_no_second_run(lab: LabPaths, server: MlflowServer) -> None:
    """MLFLOW_TRACKING_URI names the server: the run that MLflow opens there is the run, whatever its experiment."""
    with Kernel(lab.root, LABNB_PUBLISHER="1", MLFLOW_TRACKING_URI=server.uri) as kernel:
        kernel.load()
        source = (
            "import mlflow, time, labnb\nmlflow.set_experiment('of my own')\nlabnb.log({'early': 1.0}); time.sleep(3)\n"
            "with mlflow.start_run():\n    mlflow.log_metric('acc', 0.5)\n    mlflow.log_text('hello', 'a.txt')\n"
            "    time.sleep(2)"
        )
        reply, run = kernel.recorded(source)
        assert reply.status == "ok"
        assert run.notes == ()
        wait_until(lambda: not pending(lab), 90)
    (found,) = runs_of(server.uri, run.uid)
    client = MlflowClient(server.uri)
    assert client.get_experiment(found.info.experiment_id).name == "of my own"
    metrics = {name: value for name, value in found.data.metrics.items() if not name.startswith("system/")}
    assert metrics == {"early": 1.0, "acc": 0.5}
    assert found.info.status == "FINISHED"
    names = {item.path for item in client.list_artifacts(found.info.run_id)}
    assert names == {"a.txt", "labnb"}
    assert kernel.lab.browse.run(run.uid).published == "published"


def test_sync_brings_the_right_password(
    lab: LabPaths, login_server: MlflowServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The publisher was started where nobody had logged in."""
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{login_server.uri}"\n')
    one = Recorded(lab).log(5).end()
    announce(lab, one.uid)
    wait_until(lambda: one.folder.read().published == "failing", 60)
    assert "MLFLOW_TRACKING_USERNAME" in one.folder.read().published_why
    assert sync(lab, timeout=60) == 3
    assert "refused the login (HTTP 401" in capsys.readouterr().err
    login(monkeypatch, *ADMIN)
    assert sync(lab, timeout=90) == 0
    assert_same(lab, one.uid, login_server.uri)
    for path in Path(lab.home).rglob("*"):
        assert not path.is_file() or ADMIN[1].encode() not in path.read_bytes()
