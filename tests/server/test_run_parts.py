"""The parts of a run through a real server: log, outputs, artifacts, curves, code, environment."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from labnb.runfolder.paths import LabPaths
from tests.runs import Recorded

Ask = Callable[..., Awaitable[Any]]
Record = Callable[..., Recorded]
NASTY = "<img src=x onerror=alert(1)> \"quotes\" 'n' 🦆 \u202egnp.exe %2e%2e &amp;"


def append(path: Path, data: bytes, at: int | None = None) -> None:
    with open(path, "ab" if at is None else "wb") as file:
        if at is not None:
            file.seek(at)
        file.write(data)


async def test_the_log_is_followed_from_its_tail(ask: Ask, lab: LabPaths) -> None:
    run = Recorded(lab)
    log = run.folder.paths.log
    log.write_text("ä" * 50_000, encoding="utf-8")
    tail = await ask("runs", run.uid, "log", offset=-1001)
    assert tail["text"] == "ä" * 500, "a character that is cut in two is left out"
    assert tail["next"] == tail["size"] == 100_000
    assert not tail["ended"]
    append(log, "more é".encode()[:-1])
    piece = await ask("runs", run.uid, "log", offset=tail["next"])
    assert piece["text"] == "more "
    append(log, "é".encode()[-1:])
    run.folder.paths.log_tail.write_text("50 %")
    last = await ask("runs", run.uid, "log", offset=piece["next"])
    assert (last["text"], last["tail"]) == ("é", "50 %")
    pieces, at = "", 0
    while at < last["size"]:
        piece = await ask("runs", run.uid, "log", offset=at, limit=777)
        pieces, at = pieces + piece["text"], piece["next"]
    assert pieces == log.read_text(encoding="utf-8")
    run.end()
    assert (await ask("runs", run.uid, "log", offset=at))["ended"]


async def test_fifty_megabytes_of_log_are_not_read_to_show_its_end(ask: Ask, lab: LabPaths) -> None:
    run = Recorded(lab).end()
    append(run.folder.paths.log, b"the end\n", at=50_000_000)
    tail = await ask("runs", run.uid, "log", offset=-8)
    assert tail["text"] == "the end\n"
    assert tail["size"] == 50_000_008
    assert len((await ask("runs", run.uid, "log", offset=0, limit=1_000_000))["text"]) == 1_000_000


async def test_ten_thousand_artifacts_are_paged(ask: Ask, lab: LabPaths) -> None:
    run = Recorded(lab)
    for number in range(10):
        run.artifact(f"{number}/{number:05d}.txt", b"")
    for number in range(10, 10_000):
        (run.folder.paths.artifacts / f"{number % 10}" / f"{number:05d}.txt").touch()
    run.end()
    first = await ask("runs", run.uid, "artifacts", limit=1000)
    assert first["total"] == 10_000
    paths, page = [item["path"] for item in first["items"]], first
    while page["next"]:
        page = await ask("runs", run.uid, "artifacts", limit=1000, cursor=page["next"])
        paths += [item["path"] for item in page["items"]]
    assert paths == sorted(paths)
    assert len(set(paths)) == 10_000
    assert (await ask("runs", run.uid, "artifacts", filter="/00123"))["total"] == 1
    assert (await ask("runs", run.uid))["parts"]["artifacts"] == 10_000


async def test_a_file_is_downloaded_as_something_to_keep(ask: Ask, jp_fetch: Any, lab: LabPaths) -> None:
    run = Recorded(lab)
    content = bytes(range(256)) * 4000
    run.artifact(f"plots/{NASTY.replace('/', '')}.svg", content)
    run.end()
    (item,) = (await ask("runs", run.uid, "artifacts"))["items"]
    path = ("labnb", "api", "runs", run.uid, "artifacts", item["id"])
    answer = await jp_fetch(*path)
    assert answer.body == content
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%3Cimg")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    part = await jp_fetch(*path, headers={"Range": "bytes=10-19"})
    assert (part.code, part.body, part.headers["Content-Range"]) == (206, content[10:20], "bytes 10-19/1024000")
    assert (await jp_fetch(*path, headers={"Range": "bytes=-5"})).body == content[-5:]
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(*path, headers={"Range": "bytes=9999999-"})
    assert caught.value.code == 416


async def test_nothing_outside_the_artifacts_is_served(ask: Ask, problem: Ask, lab: LabPaths) -> None:
    run = Recorded(lab)
    run.artifact("inside.txt", b"x")
    (lab.root / "secret.txt").write_text("secret")
    (run.folder.paths.artifacts / "link.txt").symlink_to(lab.root / "secret.txt")
    (run.folder.paths.artifacts / "folder").symlink_to(lab.root)
    run.end()
    assert [item["path"] for item in (await ask("runs", run.uid, "artifacts"))["items"]] == ["inside.txt"]
    for number in ("inside.txt", "..%2Frun.json", "%2e%2e", "0" * 24, "..."):
        status, told = await problem("runs", run.uid, "artifacts", number)
        assert (status, told["code"]) == (404, "not_found")


async def test_curves_are_reduced_and_zoomed(ask: Ask, lab: LabPaths) -> None:
    run = Recorded(lab)
    for step in range(20_000):
        run.journal.metrics({"loss": 1 / (step + 1) if step != 12_345 else 99.0}, step=step)
    run.journal.metrics({"acc": float("nan")}, step=0)
    run.journal.metrics({"acc": 0.5}, step=1)
    run.end()
    curves = await ask("runs", run.uid, "metrics", names="loss", points=500)
    (curve,) = curves["items"]
    assert curves["names"] == ["loss", "acc"]
    assert len(curve["x"]) == len(curve["y"]) <= 500
    assert (curve["total"], curve["whole"]) == (20_000, False)
    assert 99.0 in curve["y"], "the one peak stays"
    assert (curve["x"][0], curve["x"][-1]) == (0, 19_999)
    (part,) = (await ask("runs", run.uid, "metrics", names="loss", start=12_000, end=12_400))["items"]
    assert part["whole"]
    assert part["total"] == 401
    assert (part["x"][0], part["x"][-1]) == (11_999, 12_401), "one beyond each end, for the line to the edge"
    (gap,) = (await ask("runs", run.uid, "metrics", names="acc", x="relative"))["items"]
    assert gap["y"] == [None, 0.5]
    assert 0 < gap["x"][0] < 60
    assert (await ask("runs", run.uid, "metrics", names="unknown"))["items"] == []


async def test_code_environment_and_outputs(ask: Ask, problem: Ask, lab: LabPaths) -> None:
    runs = []
    for lr, version in (("0.1", "1.0"), ("0.2", "2.0")):
        run = Recorded(lab, source=f"lr = {lr}")
        run.folder.paths.script.write_text(f"import numpy\nlr = {lr}\nprint({NASTY!r})\n")
        lock = [f"numpy=={version}", "same==1"]
        snapshot = {"code": {"commit": "c" * 40, "dirty": True, "branch": "main"}}
        snapshot["environment"] = {"python": "3.11.7", "platform": "Linux", "lock": lock, "hardware": {"gpus": []}}
        run.folder.paths.snapshot.write_text(json.dumps(snapshot))
        runs.append(run.end())
    one, two = runs
    code = await ask("runs", two.uid, "code", against=one.uid)
    assert "-lr = 0.1" in code["diff"]
    assert "+lr = 0.2" in code["diff"]
    assert (code["commit"], code["dirty"], code["same"]) == ("c" * 40, True, False)
    assert (await ask("runs", two.uid, "code", against=two.uid))["same"]
    environment = await ask("runs", two.uid, "environment", against=one.uid)
    assert environment["changes"] == [{"name": "numpy", "before": "1.0", "after": "2.0"}]
    status, told = await problem("runs", one.uid, "output")
    assert (status, told["code"]) == (404, "not_found")
    one.folder.paths.output.write_text('{"cells": []}')
    assert await ask("runs", one.uid, "output") == {"cells": []}


async def test_big_answers_are_compressed(ask: Ask, jp_fetch: Any, record: Record) -> None:
    run = record(params={f"name {number}": "x" * 100 for number in range(200)})
    answer = await jp_fetch(
        "labnb", "api", "runs", run.uid, headers={"Accept-Encoding": "gzip"}, decompress_response=False
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 3000
    assert len((await ask("runs", run.uid))["params"]) == 200


async def test_values_that_json_has_no_word_for(ask: Ask, record: Record) -> None:
    run = record(metrics={"a": float("nan"), "b": float("-inf")}, params={"p": float("inf"), NASTY: NASTY})
    detail = await ask("runs", run.uid)
    assert detail["metrics"] == {"a": "NaN", "b": "-Infinity"}
    assert detail["params"] == {"p": "Infinity", NASTY: NASTY}
