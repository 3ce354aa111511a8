"""The server extension as a map: which path is answered by which handler."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from jupyter_server.utils import url_path_join

from labnb.server.health import HealthHandler

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from tornado.web import RequestHandler

ROUTES: tuple[tuple[str, type[RequestHandler]], ...] = (("health", HealthHandler),)


def _load_jupyter_server_extension(server_app: ServerApp) -> None:
    base = server_app.web_app.settings["base_url"]
    handlers = [(url_path_join(base, "labnb", "api", path), handler) for path, handler in ROUTES]
    server_app.web_app.add_handlers(".*$", handlers)  # type: ignore[no-untyped-call]  # tornado's
    server_app.log.info("labnb %s is loaded", version("labnb"))
