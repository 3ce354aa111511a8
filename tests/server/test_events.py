"""Changes on Jupyter's event stream: told at once, put together, through a real websocket."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

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


async def a_thousand_a_second(app: Any, fetch: Any, ask: Ask, seconds: float) -> None:
    """Tell of 20 jobs a thousand times a second: few events come, questions are answered, and memory stays."""
    socket = await fetch("api", "events", "subscribe")
    project = (await ask("health"))["project"]
    announcer = app.web_app.settings["labnb_desk"].announcer
    ended = threading.Event()

    def tell() -> None:
        begun, told = time.monotonic(), 0
        while (now := time.monotonic() - begun) < seconds:
            while told < now * 1000:
                announcer.tell("job", project, [f"job {told % 20}"])
                told += 1
            time.sleep(0.005)
        announcer.tell("job", project, ["last"])
        ended.set()

    async def hear() -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        while not heard or "last" not in heard[-1]["changed"]:
            event = json.loads(await asyncio.wait_for(socket.read_message(), 10))
            if event["schema_id"] == "https://events.labnb.dev/job":
                heard.append(event)
        return heard

    async def look() -> tuple[float, list[int]]:
        slowest, memory = 0.0, []
        while not ended.is_set():
            begun = time.monotonic()
            await ask("health")
            slowest = max(slowest, time.monotonic() - begun)
            memory.append(own_memory())
            await asyncio.sleep(0.2)
        return slowest, memory

    begun = time.monotonic()
    telling = asyncio.to_thread(tell)
    heard, (slowest, memory), _ = await asyncio.gather(hear(), look(), telling)
    took = time.monotonic() - begun
    socket.close()
    assert len(heard) <= took / PAUSE + 3, "coalesced"
    assert {f"job {number}" for number in range(20)} <= {uid for event in heard for uid in event["changed"]}
    assert not any(event["all"] for event in heard)
    assert slowest < 1, "the server answers meanwhile"
    assert memory[-1] - memory[len(memory) // 2] < 5_000_000, "memory stays"


def own_memory() -> int:
    """The bytes that this process, the server among it, has in memory of its own."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1]) * 1024


async def test_a_thousand_changes_a_second_are_few_events(
    jp_serverapp: Any, jp_ws_fetch: Any, ask: Ask, lab: LabPaths
) -> None:
    await a_thousand_a_second(jp_serverapp, jp_ws_fetch, ask, 2)


@pytest.mark.soak
@pytest.mark.timeout(180)
async def test_a_thousand_changes_a_second_for_a_minute(
    jp_serverapp: Any, jp_ws_fetch: Any, ask: Ask, lab: LabPaths
) -> None:
    await a_thousand_a_second(jp_serverapp, jp_ws_fetch, ask, 60)


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
