from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any


async def test_health_says_which_labnb(jp_fetch: Callable[..., Any]) -> None:
    response = await jp_fetch("labnb", "api", "health")
    assert json.loads(response.body) == {"schema": 1, "version": version("labnb")}
