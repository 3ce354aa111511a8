"""What is broken, gone or not meant to be seen: each told as a Problem, and nothing else suffers from it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths
from labnb.server.desk import id_of
from labnb.server.operations import OPERATIONS
from tests.runs import Recorded
from tests.server.test_runs import current

Ask = Callable[..., Awaitable[Any]]
Record = Callable[..., Recorded]
NASTY = [
    "<script>alert(1)</script>",
    "\"double\" 'single' `back` \\ %25 %s {x}",
    "🦆👩‍🔬 ünï",
    "עברית \u202eabc\u202c العربية",
    "'; DROP TABLE run; --",
    "line\nbreak\ttab \x00 \x1b[31m",
    "\ud800 half",
]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.parameters], ids=lambda one: one.name)
async def test_an_unknown_id_is_a_problem(problem: Ask, record: Record, operation: Any) -> None:
    record()
    path = operation.path
    for name in operation.parameters:
        path = path.replace(f"{{{name}}}", "f" * 32)
    words: dict[str, Any] = {"verb": operation.verb, "body": {} if operation.body else None}
    if operation.name == "get_diff":
        words |= {"before": "a", "after": "b"}
    status, told = await problem(*path.split("/"), **words)
    assert (status, told["code"]) == (404, "not_found")
    assert "ffff" in told["message"]


async def test_a_project_elsewhere_is_not_shown(ask: Ask, problem: Ask, record: Record, tmp_path: Path) -> None:
    own = record(name="own")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "labnb.toml").write_text("")
    secret = Recorded(LabPaths(outside), name="secret").end()
    status, told = await problem("runs", project=id_of(outside))
    assert (status, told["code"]) == (404, "not_found")
    for notebook in ("../outside/a.ipynb", str(outside / "a.ipynb"), f"x/../../{outside.name}/a.ipynb", "//"):
        items = (await ask("projects", notebook=notebook))["items"]
        assert [item["path"] for item in items] == ["."], notebook
        assert id_of(outside) not in {item["id"] for item in items}
        assert (await ask("cells", notebook=notebook))["items"] == []
    assert (await problem("runs", secret.uid))[0] == 404
    assert (await ask("runs", own.uid))["name"] == "own"


async def test_a_damaged_index_is_made_again(ask: Ask, lab: LabPaths, record: Record) -> None:
    runs = {record().uid for _ in range(3)}
    await current(ask, 3)
    (file,) = lab.cache.glob("runs-*.sqlite")
    file.write_bytes(b"no database at all" * 1000)
    for _ in range(200):
        found = []
        with contextlib.suppress(HTTPClientError):  # the question that meets the damage may be refused
            found = (await ask("runs"))["items"]
        if {item["uid"] for item in found} == runs:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_a_damaged_run_hides_no_other(ask: Ask, problem: Ask, lab: LabPaths, record: Record) -> None:
    good, bad, odd = record(name="good"), record(name="bad"), record(name="odd")
    lab.run(bad.uid).run.write_text("{ half")
    lab.run(odd.uid).journal.write_bytes(b"\xff\x00 no line of a journal\n" * 100)
    lab.run(odd.uid).snapshot.write_text("[]")
    lab.run(odd.uid).output.write_bytes(b"\xff\xfe")
    await current(ask, 2)
    assert {item["name"] for item in (await ask("runs"))["items"]} == {"good", "odd"}
    status, told = await problem("runs", bad.uid)
    assert (status, told["code"]) == (500, "store_corrupt")
    assert told["hint"]
    for part in ("metrics", "log", "code", "environment", "artifacts"):
        await ask("runs", odd.uid, part)
    assert (await problem("runs", odd.uid, "output"))[0] in (404, 500)
    compared = await ask("comparisons", uids=[good.uid, odd.uid])
    assert len(compared["runs"]) == 2


async def test_a_broken_mlflow_store_changes_nothing_here(ask: Ask, lab: LabPaths, record: Record) -> None:
    run = record(name="kept")
    lab.database.parent.mkdir(parents=True, exist_ok=True)
    lab.database.write_bytes(b"garbage" * 1000)
    await current(ask, 1)
    assert (await ask("runs"))["items"][0]["uid"] == run.uid
    changed = await ask("runs", run.uid, verb="PATCH", body={"tags": {"team": "bio"}})
    assert changed["tags"]["team"] == "bio"


async def test_half_a_labnb_toml_is_told_and_the_runs_are_shown(ask: Ask, lab: LabPaths, record: Record) -> None:
    run = record()
    (lab.root / "labnb.toml").write_text("[tracking\nuri = ")
    await current(ask, 1)
    assert (await ask("runs"))["items"][0]["uid"] == run.uid
    assert "labnb.toml" in (await ask("targets"))["message"]


async def test_a_run_that_is_removed_while_it_is_shown(ask: Ask, problem: Ask, lab: LabPaths, record: Record) -> None:
    gone, kept = record(metrics={"a": 1.0}), record(metrics={"a": 2.0})
    await current(ask, 2)
    assert (await ask("runs", gone.uid))["uid"] == gone.uid
    shutil.rmtree(lab.run(gone.uid).folder)
    for part in ((), ("log",), ("metrics",), ("output",), ("code",), ("environment",), ("artifacts",)):
        status, told = await problem("runs", gone.uid, *part)
        assert (status, told["code"]) == (404, "not_found"), part
    await current(ask, 1)
    compared = await ask("comparisons", uids=[gone.uid, kept.uid])
    assert compared["missing"] == [gone.uid]
    assert [run["uid"] for run in compared["runs"]] == [kept.uid]


async def test_names_are_only_names(ask: Ask, jp_fetch: Any, record: Record) -> None:
    made = {}
    for at, text in enumerate(NASTY):
        name = text if at != len(NASTY) - 1 else text.replace("\ud800", "�")
        run = record(
            name=name, params={name: name}, tags={"t": name}, metrics={name: float(at)}, notebook=f"{name}.ipynb"
        )
        made[run.uid] = name
    await current(ask, len(NASTY))
    for item in (await ask("runs"))["items"]:
        assert item["params"] == {made[item["uid"]]: made[item["uid"]]}
    columns = {
        column["name"]: column["key"] for column in (await ask("runs/columns"))["items"] if column["kind"] == "metrics"
    }
    for uid, name in made.items():
        if "\x00" in name or "`" in name:
            continue  # no filter can say these
        escaped = name.replace("'", "''")
        assert [item["uid"] for item in (await ask("runs", filter=f"name = '{escaped}'"))["items"]] == [uid]
        page = await ask("runs", order_by=f"{columns[name]} DESC", limit=1)
        assert page["items"][0]["uid"] == uid
    answer = await jp_fetch("labnb", "api", "runs")  # nothing that a browser would draw
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_log_of_fifty_megabytes_in_one_line(ask: Ask, lab: LabPaths) -> None:
    run = Recorded(lab)
    run.folder.paths.log.write_bytes(b"x" * 50_000_000)
    run.end()
    assert len((await ask("runs", run.uid, "log"))["text"]) <= 262_144
    assert RunFolder(lab.run(run.uid)).read().status.ended
