"""Changes on Jupyter's event stream: told at once, put together, through a real websocket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from labnb.runfolder.paths import LabPaths
from labnb.server.announcer import LISTED, PAUSE, Announcer
from tests.runs import Recorded
from tests.server.test_runs import current

Ask = Callable[..., Awaitable[Any]]


async def test_a_change_reaches_the_browser(jp_ws_fetch: Any, ask: Ask, lab: LabPaths) -> None:
    socket = await jp_ws_fetch("api", "events", "subscribe")
    await current(ask, 0)
    project = (await ask("health"))["project"]
    run = Recorded(lab)
    told: set[str] = set()
    deadline = time.monotonic() + 10
    while run.uid not in told:
        event = json.loads(await asyncio.wait_for(socket.read_message(), deadline - time.monotonic()))
        if event["schema_id"] == "https://events.labnb.dev/run":
            assert event["project"] == project
            told.update(event["changed"])
    run.end()
    await ask("runs", run.uid, verb="DELETE")
    gone: set[str] = set()
    while run.uid not in gone:
        event = json.loads(await asyncio.wait_for(socket.read_message(), deadline - time.monotonic()))
        gone.update(event.get("gone", ()))
    socket.close()


async def test_a_thousand_changes_a_second_are_few_events() -> None:
    sent: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    announcer = Announcer(loop, lambda schema, data: sent.append(data))
    begun = loop.time()
    for number in range(2000):
        announcer.tell("job", "p", [f"job {number % 20}"])
        if number % 20 == 0:
            await asyncio.sleep(0.02)
    took = loop.time() - begun
    announcer.tell("job", "p", ["last"])
    await asyncio.sleep(3 * PAUSE)
    assert len(sent) <= took / PAUSE + 3
    assert "last" in {uid for data in sent for uid in data["changed"]}, "the last is told too"
    assert not any(data["all"] for data in sent)


async def test_what_is_too_much_to_list_is_said_to_be() -> None:
    sent: list[dict[str, Any]] = []
    announcer = Announcer(asyncio.get_running_loop(), lambda schema, data: sent.append(data))
    announcer.tell("run", "p", [f"{n}" for n in range(100_000)])
    announcer.tell("run", "p", ["kept"], gone=["1"])
    await asyncio.sleep(3 * PAUSE)
    first, second = sent
    assert (len(first["changed"]), first["all"]) == (LISTED, True)
    assert (second["changed"], second["gone"], second["all"]) == (["kept"], ["1"], False)


async def test_what_came_and_went_is_told_as_it_is_last() -> None:
    sent: list[dict[str, Any]] = []
    announcer = Announcer(asyncio.get_running_loop(), lambda schema, data: sent.append(data))
    announcer.tell("run", "p", ["opens"])
    announcer.tell("run", "p", ["a"])
    announcer.tell("run", "p", gone=["a"])
    announcer.tell("run", "q", ["other project"])
    await asyncio.sleep(3 * PAUSE)
    assert [(data["project"], data["changed"], data["gone"]) for data in sent] == [
        ("p", ["opens"], []),
        ("q", ["other project"], []),
        ("p", [], ["a"]),
    ]
