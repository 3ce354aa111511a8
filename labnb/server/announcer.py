"""Changes, told on Jupyter's event stream: put together, so that a thousand a second are a few events a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent / "events"
TOPICS = ("run", "job", "dataset")
#: Seconds between two events of one topic and project.
PAUSE = 0.25
#: So many ids are listed in one event.
LISTED = 200

Emit = Callable[[str, dict[str, Any]], None]


def schema_id(topic: str) -> str:
    """Name the schema of a topic's events."""
    return f"https://events.labnb.dev/{topic}"


@dataclass
class _Waiting:
    changed: dict[str, None] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    more: bool = False


class Announcer:
    """Collects what changed and emits it, at once and then at most every `PAUSE` seconds. `tell` is for any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, emit: Emit) -> None:
        self._loop, self._emit = loop, emit
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._pausing: set[tuple[str, str]] = set()

    def tell(
        self,
        topic: str,
        project: str,
        changed: Iterable[str] = (),
        gone: Iterable[str] = (),
        *,
        everything: bool = False,
    ) -> None:
        """Say that these changed or are gone; `everything`: nobody knows which."""
        told = (topic, project), tuple(changed), tuple(gone), everything
        try:
            self._loop.call_soon_threadsafe(self._take, *told)
        except RuntimeError:
            return  # the server has ended

    def _take(self, key: tuple[str, str], changed: tuple[str, ...], gone: tuple[str, ...], everything: bool) -> None:
        waiting = self._waiting.setdefault(key, _Waiting())
        waiting.more = waiting.more or everything
        for uid in changed:
            waiting.gone.pop(uid, None)
            waiting.changed[uid] = None
        for uid in gone:
            waiting.changed.pop(uid, None)
            waiting.gone[uid] = None
        if len(waiting.changed) + len(waiting.gone) > LISTED:
            # What does not fit is not kept: a store of 100,000 runs may change at once.
            waiting.more = True
            waiting.changed = dict.fromkeys(list(waiting.changed)[:LISTED])
            waiting.gone = dict.fromkeys(list(waiting.gone)[: LISTED - len(waiting.changed)])
        if key not in self._pausing:
            self._send(key)

    def _send(self, key: tuple[str, str]) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is None:
            self._pausing.discard(key)
            return
        topic, project = key
        self._pausing.add(key)
        self._loop.call_later(PAUSE, self._send, key)
        self._emit(
            schema_id(topic),
            {
                "project": project,
                "changed": list(waiting.changed),
                "gone": list(waiting.gone),
                "all": waiting.more,
            },
        )
