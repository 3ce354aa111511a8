"""`GET /labnb/api/health`: which labnb answers here."""

from __future__ import annotations

from importlib.metadata import version

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import authenticated

from labnb.server.resource import AUTH_RESOURCE


class HealthHandler(APIHandler):
    auth_resource = AUTH_RESOURCE

    @authenticated
    @authorized
    def get(self) -> None:
        self.finish({"schema": 1, "version": version("labnb")})
