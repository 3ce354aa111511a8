"""Which store is asked when: after failures later and later, and no sooner after a restart."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from labnb.lab import remember_store
from labnb.model.address import absolute, without_secrets
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.gate import Gate, failing_stores
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published, StoreState
from tests.runs import Recorded


@pytest.fixture
def lab(tmp_path: Path) -> LabPaths:
    paths = LabPaths(tmp_path)
    paths.make()
    return paths


def test_it_opens_later_and_later(lab: LabPaths) -> None:
    for expected in (1, 2, 4, 8):
        failure = Gate(lab, "http://lab").fail("store_unreachable", "away")
        assert 0.75 * expected <= failure.retry_at - time.time() <= 1.25 * expected
    assert Gate(lab, "http://lab").closed() is not None
    assert Gate(lab, "http://other").closed() is None
    assert [failure.store for failure in failing_stores(lab)] == ["http://lab"]
    asked = Gate(lab, "http://lab").fail("store_unreachable", "busy", 500.0)
    assert 499 < asked.retry_at - time.time() < 501
    Gate(lab, "http://lab").open()
    assert Gate(lab, "http://lab").closed() is None


def test_a_damaged_gate_is_open(lab: LabPaths) -> None:
    Gate(lab, "x").fail("c", "e")
    (path,) = lab.stores.iterdir()
    path.write_text("{")
    assert Gate(lab, "x").failure() is None
    assert failing_stores(lab) == []


def test_stores_that_are_expected_make_a_run_unpublished(lab: LabPaths) -> None:
    path = Recorded(lab).end().folder.paths.published
    Published.update(path, "embedded", StoreState(copied="1"))
    assert Published.read(path).word == "published"
    Published.expect(path, "embedded", "http://lab")
    assert Published.read(path).word == "local"
    Published.update(path, "http://lab", StoreState(failures=1, error="away"))
    assert (Published.read(path).word, Published.read(path).why) == ("failing", "away")
    # The settings name another one: what the first had not taken is nobody's business any more.
    Published.expect(path, "embedded", "http://other")
    assert list(Published.read(path).stores) == ["embedded", "http://other"]


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:a:b@lab:5000/x", "http://lab:5000/x"),
        ("https://token@lab", "https://lab"),
        ("postgresql://ann:pw@db/mlflow", "postgresql://ann@db/mlflow"),
        ("mssql://ann:p%40w@db/x?password=pw&driver=y", "mssql://ann@db/x?password=&driver=y"),
        ("sqlite:////home/ann@home/x.db", "sqlite:////home/ann@home/x.db"),
        ("no address: a@b", "no address: a@b"),
        ("failed http://ann:pw@lab/api and http://bob:pw@lab/api", "failed http://lab/api and http://lab/api"),
    ],
)
def test_passwords_are_taken_out(uri: str, shown: str) -> None:
    assert without_secrets(uri) == shown


def test_addresses_mean_the_same_everywhere() -> None:
    assert absolute("sqlite:///mlflow.db", "/work") == "sqlite:////work/mlflow.db"
    assert absolute("./mlruns", "/work") == "file:///work/mlruns"
    assert absolute(" http://lab/ ", "/work") == "http://lab"
    assert absolute("", "/work") == ""


def test_the_store_of_the_environment_is_kept_with_the_run(lab: LabPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded(lab)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    remember_store(lab, recorded.uid)
    assert RunFolder(lab.run(recorded.uid)).tracking() == ""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{lab.database}")  # the embedded one: nothing new
    remember_store(lab, recorded.uid)
    assert RunFolder(lab.run(recorded.uid)).tracking() == ""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:pw@lab:5000/")
    remember_store(lab, recorded.uid)
    assert RunFolder(lab.run(recorded.uid)).tracking() == "http://lab:5000"
