"""A Jupyter server per test. The star import keeps pytest-jupyter's autouse fixtures inside this folder."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"labnb": True}, "allow_unauthenticated_access": False}}
