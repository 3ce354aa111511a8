"""A Jupyter server per test. The star import keeps pytest-jupyter's autouse fixtures inside this folder."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from tornado.httpclient import HTTPClientError

from labnb.runfolder.paths import LabPaths
from tests.runs import Recorded

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"labnb": True}, "allow_unauthenticated_access": False}}


@pytest.fixture(autouse=True)
def no_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    """A publisher would publish and mend beside the server; here the server is alone."""
    monkeypatch.setenv("LABNB_PUBLISHER", "0")


@pytest.fixture
def lab(jp_root_dir: Path) -> LabPaths:
    """The project of the server's folder."""
    (jp_root_dir / "labnb.toml").write_text("")
    paths = LabPaths(jp_root_dir)
    paths.make()
    return paths


@pytest.fixture
def record(lab: LabPaths) -> Callable[..., Recorded]:
    """Record an ended run with a few values."""

    def make(**fields: Any) -> Recorded:
        return Recorded(lab, **fields).end()

    return make


@pytest.fixture(autouse=True)
def desk_closes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Threads and watches of the server end with the test."""
    if not {"jp_serverapp", "jp_fetch"} & set(request.fixturenames):
        yield
        return
    app = request.getfixturevalue("jp_serverapp")
    yield
    app.web_app.settings["labnb_desk"].close()


@pytest.fixture
def ask(jp_fetch: Callable[..., Any]) -> Ask:
    """Ask and read JSON: `await ask("runs", filter="…")`, `await ask("runs", uid, verb="DELETE")`."""

    async def call(*path: str, verb: str = "GET", body: Any = None, **query: Any) -> Any:
        words = [
            (name, one) for name, value in query.items() for one in (value if isinstance(value, list) else [value])
        ]
        text = json.dumps(body) if body is not None or verb in ("POST", "PATCH") else None
        response = await jp_fetch("labnb", "api", *path, method=verb, params=words, body=text)
        return json.loads(response.body)

    return call


@pytest.fixture
def problem(ask: Ask) -> Ask:
    """Ask what fails: gives the status and the Problem."""

    async def call(*path: str, **words: Any) -> tuple[int, dict[str, Any]]:
        with pytest.raises(HTTPClientError) as caught:
            await ask(*path, **words)
        assert caught.value.response is not None
        told = json.loads(caught.value.response.body)
        assert set(told) == {"code", "message", "hint"}, told
        return caught.value.code, told

    return call
