"""Lists and details of runs through a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.runs import Recorded

Ask = Callable[..., Awaitable[Any]]
Record = Callable[..., Recorded]


async def current(ask: Ask, runs: int) -> None:
    """Wait until the index has so many runs."""
    for _ in range(200):
        found = (await ask("health"))["freshness"]
        if found["state"] == "current" and found["runs"] == runs:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_runs_are_listed_sorted_and_filtered(ask: Ask, record: Record) -> None:
    for name, lr in (("low", 0.1), ("high", 0.9), ("middle", 0.5)):
        record(name=name, params={"lr": lr}, metrics={"acc": lr / 2})
    await current(ask, 3)
    page = await ask("runs", order_by="metrics.acc DESC")
    assert [item["name"] for item in page["items"]] == ["high", "middle", "low"]
    assert page["total"] == 3
    assert page["next"] is None
    page = await ask("runs", filter="params.lr > 0.2 and metrics.acc < 0.4")
    assert [item["name"] for item in page["items"]] == ["middle"]
    first = await ask("runs", order_by="params.lr", limit=2)
    second = await ask("runs", order_by="params.lr", limit=2, cursor=first["next"])
    assert [item["name"] for item in (*first["items"], *second["items"])] == ["low", "middle", "high"]


async def test_rows_have_what_is_wanted(ask: Ask, record: Record) -> None:
    record(params={"a": 1, "b": 2, "c": 3}, metrics={"system/cpu": 9.0, "x": 1.0, "y": 2.0}, tags={"team": "bio"})
    await current(ask, 1)

    async def row(**wanted: object) -> list[list[str]]:
        (item,) = (await ask("runs", **wanted))["items"]
        return [sorted(item[kind]) for kind in ("params", "metrics", "tags")]

    assert await row() == [["a", "b", "c"], ["system/cpu", "x", "y"], ["team"]]
    assert await row(columns="-") == [[], [], []]
    assert await row(columns="params.c") == [["c"], [], []]
    assert await row(few=1) == [["a"], ["x"], []]
    assert await row(few=2, columns="metrics.`system/cpu`") == [["a", "b"], ["system/cpu", "x", "y"], []]
    assert await row(columns="tags.team") == [[], [], ["team"]]


async def test_a_run_is_shown_with_its_parts(ask: Ask, record: Record) -> None:
    run = record(name="one", params={"lr": 0.1}, source="x = 1")
    detail = await ask("runs", run.uid)
    assert detail["name"] == "one"
    assert detail["source"] == "x = 1"
    assert detail["parts"]["artifacts"] == 0
