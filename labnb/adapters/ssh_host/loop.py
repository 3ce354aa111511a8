"""One event loop in a thread of its own, on which all SSH connections of this process live."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger("labnb")
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop, from any other thread; an interrupt cancels it."""
    future = asyncio.run_coroutine_threadsafe(work, loop())
    try:
        return future.result()
    except (KeyboardInterrupt, SystemExit, concurrent.futures.CancelledError):
        future.cancel()
        raise


def loop() -> asyncio.AbstractEventLoop:
    """Give the loop of this process; a fork has no threads, and gets one of its own."""
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid():
            _loop, _owner = asyncio.new_event_loop(), os.getpid()
            _loop.set_exception_handler(_left_behind)
            threading.Thread(target=_loop.run_forever, name="labnb-ssh", daemon=True).start()
        return _loop


def _left_behind(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a broken connection leaves in tasks of the library: whoever waited was told, and asyncio would print it."""
    _log.debug("%s: %r", context.get("message"), context.get("exception"))
