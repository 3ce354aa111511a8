"""Changes to runs through a real server: tags, notes, archiving, the trash and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths
from tests.runs import Recorded
from tests.server.test_runs import current

Ask = Callable[..., Awaitable[Any]]
Record = Callable[..., Recorded]


@pytest.fixture(autouse=True)
def no_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_PUBLISHER", "0")


async def test_tags_note_and_archive(ask: Ask, record: Record, lab: LabPaths) -> None:
    run = record(tags={"old": "x"})
    await current(ask, 1)
    change = {"tags": {"team": "bio 🦆", "old": None}, "note": "<b>look</b>\nagain", "archived": True}
    changed = await ask("runs", run.uid, verb="PATCH", body=change)
    assert (changed["tags"], changed["note"], changed["archived"]) == ({"team": "bio 🦆"}, "<b>look</b>\nagain", True)
    assert (await ask("runs"))["items"] == []
    (item,) = (await ask("runs", archived="only", filter="tags.team LIKE 'bio%'"))["items"]
    assert item["note"] == "<b>look</b>\nagain"
    assert RunFolder(lab.run(run.uid)).read().tags["team"] == "bio 🦆"
    assert (lab.queue / run.uid).exists(), "it is published again"
    await ask("runs", run.uid, verb="PATCH", body={"archived": False, "note": ""})
    (item,) = (await ask("runs"))["items"]
    assert (item["tags"], item["note"]) == ({"team": "bio 🦆"}, "")


async def test_a_run_that_goes_on_keeps_its_tags_to_the_end(ask: Ask, lab: LabPaths) -> None:
    run = Recorded(lab)
    assert (await ask("runs", run.uid, verb="PATCH", body={"tags": {"a": "b"}}))["tags"] == {"a": "b"}
    run.end()
    assert (await ask("runs", run.uid))["tags"] == {"a": "b"}


async def test_a_removed_run_comes_back(ask: Ask, problem: Ask, record: Record, lab: LabPaths) -> None:
    run, other = record(name="gone"), record(name="stays")
    run.artifact("a.txt", b"kept")
    await current(ask, 2)
    since = (await ask("runs"))["since"]
    assert await ask("runs", run.uid, verb="DELETE") == {"uid": run.uid, "name": "gone"}
    page = await ask("runs", since=since)
    assert (page["gone"], page["total"], page["items"]) == ([run.uid], 1, [])
    assert (await problem("runs", run.uid))[0] == 404
    assert (await problem("runs", run.uid, "log"))[0] == 404
    assert (await problem("runs", run.uid, verb="DELETE"))[0] == 404
    compared = await ask("comparisons", verb="POST", body={"uids": [other.uid, run.uid]})
    assert compared["missing"] == [run.uid]
    assert (await ask("runs", run.uid, "restore", verb="POST"))["name"] == "gone"
    assert (await ask("runs"))["total"] == 2
    assert (lab.run(run.uid).artifacts / "a.txt").read_bytes() == b"kept"
    assert (await ask("runs", run.uid, "restore", verb="POST"))["name"] == "gone", "a second time changes nothing"


async def test_a_run_that_goes_on_is_not_removed(problem: Ask, lab: LabPaths) -> None:
    run = Recorded(lab)
    assert await problem("runs", run.uid, verb="DELETE") == (
        409,
        {
            "code": "still_running",
            "message": f"The run {run.uid[:8]} goes on.",
            "hint": "Interrupt the cell or cancel the job first.",
        },
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"tags": {"mlflow.user": "eve"}}, "mlflow.user"),
        ({"tags": {"labnb.uid": "0"}}, "labnb.uid"),
        ({"tags": {"": "x"}}, "1 to 250"),
        ({"tags": {"a": 1}}, "str"),
        ({"tags": []}, "object"),
        ({"archived": "yes"}, "bool"),
        ({"noet": "x"}, "Did you mean note?"),
        ({"note": "x" * 20_001}, "20000"),
        ([], "object"),
    ],
)
async def test_a_wrong_change_says_what_is_right(problem: Ask, record: Record, body: Any, said: str) -> None:
    run = record()
    status, told = await problem("runs", run.uid, verb="PATCH", body=body)
    assert status == 400
    assert said in told["message"] + told["hint"]
