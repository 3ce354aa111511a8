"""Waiting for what must come: as long as that takes, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(done: Callable[[], object], seconds: float = 20) -> float:
    """Look again and again until it is so; give the seconds that took. Fails where it does not come."""
    begun = time.monotonic()
    while not done():
        assert time.monotonic() < begun + seconds, f"it did not come to that in {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - begun
