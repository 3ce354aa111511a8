"""Sessions that are killed in a run: the server writes the end, shows it, tells it and has it published, alone."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labnb.model.run import RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.queue import touch
from tests.driver import Session, start
from tests.server.test_runs import current

Ask = Callable[..., Awaitable[Any]]
CELL = """%%labrun dies
import labnb, time
for step in range(10**6):
    labnb.log({'loss': float(step)})
    print('step', step, flush=True)
    did('step', step=step)
    time.sleep(0.01)
"""


@pytest.fixture
def session(lab: LabPaths, tmp_path: Path) -> Iterator[Session]:
    """A session in the middle of a run that has logged something."""
    started = start(lab.root, [CELL], tmp_path / "log.txt")
    assert started.listen(60, until="step"), (tmp_path / "log.txt").read_text()
    started.listen(1)
    yield started
    if started.status is None:
        started.kill()


async def shown(ask: Ask, status: str) -> dict[str, Any]:
    """Wait until the only run has this status and its end is written."""
    deadline = time.monotonic() + 30
    while True:
        items = (await ask("runs"))["items"]
        if [item["status"] for item in items] == [status]:
            detail: dict[str, Any] = await ask("runs", items[0]["uid"])
            if status == "RUNNING" or detail["notes"]:
                return detail
        assert time.monotonic() < deadline, items
        await asyncio.sleep(0.05)


def is_mended(lab: LabPaths, detail: dict[str, Any], session: Session) -> None:
    folder = RunFolder(lab.run(detail["uid"]))
    stored, owner = folder.stored()
    assert (stored.status, owner) == (RunStatus.KILLED, None), "run.json itself says so"
    assert [note["code"] for note in detail["notes"]] == ["kernel_died"]
    assert detail["metrics"]["loss"] >= session.of("step")[-1]["step"] - 1
    output = json.loads(folder.paths.output.read_text())
    assert "step 3" in output["cells"][0]["outputs"][0]["text"]
    assert os.listdir(lab.queue) == [detail["uid"]], "it is announced for publishing"


async def test_a_run_that_died_before_the_server_came(ask: Ask, lab: LabPaths, session: Session) -> None:
    session.kill()
    for path in lab.queue.iterdir():
        path.unlink()
    is_mended(lab, await shown(ask, "KILLED"), session)


async def test_a_run_that_dies_while_the_server_looks(
    jp_ws_fetch: Any, ask: Ask, lab: LabPaths, session: Session
) -> None:
    detail = await shown(ask, "RUNNING")
    await current(ask, 1)
    socket = await jp_ws_fetch("api", "events", "subscribe")
    for path in lab.queue.iterdir():
        path.unlink()
    session.kill()
    is_mended(lab, await shown(ask, "KILLED"), session)
    told: list[str] = []
    while detail["uid"] not in told:
        event = json.loads(await asyncio.wait_for(socket.read_message(), 10))
        told += event.get("changed", ())
    socket.close()


async def test_an_end_that_cannot_be_written_is_shown_and_tried_again(
    ask: Ask, lab: LabPaths, session: Session
) -> None:
    session.kill()
    (folder,) = (RunFolder(lab.run(name)) for name in os.listdir(lab.runs))
    folder.paths.output.unlink(missing_ok=True)
    folder.paths.output.mkdir()
    await current(ask, 1)
    assert (await ask("runs"))["items"][0]["status"] == "KILLED"
    assert folder.stored()[0].status is RunStatus.RUNNING, "its end could not be written"
    folder.paths.output.rmdir()
    touch(lab, folder.uid)
    is_mended(lab, await shown(ask, "KILLED"), session)
