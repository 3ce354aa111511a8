"""Published equals local, on real servers: on SQLite, on PostgreSQL with a wrong clock, and behind a login."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from labnb.adapters.mlflow.store import MlflowResultStore
from labnb.model.dataset import FileUse
from labnb.model.errors import StoreRefused
from labnb.model.run import Note, RunStatus
from labnb.runfolder.paths import LabPaths
from labnb.testing.result_store import ResultStoreContract, example_run
from labnb.usecases.publish_run import NamedStore, publish_run
from tests.runs import Recorded
from tests.services.checks import assert_same, runs_of
from tests.services.conftest import ADMIN
from tests.services.mlflow_server import MlflowServer

pytestmark = [pytest.mark.xdist_group("mlflow servers"), pytest.mark.slow]


@pytest.fixture(params=["server", "postgres_server"])
def any_server(request: pytest.FixtureRequest) -> MlflowServer:
    found: MlflowServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def store(any_server: MlflowServer) -> MlflowResultStore:
    return MlflowResultStore(any_server.uri, None, "contract")


class TestServersKeepTheContract(ResultStoreContract):
    pass


def everything(lab: LabPaths) -> Recorded:
    recorded = Recorded(lab, params={"lr": 0.1, "name": "ü", "long": "x" * 7000}, tags={"team": "blue"}).log(2500)
    for value in (float("nan"), float("inf"), -float("inf"), 1e-300, 1 / 3):
        recorded.journal.metrics({"odd": value})
    recorded.artifact("plots/päper 1.txt", b"\x00\xff text")
    recorded.artifact("model.bin", os.urandom(9_000_000))
    for number in range(60):
        recorded.artifact(f"many/{number}.txt", f"{number}".encode())
    return recorded.end(
        inputs=(FileUse("data/iris.csv", "md5:" + "a" * 32, 10), FileUse("x", None, 1)),
        outputs=(FileUse("images/", "md5:" + "e" * 32 + ".dir", 5, 3, "images", "v3"),),
        notes=(Note("n", "Something is missing."),),
    )


def publish(lab: LabPaths, recorded: Recorded, uri: str, name: str = "") -> None:
    store = MlflowResultStore(uri, None, "study")
    for _ in range(100):
        if publish_run(lab, recorded.uid, [NamedStore(name or uri, store)], turn=1e9).done:
            return
        time.sleep(0.1)
    pytest.fail(recorded.folder.paths.published.read_text())


def test_published_equals_local(lab: LabPaths, any_server: MlflowServer, tmp_path: Path) -> None:
    recorded = everything(lab)
    publish(lab, recorded, any_server.uri)
    found = assert_same(lab, recorded.uid, any_server.uri, tmp_path)
    assert "Something is missing." in found.data.tags["mlflow.note.content"]
    run = recorded.folder.read()
    assert (run.published, run.published_why) == ("published", "")
    assert run.mlflow is not None
    assert run.mlflow.tracking_uri == any_server.uri
    # From nothing it is found again, and nothing is doubled.
    recorded.folder.paths.published.unlink()
    publish(lab, recorded, any_server.uri)
    assert_same(lab, recorded.uid, any_server.uri)


def test_metrics_are_there_while_the_run_goes_on(lab: LabPaths, any_server: MlflowServer) -> None:
    recorded = Recorded(lab, params={"lr": 0.1}).log(3)
    store = NamedStore("lab", MlflowResultStore(any_server.uri, None, "study"))
    client = MlflowClient(any_server.uri)
    for expected in (3, 8):
        assert not publish_run(lab, recorded.uid, [store]).done
        (found,) = runs_of(any_server.uri, recorded.uid)
        assert found.info.status == "RUNNING"
        assert len(client.get_metric_history(found.info.run_id, "loss")) == expected
        recorded.log(5)
    recorded.journal.add("param", name="late", value=7)
    publish_run(lab, recorded.uid, [store])
    assert runs_of(any_server.uri, recorded.uid)[0].data.params == {"lr": "0.1", "late": "7"}
    error = {"type": "E", "message": "m", "traceback": ""}
    recorded.end(status=RunStatus.FAILED, error=error, params={"lr": 0.1, "late": 7})
    assert publish_run(lab, recorded.uid, [store]).done
    assert_same(lab, recorded.uid, any_server.uri)


def test_two_machines_publish_one_folder(lab: LabPaths, server: MlflowServer, tmp_path: Path) -> None:
    """Each with a copy of the folder that knows nothing of the other's."""
    for number in range(3):
        recorded = Recorded(lab, params={"n": number}).log(1200)
        recorded.artifact("a.bin", os.urandom(1000))
        recorded.end()
        labs = [LabPaths(tmp_path / f"machine {number}{side}") for side in "ab"]
        for one in labs:
            shutil.copytree(recorded.folder.paths.folder, one.run(recorded.uid).folder)
        together = threading.Barrier(2)
        problems: list[BaseException] = []

        def work(one: LabPaths, uid: str = recorded.uid, together: threading.Barrier = together) -> None:
            try:
                store = NamedStore("lab", MlflowResultStore(server.uri, None, "study"))
                together.wait()
                for _ in range(60):
                    if publish_run(one, uid, [store], turn=1e9, announced=time.time() + 9).done:
                        return
                    time.sleep(0.05)
                raise AssertionError(one.run(uid).published.read_text())
            except BaseException as error:
                problems.append(error)  # noqa: B023 - the threads end with the round

        threads = [threading.Thread(target=work, args=(one,)) for one in labs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert_same(lab, recorded.uid, server.uri)


def login(monkeypatch: pytest.MonkeyPatch, name: str, password: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)


@pytest.fixture
def ann(login_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A user who may make experiments of her own, and only read those of others."""
    from mlflow.server import get_app_client

    login(monkeypatch, *ADMIN)
    name, password = f"ann{time.time_ns()}", "a long pass-word 1"
    get_app_client("basic-auth", login_server.uri).create_user(name, password)
    return name, password


def test_with_a_login(
    lab: LabPaths, login_server: MlflowServer, ann: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorded = everything(lab)
    # 1. wrong password
    login(monkeypatch, ann[0], "not-the-password")
    store = MlflowResultStore(login_server.uri, None, f"of {ann[0]}")
    named = [NamedStore(login_server.uri, store)]
    with pytest.raises(StoreRefused) as caught:
        store.open(example_run())
    assert "refused the login" in caught.value.message
    assert "MLFLOW_TRACKING_USERNAME" in caught.value.hint
    assert not publish_run(lab, recorded.uid, named).done
    assert recorded.folder.read().published == "failing"
    # 2. a forbidden experiment
    login(monkeypatch, *ADMIN)
    MlflowClient(login_server.uri).create_experiment(f"others {ann[0]}")
    login(monkeypatch, *ann)
    with pytest.raises(StoreRefused) as caught:
        MlflowResultStore(login_server.uri, None, f"others {ann[0]}").open(example_run())
    assert "does not allow it" in caught.value.message
    assert "Ask who runs the server" in caught.value.hint
    # 3. the right one
    assert publish_run(lab, recorded.uid, named, turn=1e9, announced=time.time() + 9).done
    assert_same(lab, recorded.uid, login_server.uri, tmp_path)
    # A name and a password in the address do as well, and stand nowhere.
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
    address = login_server.uri.replace("://", f"://{ann[0]}:a%20long%20pass-word%201@")
    second = Recorded(lab).log(3).end()
    with_password = MlflowResultStore(address, None, f"of {ann[0]}")
    assert publish_run(lab, second.uid, [NamedStore(with_password.name, with_password)], turn=1e9).done
    assert second.folder.read().published == "published"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.replace(ann[0], "nobody"))
    wrong = MlflowResultStore(os.environ["MLFLOW_TRACKING_URI"], None, "x")
    with pytest.raises(StoreRefused) as caught:
        wrong.open(example_run())
    assert "pass-word" not in str(caught.value)
    assert_no_password(lab)


def assert_no_password(lab: LabPaths) -> None:
    for path in lab.home.rglob("*"):
        if path.is_file():
            assert b"pass-word" not in path.read_bytes(), path


def test_a_run_deleted_there_stays_deleted(lab: LabPaths, server: MlflowServer) -> None:
    recorded = Recorded(lab).log(2)
    store = NamedStore("lab", MlflowResultStore(server.uri, None, "study"))
    publish_run(lab, recorded.uid, [store])
    (found,) = runs_of(server.uri, recorded.uid)
    MlflowClient(server.uri).delete_run(found.info.run_id)
    recorded.log(2).end()
    assert publish_run(lab, recorded.uid, [store], announced=time.time() + 9).done
    assert runs_of(server.uri, recorded.uid) == []


def test_what_the_cell_logged_to_mlflow_goes_along(lab: LabPaths, server: MlflowServer, tmp_path: Path) -> None:
    """A model, artifacts, child runs with all of these: in the embedded store first, then on the server."""
    import mlflow
    from sklearn.linear_model import LinearRegression

    from labnb.adapters.mlflow.embedded import uri_of
    from labnb.adapters.mlflow.run_context import JOINED

    recorded = Recorded(lab, params={"lr": 0.1}).log(3)
    mlflow.set_tracking_uri(uri_of(lab))
    client = MlflowClient(uri_of(lab))
    with mlflow.start_run(tags={"labnb.uid": recorded.uid, JOINED: "true"}) as own:
        mlflow.log_text("hello", "texts/hello.txt")
        model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
        info = mlflow.sklearn.log_model(model, name="line", pip_requirements=["scikit-learn"], params={"depth": 3})
        mlflow.log_metric("r2", 0.75, step=4, model_id=info.model_id)
        for lr in (0.1, 0.2):
            with mlflow.start_run(nested=True, run_name=f"lr {lr}", tags={"labnb.parent": recorded.uid}) as child:
                mlflow.log_param("lr", lr)
                metrics = [mlflow.entities.Metric("a", float(step), step, step) for step in range(3)]
                client.log_batch(child.info.run_id, metrics=metrics)
                mlflow.log_text(f"{lr}", "child.txt")
    recorded.journal.metrics({"r2": 0.75}, step=4)
    recorded.end()
    store = MlflowResultStore(server.uri, None, "study", source=uri_of(lab))
    for _ in range(2):  # the second time from nothing
        assert publish_run(lab, recorded.uid, [NamedStore("lab", store)], turn=1e9).done
        recorded.folder.paths.published.unlink()
    (found,) = runs_of(server.uri, recorded.uid)
    there = MlflowClient(server.uri)
    assert {item.path for item in there.list_artifacts(found.info.run_id, "texts")} == {"texts/hello.txt"}
    (copy,) = there.search_logged_models([found.info.experiment_id], f"source_run_id = '{found.info.run_id}'")
    assert (copy.name, copy.params["depth"], str(copy.status)) == ("line", "3", "READY")
    assert [output.model_id for output in found.outputs.model_outputs] == [copy.model_id]
    assert [(metric.key, metric.value) for metric in copy.metrics] == [("r2", 0.75)]
    mlflow.set_tracking_uri(server.uri)
    loaded = mlflow.sklearn.load_model(f"models:/{copy.model_id}")
    assert loaded.predict([[2.0]])[0] == pytest.approx(5.0)
    children = there.search_runs([found.info.experiment_id], f"tags.mlflow.parentRunId = '{found.info.run_id}'")
    assert sorted(child.data.params["lr"] for child in children) == ["0.1", "0.2"]
    for child in children:
        assert [m.value for m in there.get_metric_history(child.info.run_id, "a")] == [0.0, 1.0, 2.0]
        assert [item.path for item in there.list_artifacts(child.info.run_id)] == ["child.txt"]
        assert child.info.status == "FINISHED"
    assert own.info.run_id != found.info.run_id
