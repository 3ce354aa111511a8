"""The MLflow result store: in MLflow's conventions, complete, and once."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from labnb.adapters.mlflow import conventions as say
from labnb.adapters.mlflow.embedded import uri_of
from labnb.adapters.mlflow.store import MlflowResultStore
from labnb.model.dataset import FileUse
from labnb.model.errors import NotFound, StoreCorrupt, StoreError, StoreLocked, StoreUnreachable
from labnb.model.run import ChildRun, MlflowLink, Note, RunStatus
from labnb.runfolder.paths import LabPaths
from labnb.testing.result_store import Held, ResultStoreContract, example_run
from labnb.usecases.publish_run import NamedStore, publish_run
from tests.adapters.mlflow.conftest import EXPERIMENT, read
from tests.runs import Recorded


@pytest.fixture
def store(lab: LabPaths) -> MlflowResultStore:
    return MlflowResultStore(uri_of(lab), lab.artifacts.as_uri(), EXPERIMENT, own=True)


class TestMlflowKeepsTheContract(ResultStoreContract):
    pass


def publish(lab: LabPaths, store: MlflowResultStore, recorded: Recorded) -> MlflowLink:
    assert publish_run(lab, recorded.uid, [NamedStore("embedded", store)], turn=1e9).done
    link = recorded.folder.read().mlflow
    assert link is not None
    return link


def test_a_run_in_mlflows_words(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab, params={"lr": 0.1, "on": True}, cell_id="c0ffee", tags={"team": "blue"}).log(5)
    recorded.artifact("plots/roc.png", b"png")
    for path in (recorded.folder.paths.snapshot, recorded.folder.paths.script, recorded.folder.paths.lock):
        path.write_text("{}")
    recorded.end(
        fingerprint="sha256:f",
        snapshot="sha256:s",
        code={"commit": "c" * 40, "branch": "main", "remote": "https://x/y.git", "ref": "refs/labnb/u", "dirty": True},
        inputs=(FileUse("data/iris.csv", "md5:" + "a" * 32, 10),),
        notes=(Note("n", "Something is missing.", "Do this."),),
    )
    link = publish(lab, store, recorded)
    assert link.experiment == EXPERIMENT
    run = MlflowClient(link.tracking_uri).get_run(link.run_id)
    assert run.info.run_name == "a run"
    assert run.info.status == "FINISHED"
    assert run.info.user_id == "ann"
    assert recorded.run.ended is not None
    assert run.info.end_time - run.info.start_time == pytest.approx((recorded.run.duration or 0) * 1000, abs=1)
    tags = run.data.tags
    assert tags["mlflow.source.name"] == "study.ipynb"
    assert tags["mlflow.source.type"] == "NOTEBOOK"
    assert tags["mlflow.source.git.commit"] == "c" * 40
    assert tags["mlflow.source.git.branch"] == "main"
    assert tags["mlflow.source.git.repoURL"] == "https://x/y.git"
    assert tags["mlflow.user"] == "ann"
    assert tags["labnb.uid"] == recorded.uid
    assert tags["labnb.fingerprint"] == "sha256:f"
    assert tags["labnb.snapshot"] == "sha256:s"
    assert tags["labnb.code.ref"] == "refs/labnb/u"
    assert tags["labnb.cell_id"] == "c0ffee"
    assert tags["team"] == "blue"
    assert "Something is missing. Do this." in tags["mlflow.note.content"]
    assert run.data.params == {"lr": "0.1", "on": "True"}
    names = {item.path for item in MlflowClient(link.tracking_uri).list_artifacts(link.run_id, "labnb")}
    assert names == {"labnb/run.json", "labnb/snapshot.json", "labnb/closure.py", "labnb/environment.txt"}
    held = read(link)
    assert held.artifacts["plots/roc.png"] == b"png"
    assert json.loads(held.artifacts["labnb/run.json"]) == json.loads(recorded.folder.paths.run.read_text())
    (given,) = run.inputs.dataset_inputs
    assert given.dataset.digest == "a" * 32
    assert json.loads(given.dataset.source)["path"] == "data/iris.csv"
    history = MlflowClient(link.tracking_uri).get_metric_history(link.run_id, "loss")
    points = [point for _, point in recorded.folder.points()]
    assert [(m.step, m.value, m.timestamp) for m in history] == [
        (p.step, p.value, round(p.time * 1000)) for p in points
    ]


def test_found_by_mlflows_own_search(lab: LabPaths, store: MlflowResultStore) -> None:
    for lr in (0.1, 0.2, 0.3):
        recorded = Recorded(lab, params={"lr": lr})
        recorded.journal.metrics({"acc": lr})
        publish(lab, store, recorded.end())
    mlflow.set_tracking_uri(uri_of(lab))
    found = mlflow.search_runs(
        experiment_names=[EXPERIMENT], filter_string="metrics.acc > 0.15", order_by=["metrics.acc DESC"]
    )
    assert list(found["params.lr"]) == ["0.3", "0.2"]


def test_published_again_from_nothing_it_is_the_same_run(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab, params={"lr": 0.1}).log(1200).end()
    first = publish(lab, store, recorded)
    before = read(first)
    recorded.folder.paths.published.unlink()
    assert publish(lab, store, recorded) == first
    assert read(first) == before
    assert len(MlflowClient(first.tracking_uri).search_runs(["0"])) == 1


def test_params_that_mlflow_cannot_hold_are_told(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab, params={"lr": 0.1, "long": "x" * 7000, "a@b": 1})
    publish_run(lab, recorded.uid, [NamedStore("embedded", store)])
    link = publish(lab, store, recorded.end(params={"lr": 0.2, "long": "x" * 7000, "a@b": 1}))
    run = MlflowClient(link.tracking_uri).get_run(link.run_id)
    assert run.data.params["lr"] == "0.1"
    assert len(run.data.params["long"]) == say.PARAM
    assert run.data.params["long"].endswith("[cut, 7000 characters]")
    assert run.data.params["a_b"] == "1"
    note = run.data.tags["mlflow.note.content"]
    assert "it shows '0.1', its last value was '0.2'" in note
    assert "`long`: cut after" in note


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("val/loss", "val/loss"),
        ("loss@1 (%)", "loss_1 ___"),
        ("/abs//x/../y", "abs/x/y"),
        ("", "_"),
        ("ü", "ü"),
        ("n" * 300, "n" * 250),
    ],
)
def test_names_that_mlflow_takes(name: str, written: str, store: MlflowResultStore, lab: LabPaths) -> None:
    assert say.name_of(name) == written
    recorded = Recorded(lab, params={name: 1}, tags={name: "t"})
    recorded.journal.metrics({name: 1.0})
    held = read(publish(lab, store, recorded.end()))
    assert held.params == {written: "1"}
    assert held.values(written) == [1.0]


def test_datasets_of_every_kind(lab: LabPaths, store: MlflowResultStore) -> None:
    uses = tuple(FileUse(f"d/{i}", "md5:" + f"{i:032d}", i) for i in range(250))
    folder = FileUse("images/", "md5:" + "e" * 32 + ".dir", 5, 3, "images", "v3")
    strange = FileUse("x", "sha256:" + "f" * 64, 1)
    recorded = Recorded(lab).end(inputs=(*uses, folder, strange), outputs=(FileUse("out", None, 1),))
    held = read(publish(lab, store, recorded))
    assert len(held.datasets) == 253
    assert ("input", "images", "e" * 32 + ".dir") in held.datasets
    assert ("input", "x", "f" * 36) in held.datasets
    assert ("output", "out", "unknown") in held.datasets


def test_the_note_of_the_user_stays(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab)
    link = store.open(recorded.run).link
    MlflowClient(link.tracking_uri).set_tag(link.run_id, "mlflow.note.content", "mine")
    publish(lab, store, recorded.end())
    assert MlflowClient(link.tracking_uri).get_run(link.run_id).data.tags["mlflow.note.content"] == "mine"


def test_a_run_that_the_cell_opened_replaces_the_copy(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab).log(20)
    publish_run(lab, recorded.uid, [NamedStore("embedded", store)])
    client = MlflowClient(uri_of(lab))
    (copy,) = client.search_runs(["0"])
    number = client.create_experiment("elsewhere")
    own = client.create_run(number, tags={"labnb.uid": recorded.uid, "labnb.joined": "true"}, run_name="mine")
    child = client.create_run(number, tags={"labnb.parent": recorded.uid})
    link = publish(lab, store, recorded.log(5).end())
    assert link == MlflowLink(uri_of(lab), "elsewhere", own.info.run_id)
    assert client.search_runs(["0"], run_view_type=mlflow.entities.ViewType.ALL) == []
    assert copy.info.run_id != own.info.run_id
    held = read(link)
    assert held.name == "mine"
    assert held.values("loss") == [value for _, value in recorded.expected()]
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == own.info.run_id


def test_a_run_deleted_in_mlflow_stays_deleted(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab)
    link = store.open(recorded.run).link
    MlflowClient(uri_of(lab)).delete_run(link.run_id)
    with pytest.raises(NotFound, match="deleted"):
        store.open(recorded.run)
    assert publish_run(lab, recorded.end().uid, [NamedStore("embedded", store)]).done
    assert MlflowClient(uri_of(lab)).search_runs(["0"]) == []


def test_children_are_part_of_the_record(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab).end(children=(ChildRun("r", "n", "FINISHED", {"a": "1"}, {"m": 1.0}),))
    held = read(publish(lab, store, recorded))
    assert json.loads(held.artifacts["labnb/run.json"])["children"][0]["params"] == {"a": "1"}


def test_a_large_artifact_is_whole(lab: LabPaths, store: MlflowResultStore) -> None:
    content = os.urandom(4_000_000)
    recorded = Recorded(lab)
    path = recorded.artifact("deep/er/model.bin", content)
    link = publish(lab, store, recorded.end())
    target = lab.artifacts / "0" / link.run_id / "artifacts" / "deep/er/model.bin"
    assert target.read_bytes() == content
    assert target.stat().st_ino == path.stat().st_ino  # on one disk it is kept once


def test_artifacts_on_another_disk_are_copied(
    lab: LabPaths, store: MlflowResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    recorded = Recorded(lab)
    recorded.artifact("a.txt", b"content")
    assert read(publish(lab, store, recorded.end())).artifacts["a.txt"] == b"content"


def test_another_store_keeps_its_own_experiments(tmp_path: Path, lab: LabPaths) -> None:
    """A store that labnb did not make: artifacts go through MLflow, runs of others are never removed."""
    import shutil

    other = tmp_path / "other.db"
    shutil.copy(lab.database, other)
    store = MlflowResultStore(f"sqlite:///{other}", None, "new experiment")
    recorded = Recorded(lab, params={"lr": 1}).log(10)
    recorded.artifact("a/b.txt", b"content")
    link = publish(lab, store, recorded.end())
    assert link.experiment == "new experiment"
    held = read(link)
    assert held.artifacts["a/b.txt"] == b"content"
    assert held.values("loss") == [value for _, value in recorded.expected()]


def test_errors_are_labnbs(lab: LabPaths, store: MlflowResultStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        store.close(MlflowLink(uri_of(lab), "", "0" * 32), example_run())
    with pytest.raises(StoreError):
        MlflowResultStore("odd://x", None, "e")
    lab.database.write_bytes(b"this is no database, and it is longer than a page header needs" * 100)
    with pytest.raises(StoreCorrupt, match="damaged") as caught:
        MlflowResultStore(uri_of(lab), None, "e", own=True).open(example_run())
    assert "safe" in caught.value.hint
    assert lab.database.exists()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError("Connection refused"), StoreUnreachable),
        (Exception("HTTPConnectionPool: Max retries exceeded with url"), StoreUnreachable),
        (Exception("(sqlite3.OperationalError) database is locked"), StoreLocked),
        (Exception("database disk image is malformed"), StoreCorrupt),
        (ValueError("odd"), StoreError),
        (ValueError(""), StoreError),
    ],
)
def test_foreign_exceptions(error: Exception, kind: type[StoreError]) -> None:
    from labnb.adapters.mlflow.errors import translate

    assert type(translate("sqlite:///x", error)) is kind


def test_many_points_go_in_batches(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab).log(4_000).end()
    start = time.perf_counter()
    link = publish(lab, store, recorded)
    each = (time.perf_counter() - start) / 4_000
    client = MlflowClient(link.tracking_uri)
    start = time.perf_counter()
    for step in range(20):
        client.log_metric(link.run_id, "one by one", 1.0, step=step)
    singly = (time.perf_counter() - start) / 20
    assert read(link).values("loss") == [value for _, value in recorded.expected()]
    assert each < singly / 10


@pytest.mark.soak
def test_a_hundred_thousand_points(lab: LabPaths, store: MlflowResultStore, look: Callable[[MlflowLink], Held]) -> None:
    recorded = Recorded(lab).log(100_000).end()
    start = time.perf_counter()
    link = publish(lab, store, recorded)
    print(f"100,000 points published in {time.perf_counter() - start:.1f} s")
    assert look(link).values("loss") == [value for _, value in recorded.expected()]


def test_a_killed_run(lab: LabPaths, store: MlflowResultStore) -> None:
    recorded = Recorded(lab)
    run = dataclasses.replace(
        recorded.run, status=RunStatus.FAILED, ended=recorded.run.started, error={"type": "E", "message": "m"}
    )
    recorded.folder.write(run)
    link = publish(lab, store, recorded)
    found = MlflowClient(link.tracking_uri).get_run(link.run_id)
    assert found.info.status == "FAILED"
    assert found.data.tags["labnb.error"] == "E: m"
