"""The embedded store: made once, whoever comes at once; migrated, moved, and never deleted."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.db import utils as mlflow_db

from labnb.adapters.mlflow import prepare
from labnb.adapters.mlflow.embedded import identity, ready, uri_of
from labnb.adapters.mlflow.prepare import prepare_store
from labnb.adapters.mlflow.store import MlflowResultStore
from labnb.model.errors import StoreCorrupt, StoreError, StoreLocked
from labnb.model.run import MlflowLink
from labnb.runfolder.paths import LabPaths
from labnb.usecases.publish_run import NamedStore, publish_run
from tests.adapters.mlflow.conftest import EXPERIMENT, read
from tests.runs import Recorded


def in_children(count: int, work: object) -> list[int]:
    """Run a function in forked processes at once, and give their exit codes."""
    pids = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work(number)  # type: ignore[operator]
                code = 0
            except BaseException as error:
                print(f"process {number}: {type(error).__name__}: {error}")
            finally:
                os._exit(code)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


@pytest.mark.slow
def test_eight_processes_at_first_use(fresh: LabPaths) -> None:
    """Where MLflow alone destroys the file: each makes the store, and each writes runs of its own at once."""

    def work(number: int) -> None:
        uri = prepare_store(fresh, EXPERIMENT)
        store = MlflowResultStore(uri, fresh.artifacts.as_uri(), EXPERIMENT, own=True)
        for _ in range(2):
            recorded = Recorded(fresh, params={"number": number}).log(20).end()
            progress = publish_run(fresh, recorded.uid, [NamedStore("embedded", store)])
            assert progress.done, recorded.folder.paths.published.read_text()

    assert in_children(8, work) == [0] * 8
    runs = MlflowClient(uri_of(fresh)).search_runs(["0"])
    assert sorted(run.data.params["number"] for run in runs) == sorted(str(n) for n in range(8) for _ in range(2))
    client = MlflowClient(uri_of(fresh))
    for run in runs:
        assert len(client.get_metric_history(run.info.run_id, "loss")) == 20
    assert sorted(path.name for path in fresh.mlflow.iterdir()) == [
        "artifacts",
        "mlflow.db",
        "prepare.lock",
        "prepared",
    ]


def test_ready_it_costs_nothing(lab: LabPaths) -> None:
    assert ready(lab)
    start = time.perf_counter()
    assert prepare_store(lab, EXPERIMENT) == uri_of(lab)
    assert time.perf_counter() - start < 0.05
    experiment = MlflowClient(uri_of(lab)).get_experiment("0")
    assert experiment.name == EXPERIMENT
    assert identity(lab) == experiment.tags["labnb.store"]


def test_a_process_killed_while_making_it_leaves_nothing_in_the_way(lab: LabPaths, fresh: LabPaths) -> None:
    fresh.mlflow.mkdir()
    (fresh.mlflow / "new-1.db").write_bytes(b"half")
    assert not ready(fresh)
    prepare_store(fresh, EXPERIMENT)
    assert ready(fresh)
    assert not list(fresh.mlflow.glob("new-*"))


@pytest.mark.parametrize("content", [b"", b"this is no database" * 100, b"SQLite format 3\x00" + b"\x01" * 5000])
def test_a_corrupt_store_is_told_and_kept(lab: LabPaths, content: bytes) -> None:
    lab.database.write_bytes(content)
    (lab.mlflow / "prepared").unlink()
    with pytest.raises(StoreCorrupt) as caught:
        prepare_store(lab, EXPERIMENT)
    assert str(lab.database) in caught.value.message
    assert "Move the file away" in caught.value.hint
    assert lab.database.read_bytes() == content


def test_a_moved_project_keeps_its_artifacts(lab: LabPaths, tmp_path: Path) -> None:
    store = MlflowResultStore(uri_of(lab), lab.artifacts.as_uri(), EXPERIMENT, own=True)
    recorded = Recorded(lab)
    recorded.artifact("a.txt", b"content")
    recorded.end()
    publish_run(lab, recorded.uid, [NamedStore("embedded", store)])
    moved = LabPaths(tmp_path / "élsewhere %20")
    shutil.copytree(lab.root, moved.root)
    shutil.rmtree(lab.artifacts)
    assert not ready(moved)
    uri = prepare_store(moved, EXPERIMENT)
    (run,) = MlflowClient(uri).search_runs(["0"])
    link = recorded.folder.read().mlflow
    assert link is not None
    assert read(MlflowLink(uri, EXPERIMENT, run.info.run_id)).artifacts["a.txt"] == b"content"


def test_an_older_store_is_migrated_after_a_copy(lab: LabPaths) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    older = LabPaths(lab.root.parent / "older")
    older.root.mkdir()
    older.make()
    older.mlflow.mkdir()
    engine = mlflow_db.create_sqlalchemy_engine(uri_of(older))  # type: ignore[no-untyped-call]
    mlflow_db.InitialBase.metadata.create_all(engine)
    config = mlflow_db._get_alembic_config(uri_of(older))  # type: ignore[no-untyped-call]
    script = ScriptDirectory.from_config(config)
    head = script.get_revision("head")
    assert head is not None
    before = str(head.down_revision)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, before)
    engine.dispose()
    prepare_store(older, EXPERIMENT)
    with closing(sqlite3.connect(older.database)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (head.revision,)
    with closing(sqlite3.connect(older.mlflow / f"mlflow.db.{before}")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (before,)
    store = MlflowResultStore(uri_of(older), None, EXPERIMENT, own=True)
    recorded = Recorded(older).log(3).end()
    assert publish_run(older, recorded.uid, [NamedStore("embedded", store)]).done


def test_who_waits_too_long_is_told(lab: LabPaths) -> None:
    (lab.mlflow / "prepared").unlink()
    with prepare._locked(lab, 1), pytest.raises(StoreLocked, match="too long"):
        prepare_store(lab, EXPERIMENT, patience=0.1)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    lab = LabPaths(tmp_path / "x")
    lab.root.mkdir()
    lab.make()
    lab.mlflow.write_text("a file in the way")
    with pytest.raises(StoreError, match="cannot be made"):
        prepare_store(lab, EXPERIMENT)


def test_sqlite_is_told_to_count(lab: LabPaths) -> None:
    store = MlflowResultStore(uri_of(lab), None, EXPERIMENT, own=True)
    store.open(Recorded(lab).run)
    store.tidy()
    with closing(sqlite3.connect(lab.database)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0] > 0
