"""What work raises that is no Exception, as native code does when it panics: answered like any other failure."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from labnb.runfolder.paths import LabPaths
from labnb.server import operations
from labnb.server.desk import Desk

Ask = Callable[..., Awaitable[Any]]


class Panic(BaseException):
    """As the PanicException of pyo3, which is no Exception either."""


# StopIteration is an Exception, but not one that a future can hold.
@pytest.mark.parametrize("kind", [Panic, asyncio.CancelledError, GeneratorExit, StopIteration])
async def test_an_operation_that_raises_no_exception_is_answered(
    ask: Ask,
    problem: Ask,
    lab: LabPaths,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[BaseException],
) -> None:
    def panic(_: Any) -> None:
        raise kind("index out of bounds")

    await ask("projects")
    find = operations.find

    def found(path: str) -> Any:
        verbs, ids = find(path)
        return {verb: dataclasses.replace(one, call=panic) for verb, one in verbs.items()}, ids

    with monkeypatch.context() as patched:
        patched.setattr(operations, "find", found)
        with caplog.at_level(logging.ERROR):
            status, told = await asyncio.wait_for(problem("projects"), 20)
    assert (status, told["code"]) == (500, "internal_server_error")
    assert "log" in told["hint"]
    assert "index out of bounds" in caplog.text
    assert (await ask("projects"))["items"], "the next question is answered as ever"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_stops_the_server_still_does(tmp_path: Path, kind: type[BaseException]) -> None:
    desk = Desk(tmp_path)

    def stop() -> None:
        raise kind

    with pytest.raises(kind):
        asyncio.run(desk.run(stop))
    desk.close()
