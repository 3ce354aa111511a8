"""What nobody meant to ask: questions made from the OpenAPI document, answered as the document says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labnb.runfolder.paths import LabPaths
from tests.runs import Recorded

TOKEN = "fuzz"
#: Questions per operation: a few in the suite, many in a soak.
FEW, MANY = 3, 150


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server of its own process, so that what blocks or breaks it is seen from outside; its project has runs."""
    root = tmp_path_factory.mktemp("fuzz")
    (root / "labnb.toml").write_text("")
    lab = LabPaths(root)
    for number in range(3):
        run = Recorded(lab, name=f"run {number} <b>'\"🦆", params={"lr": number / 10, "": "x"}, tags={"t": "ö"})
        run.log(10)
        run.artifact("a/b.txt", b"text")
        run.folder.paths.log.write_text("printed\n" * 100)
        run.end()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [f"--ServerApp.root_dir={root}", f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--no-browser"]
    words += ["--allow-root", "--ServerApp.base_url=/under/@you/", "--ServerApp.port_retries=0"]
    environment = {**os.environ, "LABNB_PUBLISHER": "0", "LABNB_FOLLOWER": "0", "HOME": str(root / "home")}
    with open(root / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *words], env=environment, cwd=root, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}/under/@you/labnb/api"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                asked = json.loads(read(f"{url}/health"))
                if asked["freshness"]["state"] == "current":
                    break
            except OSError:
                assert process.poll() is None, (root / "server.log").read_text()
            assert time.monotonic() < deadline, (root / "server.log").read_text()
            time.sleep(0.1)
        yield url, root
    finally:
        process.terminate()
        process.wait(20)


def read(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        data: bytes = answer.read()
        return data


def fuzz(url: str, root: Path, count: int, seed: int) -> int:
    """Ask each operation right and wrong questions; gives how many. The document is what answers are held against."""
    import requests
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

    checks = [not_a_server_error, response_schema_conformance, content_type_conformance]
    document = {**json.loads(read(f"{url}/openapi.json")), "servers": [{"url": url}]}
    uids = [folder.name for folder in (root / ".labnb" / "runs").iterdir()]
    session = requests.Session()
    session.headers["Authorization"] = f"token {TOKEN}"
    asked: dict[str, int] = {}

    def ask(case: Any) -> None:
        label = case.operation.label
        asked[label] = asked.get(label, 0) + 1
        if "uid" in (case.path_parameters or {}) and asked[label] % 2:
            case.path_parameters["uid"] = uids[asked[label] % len(uids)]
        case.query = {name: word for name, word in (case.query or {}).items() if name != "project"}
        answer = case.call(base_url=url, session=session, timeout=20)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"code", "message", "hint"}
        case.validate_response(answer, checks=checks)

    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        for mode in schemathesis.GenerationMode:
            try:
                cases = operation.as_strategy(generation_mode=mode)
                bounded = settings(
                    max_examples=count,
                    deadline=None,
                    phases=[Phase.generate],
                    database=None,
                    suppress_health_check=list(HealthCheck),
                )
                bounded(seeded(seed)(given(case=cases)(lambda case: ask(case))))()
            except schemathesis.errors.SchemathesisError as error:
                if "negative" not in str(error).lower():  # an operation without words has no wrong ones
                    raise
    session.close()
    assert len(asked) == sum(len(verbs) for verbs in document["paths"].values())
    return sum(asked.values())


def test_questions_made_from_the_document(server: tuple[str, Path]) -> None:
    assert fuzz(*server, FEW, seed=1) > 30 * FEW
    assert b"version" in read(f"{server[0]}/health"), "it still answers"
    log = (server[1] / "server.log").read_text()
    assert "Traceback" not in log, log


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_questions_made_from_the_document(server: tuple[str, Path]) -> None:
    print(f"{fuzz(*server, MANY, seed=int(time.time()))} questions")
    assert "Traceback" not in (server[1] / "server.log").read_text()


WRONG = [
    ("runs/%00", 404), ("runs/..%2f..%2fetc", 404), ("runs/zzzz", 404), ("runs/zzzz/log", 404), ("nothing/here", 404),
    ("", 404), ("jobs/zzzz", 404), ("datasets/zzzz", 404), ("runs?limit=0", 400), ("runs?limit=1e3", 400),
    ("runs?limit=1001", 400), ("runs?limt=1", 400), ("runs?filter=metrics.a+%3E", 400), ("runs?order_by=nope", 400),
    ("runs?cursor=abc", 400), ("runs?since=x", 400), ("runs?since=99999", 410), ("runs?archived=maybe", 400),
    ("runs?filter=%FF", 400), ("runs?filter=a%00b", 400), ("comparisons", 400), ("comparisons?uids=a", 400),
    ("comparisons?uids=aaaa&uids=bbbb", 404), ("runs?project=nope", 404), ("runs/columns?x=1", 400),
    ("runs?order_by=" + "a" * 4001, 400),
]  # fmt: skip


@pytest.mark.parametrize(("path", "status"), WRONG)
def test_wrong_questions_are_problems(server: tuple[str, Path], path: str, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        read(f"{server[0]}/{path}")
    with caught.value as answer:
        assert answer.code == status
        told = json.loads(answer.read())
    assert set(told) == {"code", "message", "hint"}
    assert told["message"]


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "POST"])
def test_a_verb_that_is_not_meant(server: tuple[str, Path], verb: str) -> None:
    words = {"Authorization": f"token {TOKEN}"}
    request = urllib.request.Request(f"{server[0]}/runs", headers=words, method=verb, data=b"{}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    with caught.value as answer:
        assert answer.code == 405
        assert answer.headers["Allow"] == "GET"
        assert json.loads(answer.read())["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[" * 100_000, 400), (b"\xff", 400), (b" " * 1_000_001, 413), (b"", 400)]
)
def test_a_body_that_is_none(server: tuple[str, Path], body: bytes, status: int) -> None:
    words = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server[0]}/comparisons", headers=words, method="POST", data=body)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    with caught.value as answer:
        assert answer.code == status
        assert set(json.loads(answer.read())) == {"code", "message", "hint"}
