"""The server extension: everything under `/labnb/api/` has one handler, `operations.py` is the map of it."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import url_path_join

from labnb.server.announcer import EVENTS, TOPICS, Announcer
from labnb.server.desk import Desk
from labnb.server.handler import LabHandler

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _load_jupyter_server_extension(server_app: ServerApp) -> None:
    settings = server_app.web_app.settings
    logger = server_app.event_logger
    if logger is not None:
        for topic in TOPICS:
            logger.register_event_schema(EVENTS / f"{topic}.yaml")

    def emit(schema: str, data: dict[str, Any]) -> None:
        if logger is not None:
            logger.emit(schema_id=schema, data=data)

    announcer = Announcer(asyncio.get_event_loop_policy().get_event_loop(), emit)
    settings["labnb_desk"] = Desk(Path(server_app.root_dir), announcer, server_app.log)
    everything = url_path_join(settings["base_url"], "labnb", "api", "(.*)")
    server_app.web_app.add_handlers(".*$", [(everything, LabHandler)])  # type: ignore[no-untyped-call]  # tornado's
    server_app.log.info("labnb %s is loaded", version("labnb"))
