"""Every endpoint has its authentication and its authorisation; these tests walk over the map of routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError

from labnb.server.extension import ROUTES
from labnb.server.resource import AUTH_RESOURCE

Fetch = Callable[..., Any]
PATHS = [path for path, _ in ROUTES]
VERBS = ("get", "post", "put", "patch", "delete")


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_is_turned_away(jp_fetch: Fetch, path: str) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("labnb", "api", path, headers={"Authorization": "token wrong"})
    assert caught.value.code == 403


class NoLabnb(Authorizer):
    """Allows everything but labnb."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != AUTH_RESOURCE


@pytest.mark.parametrize("path", PATHS)
async def test_a_user_without_permission_is_turned_away(jp_serverapp: Any, jp_fetch: Fetch, path: str) -> None:
    jp_serverapp.web_app.settings["authorizer"] = NoLabnb(parent=jp_serverapp)
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("labnb", "api", path)
    assert caught.value.code == 403


@pytest.mark.parametrize(("path", "handler"), ROUTES, ids=PATHS)
def test_every_verb_is_guarded(path: str, handler: type) -> None:
    own = [vars(handler)[verb] for verb in VERBS if verb in vars(handler)]
    assert own, f"{path} answers nothing"
    assert all(hasattr(method, "__wrapped__") for method in own)
