"""Every endpoint has its authentication, its authorisation and its place in the document, and no other has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from jupyter_server.auth import Authorizer, User
from tornado.httpclient import HTTPClientError

from labnb.server.document import document
from labnb.server.handler import LabHandler
from labnb.server.operations import OPERATIONS, find
from labnb.server.resource import AUTH_RESOURCE
from labnb.server.wire import PLACE, types

Fetch = Callable[..., Any]
VERBS = ("get", "post", "put", "patch", "delete", "head")
ASKED = [(operation.verb, operation.path.replace("{", "").replace("}", "")) for operation in OPERATIONS]


def body(verb: str) -> str | None:
    return "{}" if verb in ("POST", "PATCH", "PUT") else None


async def test_a_stranger_is_turned_away(jp_fetch: Fetch) -> None:
    stranger = {"Authorization": "token wrong"}
    for verb, path in [*ASKED, ("GET", "nothing/here"), ("POST", "nothing/here")]:
        with pytest.raises(HTTPClientError) as caught:
            await jp_fetch("labnb", "api", path, method=verb, body=body(verb), headers=stranger)
        assert caught.value.code == 403, (verb, path)


class NoLabnb(Authorizer):
    """Allows everything but labnb."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != AUTH_RESOURCE


class ReadsOnly(Authorizer):
    """Lets everybody look and nobody change."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read"


async def refused(app: Any, fetch: Fetch, authorizer: type[Authorizer], verb: str, path: str) -> bool:
    app.web_app.settings["authorizer"] = authorizer(parent=app)
    try:
        await fetch("labnb", "api", path, method=verb, body=body(verb))
    except HTTPClientError as error:
        return error.code == 403
    return False


async def test_a_user_without_permission_is_turned_away(jp_serverapp: Any, jp_fetch: Fetch) -> None:
    for verb, path in ASKED:
        assert await refused(jp_serverapp, jp_fetch, NoLabnb, verb, path), (verb, path)


async def test_who_may_only_read_changes_nothing(jp_serverapp: Any, jp_fetch: Fetch) -> None:
    for verb, path in ASKED:
        assert await refused(jp_serverapp, jp_fetch, ReadsOnly, verb, path) is (verb != "GET"), (verb, path)


@pytest.mark.parametrize(("verb", "path"), [pair for pair in ASKED if pair[0] != "GET"])
async def test_a_cookie_alone_changes_nothing(
    jp_serverapp: Any,
    monkeypatch: pytest.MonkeyPatch,
    http_server_client: Any,
    jp_base_url: str,
    verb: str,
    path: str,
) -> None:
    """Another site's page has the browser's cookie and not the XSRF token."""
    provider = jp_serverapp.identity_provider
    cookie = {"Cookie": f"username-localhost-{jp_serverapp.port}=whatever"}
    monkeypatch.setattr(type(provider), "get_user", lambda self, handler: User(username="ann"))
    with pytest.raises(HTTPClientError) as caught:
        await http_server_client.fetch(jp_base_url + f"labnb/api/{path}", method=verb, body=body(verb), headers=cookie)
    assert caught.value.code == 403
    assert b"XSRF" in caught.value.response.body or b"_xsrf" in caught.value.response.body  # type: ignore[union-attr]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_guarded(verb: str) -> None:
    method = vars(LabHandler)[verb]
    assert method.__wrapped__.__wrapped__, "authenticated, authorised"


def test_routes_and_document_are_one() -> None:
    said = {
        (verb.upper(), path.removeprefix("/"))
        for path, verbs in document(OPERATIONS)["paths"].items()
        for verb in verbs
    }
    assert said == {(operation.verb, operation.path) for operation in OPERATIONS}
    for operation in OPERATIONS:
        verbs, ids = find(operation.path.replace("{", "").replace("}", ""))
        assert verbs[operation.verb] is operation
        assert ids == operation.parameters
    assert find("nothing/here") == ({}, ())
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


def test_the_types_of_the_front_end_are_fresh() -> None:
    assert PLACE.read_text(encoding="utf-8") == types(), "run python -m labnb.server.wire"


_LOADING = """
import sys, time
from jupyter_server.serverapp import ServerApp
app = ServerApp()
app.initialize(argv=["--ServerApp.jpserver_extensions=labnb=False", "--allow-root", "--port=0"], new_httpserver=False)
known, begun = set(sys.modules), time.process_time()
from labnb.server.extension import _load_jupyter_server_extension
_load_jupyter_server_extension(app)
print((time.process_time() - begun) * 1000)
print("new:", *sorted({name.partition(".")[0] for name in set(sys.modules) - known}))
"""


def test_its_load_costs_nothing_to_speak_of() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADING], capture_output=True, text=True, check=True)
    took, new = done.stdout.splitlines()[-2:]
    assert float(took) < 100, "milliseconds of processor"
    assert {name for name in new.split()[1:] if not name.startswith("_")} <= {"labnb", "importlib_metadata"}
