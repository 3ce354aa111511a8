from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any


async def test_health_says_which_labnb(jp_fetch: Callable[..., Any]) -> None:
    response = await jp_fetch("labnb", "api", "health")
    told = json.loads(response.body)
    assert told["schema"] == 1
    assert told["version"] == version("labnb")
