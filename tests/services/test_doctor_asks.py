"""`labnb doctor` and the lab's tracking server: as it is, it is told, and it is told once."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from labnb.adapters.mlflow.embedded import sqlite_uri, uri_of
from labnb.adapters.mlflow.server import server_facts
from labnb.cli.main import main
from labnb.lab import Lab
from labnb.runfolder.paths import LabPaths
from tests.services.mlflow_server import MlflowServer, free_port
from tests.services.proxy import Proxy
from tests.services.test_servers import ann, login

__all__ = ["ann"]
pytestmark = [pytest.mark.xdist_group("mlflow servers"), pytest.mark.slow]


def test_a_server_that_answers_and_one_that_does_not(
    lab: LabPaths, server: MlflowServer, capsys: pytest.CaptureFixture[str]
) -> None:
    version = metadata.version("mlflow")
    facts = server_facts(server.uri)
    assert (facts.problem, facts.version, facts.client) == ("", version, version)
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{server.uri}"\n')
    assert main(["-C", str(lab.root), "doctor"]) == 0
    assert f"{server.uri} answers and lets you in, MLflow {version}." in capsys.readouterr().out
    nobody = f"http://127.0.0.1:{free_port()}"
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{nobody}"\n')
    assert main(["-C", str(lab.root), "doctor"]) == 1
    said = capsys.readouterr().out
    assert f"FAILING  tracking server   The MLflow store {nobody} does not answer: nobody listens there." in said
    assert "Runs stay here until it answers" in said


def test_a_server_that_knows_who_asks(
    login_server: MlflowServer, ann: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    login(monkeypatch, *ann)
    assert server_facts(login_server.uri).problem == ""
    login(monkeypatch, ann[0], "not-the-password")
    facts = server_facts(login_server.uri)
    assert "refused the login" in facts.problem
    assert "MLFLOW_TRACKING_USERNAME" in facts.hint
    address = login_server.uri.replace("://", "://ann:my-secret@")
    assert "my-secret" not in repr(server_facts(address))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "answer", "status": 503}, "is busy"),
        ({"kind": "answer", "status": 500}, "is in trouble"),
        ({"kind": "answer", "status": 403}, "does not allow it"),
        ({"kind": "refuse"}, "does not answer"),
        ({"kind": "silent", "seconds": 3.0}, "does not answer"),
    ],
)
def test_a_server_in_trouble(
    proxy: Proxy, fault: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    proxy.fault(**{"times": -1, **fault})  # type: ignore[arg-type]
    facts = server_facts(proxy.uri)
    assert said in facts.problem
    assert facts.hint


def test_a_server_without_a_page_that_tells_its_version(proxy: Proxy) -> None:
    proxy.fault("answer", "GET /version", times=-1, status=404)
    facts = server_facts(proxy.uri)
    assert (facts.problem, facts.version) == ("", "")


def test_a_database_is_not_made_by_looking(lab: LabPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lab.root / "later.db"
    assert server_facts(sqlite_uri(path)).problem == ""
    assert not path.exists()
    assert server_facts(uri_of(lab)).problem == ""
    broken = lab.root / "broken.db"
    broken.write_bytes(b"no database" * 1000)
    assert "is damaged" in server_facts(sqlite_uri(broken)).problem
    # What a cell has left in the environment is the embedded store, and no server.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri_of(lab))
    assert Lab(Path(lab.root)).facts().servers == ()
