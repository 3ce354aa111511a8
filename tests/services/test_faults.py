"""A bad network: whatever it does, the server has the run once and whole in the end, and nobody else waits for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.adapters.mlflow import http
from labnb.adapters.mlflow.embedded import uri_of
from labnb.adapters.mlflow.store import MlflowResultStore
from labnb.cli import publisher, stores
from labnb.cli.sync import announce_unpublished, sync
from labnb.model.errors import StoreUnreachable
from labnb.runfolder import gate, queue
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.gate import Gate
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import EMBEDDED, Published
from labnb.runfolder.queue import announce, pending, publisher_lives, stop_publisher
from labnb.testing.result_store import MemoryResultStore, example_run
from labnb.usecases.publish_queue import Desk, Pass, StoreQueue, take_away
from tests.adapters.mlflow.conftest import read
from tests.runs import Recorded
from tests.services.checks import assert_same, runs_of
from tests.services.mlflow_server import MlflowServer, free_port
from tests.services.proxy import Proxy
from tests.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("mlflow servers"), pytest.mark.slow]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of a tenth of a second, answers within two seconds."""
    monkeypatch.setattr(gate, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(gate, "LONGEST_RETRY", 0.1)
    monkeypatch.setattr(http, "FILE_ANSWER", 2.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")


def publish(lab: LabPaths, uri: str, seconds: float = 60) -> list[Pass]:
    """Give one store its turns until it has everything."""
    desk = Desk(lab, lambda run: [uri])
    mine = StoreQueue(lab, uri, lambda: MlflowResultStore(uri, None, "faults"))
    passes = []
    deadline = time.monotonic() + seconds
    while pending(lab):
        assert time.monotonic() < deadline, passes[-3:]
        waiting, _ = desk.look()
        passes.append(mine.turn(waiting))
        take_away(desk, waiting, {uri: mine})
        if passes[-1].again is not None:
            time.sleep(min(max(passes[-1].again - time.time(), 0.0), 0.2))
    return passes


FAULTS: dict[str, list[tuple[str, str, dict[str, object]]]] = {
    "refused": [("refuse", "", {"times": 5})],
    "500 to everything for a while": [("answer", "", {"times": 6, "status": 500})],
    "502 in the middle": [("answer", "log-batch", {"times": 3, "status": 502})],
    "the answer to create is lost": [("lose answer", "runs/create", {"times": 1})],
    "the answer to log-batch is lost": [("lose answer", "runs/log-batch", {"times": 3})],
    "the answer to the end is lost": [("lose answer", "runs/update", {"times": 2})],
    "no answer in time": [("silent", "log-batch", {"times": 1, "seconds": 4.0})],
    "slow answers": [("slow", "", {"times": 10, "seconds": 0.2})],
    "cut in the middle of an upload": [("cut", "PUT .*model", {"times": 2, "after": 1_000_000})],
    "an upload that is half-closed": [("half-close", "PUT .*model", {"times": 2, "after": 1_500_000})],
    "an upload that nobody confirms": [("lose answer", "PUT", {"times": 2})],
    "a batch that is half-closed": [("half-close", "log-batch", {"times": 2, "after": 5_000})],
    "everything a little": [
        ("refuse", "", {"times": 1}),
        ("lose answer", "create", {"times": 1}),
        ("answer", "log-batch", {"times": 1, "status": 429}),
        ("cut", "PUT", {"times": 1, "after": 10}),
        ("answer", "search", {"times": 2, "status": 503}),
        ("lose answer", "update", {"times": 1}),
    ],
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("name", FAULTS)
def test_whole_and_once_in_the_end(lab: LabPaths, server: MlflowServer, proxy: Proxy, name: str) -> None:
    recorded = Recorded(lab, params={"lr": 0.1}).log(2500)
    recorded.artifact("model.bin", os.urandom(3_000_000))
    recorded.artifact("notes.txt", b"hello")
    recorded.end()
    for kind, request, options in FAULTS[name]:
        proxy.fault(kind, request, **options)
    publish(lab, proxy.uri)
    assert all(fault.times == 0 for fault in proxy.faults), "a fault never happened"
    assert_same(lab, recorded.uid, server.uri)
    assert recorded.folder.read().published == "published"


@pytest.mark.usefixtures("hasty")
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(lab: LabPaths, proxy: Proxy) -> None:
    proxy.fault("answer", status=429, headers="Retry-After: 300\r\n", times=-1)
    recorded = Recorded(lab).log(1).end()
    others = [Recorded(lab).end() for _ in range(3)]
    desk = Desk(lab, lambda run: [proxy.uri])
    mine = StoreQueue(lab, proxy.uri, lambda: MlflowResultStore(proxy.uri, None, "faults"))
    result = mine.turn(desk.look()[0])
    assert result.again is not None
    assert 290 < result.again - time.time() < 301
    asked = len(proxy.requests)
    assert asked == 1
    for _ in range(3):
        mine.turn(desk.look()[0])
    # Nor does a publisher that starts anew.
    again = StoreQueue(lab, proxy.uri, lambda: MlflowResultStore(proxy.uri, None, "faults"))
    again.turn(desk.look()[0])
    assert len(proxy.requests) == asked
    for one in (recorded, *others):
        run = one.folder.read()
        assert run.published == "failing"
        assert "is busy (HTTP 429" in run.published_why


@pytest.mark.usefixtures("hasty")
def test_one_run_that_makes_the_server_stumble_holds_up_no_other(
    lab: LabPaths, server: MlflowServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Recorded(lab).log(2)
    first.artifact("poison.bin", b"x")
    first.end()
    others = [Recorded(lab).log(2).end() for _ in range(3)]
    proxy.fault("answer", "PUT .*poison", times=-1, status=500)
    with pytest.raises(AssertionError):
        publish(lab, proxy.uri, seconds=8)
    assert pending(lab) == [first.uid]
    for one in others:
        assert_same(lab, one.uid, server.uri)
    assert "in trouble (HTTP 500" in first.folder.read().published_why


def test_no_long_waits_within_mlflow(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    proxy.fault("silent", times=-1, seconds=30)
    store = MlflowResultStore(proxy.uri, None, "faults")
    begun = time.monotonic()
    with pytest.raises(StoreUnreachable, match="no answer in time"):
        store.open(example_run())
    assert time.monotonic() - begun < 5
    assert len(proxy.requests) == 1
    begun = time.monotonic()
    with pytest.raises(StoreUnreachable, match="nobody listens there"):
        MlflowResultStore(f"http://127.0.0.1:{free_port()}", None, "x").open(example_run())
    assert time.monotonic() - begun < 2
    with pytest.raises(StoreUnreachable, match="there is no such host"):
        MlflowResultStore("http://nowhere.invalid:5000", None, "x").open(example_run())


# --- the publisher as a process ------------------------------------------------------------------


@pytest.fixture
def own_publishers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the publishers that the code under test started."""
    monkeypatch.setattr(queue, "_started", [])
    monkeypatch.delenv(queue.SWITCH, raising=False)
    monkeypatch.setenv(publisher.IDLE_VARIABLE, "60")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    yield
    for _, _, process in queue._started:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.usefixtures("own_publishers")
def test_a_dead_server_delays_nobody(
    lab: LabPaths,
    server: MlflowServer,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The embedded store has everything within seconds, a cell waits for nothing, and everything arrives afterwards."""
    proxy.fault("silent", times=-1, seconds=30)
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{proxy.uri.replace("://", "://ann:pass-word@")}"\n')
    monkeypatch.setenv("LABNB_PUBLISHER", "1")
    runs, waits = [], []
    for number in range(5):
        one = Recorded(lab, params={"n": number}).log(10).end()
        begun = time.perf_counter()
        assert announce(lab, one.uid)
        waits.append(time.perf_counter() - begun)
        runs.append(one)
    assert max(waits) < 0.05
    wait_until(lambda: all(state_of(lab, one, EMBEDDED) for one in runs), 90)
    later = Recorded(lab).log(3).end()
    announce(lab, later.uid)
    assert wait_until(lambda: state_of(lab, later, EMBEDDED), 60) < 10
    wait_until(lambda: later.folder.read().published == "failing", 60)
    assert "no answer in time" in later.folder.read().published_why
    # By hand: it says which store, and why, and its exit code says it too.
    assert sync(lab, timeout=60) == 3
    told = capsys.readouterr()
    assert f"6 wait for {proxy.uri}" in told.out
    assert f"labnb: {proxy.uri}: The MLflow store {proxy.uri} does not answer: no answer in time." in told.err
    assert "pass-word" not in told.out + told.err
    proxy.faults.clear()
    assert sync(lab, timeout=90) == 0
    for one in (*runs, later):
        assert_same(lab, one.uid, server.uri)
        assert one.folder.read().published == "published"
        states = Published.read(one.folder.paths.published).stores
        assert list(states) == [EMBEDDED, proxy.uri]
        link = states[EMBEDDED].link
        assert link is not None
        assert read(link).values("loss") == [value for _, value in one.expected()]
    for path in lab.home.rglob("*"):
        if path.is_file():
            assert b"pass-word" not in path.read_bytes(), path
    shown = b"".join(Path(f"/proc/{process.pid}/cmdline").read_bytes() for _, _, process in queue._started)
    assert str(lab.root).encode() in shown
    assert b"pass-word" not in shown


def state_of(lab: LabPaths, one: Recorded, name: str) -> str:
    found = Published.read(one.folder.paths.published).stores.get(name)
    return found.copied if found else ""


@pytest.mark.usefixtures("own_publishers")
def test_the_store_of_the_kernel_goes_over_the_settings(lab: LabPaths, server: MlflowServer) -> None:
    """A publisher that another kernel started publishes to the store that this run's kernel named."""
    first = Recorded(lab).log(2).end()
    announce(lab, first.uid)
    wait_until(lambda: not pending(lab), 60)
    assert list(Published.read(first.folder.paths.published).stores) == [EMBEDDED]
    second = Recorded(lab).log(2)
    second.folder.write_tracking(server.uri)
    announce(lab, second.uid)
    wait_until(
        lambda: runs_of(server.uri, second.uid) and len(runs_of(server.uri, second.uid)[0].data.metrics) == 1, 60
    )
    assert runs_of(server.uri, second.uid)[0].info.status == "RUNNING"
    second.log(4).end()
    announce(lab, second.uid)
    wait_until(lambda: not pending(lab), 60)
    assert_same(lab, second.uid, server.uri)
    # The settings name the server now: what was published here only goes there as well.
    (lab.root / "labnb.toml").write_text(f'[tracking]\nuri = "{server.uri}"\n')
    assert announce_unpublished(lab) == [first.uid]
    wait_until(lambda: not pending(lab), 60)
    assert_same(lab, first.uid, server.uri)
    assert publisher_lives(lab)
    assert stop_publisher(lab)
    wait_until(lambda: not publisher_lives(lab), 60)


@pytest.mark.usefixtures("own_publishers")
def test_another_mlflow_store_on_this_machine(lab: LabPaths, tmp_path: Path) -> None:
    (lab.root / "labnb.toml").write_text('[tracking]\nuri = "sqlite:///shared.db"\nexperiment = "ours"\n')
    one = Recorded(lab).log(20)
    one.artifact("a.txt", b"a")
    one.end()
    assert sync(lab, timeout=90) == 0
    run = one.folder.read()
    assert run.mlflow is not None
    assert run.mlflow.tracking_uri == f"sqlite:///{lab.root}/shared.db"
    assert run.mlflow.experiment == "ours"
    assert len(read(run.mlflow).points) == 20


def test_faces_say_how_far_it_is(lab: LabPaths, capsys: pytest.CaptureFixture[str]) -> None:
    from labnb.cli.main import main
    from labnb.model.card import to_text

    one = Recorded(lab).end()
    assert main(["-C", str(lab.root), "runs"]) == 0
    assert capsys.readouterr().out.splitlines()[2].endswith("local")
    Gate(lab, "http://lab").fail("store_unreachable", "The MLflow store http://lab does not answer.", 100.0)
    desk = Desk(lab, lambda run: [EMBEDDED, "http://lab"])
    here = StoreQueue(lab, EMBEDDED, MemoryResultStore)
    there = StoreQueue(lab, "http://lab", MemoryResultStore)
    waiting, _ = desk.look()
    here.turn(waiting)
    there.turn(waiting)
    main(["-C", str(lab.root), "runs"])
    assert "failing: The MLflow store http://lab does not answer." in capsys.readouterr().out
    main(["-C", str(lab.root), "show", one.uid])
    assert "published: failing: The MLflow store http://lab does not answer." in capsys.readouterr().out
    assert "published: failing" in to_text(one.folder.read())
    main(["-C", str(lab.root), "show", one.uid, "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert (shown["published"], shown["published_why"]) == ("failing", "The MLflow store http://lab does not answer.")
    Gate(lab, "http://lab").open()
    queue.touch(lab, one.uid)
    waiting, _ = desk.look()
    there.turn(waiting)
    main(["-C", str(lab.root), "runs"])
    assert "published" not in capsys.readouterr().out


def test_the_kernel_asks_no_store(lab: LabPaths) -> None:
    """What announces a run neither imports MLflow nor opens a connection."""
    script = (
        "import sys, socket; from pathlib import Path; from labnb.lab import Lab\n"
        "socket.socket.connect = None\n"
        "Lab(Path(sys.argv[1])).announce(sys.argv[2]); print('mlflow' in sys.modules)"
    )
    one = Recorded(lab).end()
    env = {**os.environ, "LABNB_PUBLISHER": "0", "MLFLOW_TRACKING_URI": "http://ann:pw@lab:5000"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(lab.root), one.uid],
        capture_output=True,
        text=True,
        check=True,
        env=env,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "False"
    assert RunFolder(lab.run(one.uid)).tracking() == "http://lab:5000"
    assert re.search("sqlite", uri_of(lab))
    assert (
        stores.with_login("http://lab:5000", stores.Config("x", "http://ann:pw@lab:5000")) == "http://ann:pw@lab:5000"
    )
