"""The publisher as a process: started by who has something to publish, one at a time, mortal and forgiving."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.adapters.mlflow.embedded import uri_of
from labnb.cli import publisher, sync
from labnb.model.run import RunStatus, time_text
from labnb.runfolder import queue
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.queue import announce, pending, publish_now, publisher_lives, touch
from tests.adapters.mlflow.conftest import EXPERIMENT, empty_store, fresh, lab, no_user, read
from tests.runs import Recorded
from tests.waiting import wait_until

__all__ = ["empty_store", "fresh", "lab", "no_user"]
ROOT = Path(__file__).parents[2]
# Seconds for what takes one where nothing else runs.
LONG = 120


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for process in found:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def own_publishers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the publishers that the code under test started."""
    monkeypatch.setattr(queue, "_started", [])
    monkeypatch.delenv(queue.SWITCH, raising=False)
    yield
    for _, _, process in queue._started:
        process.kill()
        process.wait()


def start(lab: LabPaths, processes: list[subprocess.Popen[bytes]], idle: float = 60) -> subprocess.Popen[bytes]:
    log = open(lab.home / "test.log", "ab")  # noqa: SIM115 - the process keeps it
    process = subprocess.Popen(
        [sys.executable, "-m", queue.PUBLISHER, str(lab.root)],
        env={**os.environ, publisher.IDLE_VARIABLE: str(idle)},
        stdout=log,
        stderr=log,
        cwd=ROOT,
    )
    log.close()
    processes.append(process)
    return process


def forked(lab: LabPaths, idle: float = 0.0) -> int:
    """Start a publisher that has MLflow imported already: a fork of this process."""
    pid = os.fork()
    if pid == 0:
        code = 9
        try:
            os.environ[publisher.IDLE_VARIABLE] = str(idle)
            code = publisher.main([str(lab.root)])
        finally:
            os._exit(code)
    return pid


def assert_published(lab: LabPaths, recorded: Recorded, status: str = "FINISHED") -> None:
    run = RunFolder(lab.run(recorded.uid)).read()
    assert run.published == "published"
    assert run.mlflow is not None
    held = read(run.mlflow)
    assert held.values("loss") == [value for _, value in recorded.expected()]
    assert held.status == status


def runs(lab: LabPaths) -> list[str]:
    from mlflow import MlflowClient

    client = MlflowClient(uri_of(lab))
    numbers = [experiment.experiment_id for experiment in client.search_experiments()]
    return [run.data.tags["labnb.uid"] for run in client.search_runs(numbers, max_results=1000)]


@pytest.mark.slow
def test_the_life_of_a_publisher(fresh: LabPaths, processes: list[subprocess.Popen[bytes]]) -> None:
    """In a new project: announced, followed live, idle without using the processor, woken, ended on SIGTERM."""
    from mlflow import MlflowClient

    first = Recorded(fresh, params={"lr": 0.1}).log(5)
    process = start(fresh, processes)
    wait_until(lambda: RunFolder(fresh.run(first.uid)).read().mlflow, LONG)
    link = RunFolder(fresh.run(first.uid)).read().mlflow
    assert link is not None
    client = MlflowClient(link.tracking_uri)
    assert client.get_run(link.run_id).info.status == "RUNNING"
    assert len(client.get_metric_history(link.run_id, "loss")) == 5
    first.log(3)
    wait_until(lambda: len(client.get_metric_history(link.run_id, "loss")) == 8, 20)
    first.end()
    wait_until(lambda: not pending(fresh), LONG)
    assert_published(fresh, first)
    assert link.experiment == "fresh"

    time.sleep(1)
    before = cpu(process.pid)
    time.sleep(2)
    assert cpu(process.pid) - before < 0.05
    second = Recorded(fresh).log(3).end()
    moment = time.monotonic()
    wait_until(lambda: not pending(fresh), LONG)
    assert time.monotonic() - moment < 10
    assert_published(fresh, second)
    # Another one ends at once.
    other = start(fresh, processes)
    assert other.wait(LONG) == 0
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) == 0
    assert not publisher_lives(fresh)
    assert sorted(runs(fresh)) == sorted([first.uid, second.uid])


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_several_started_at_once_in_a_new_project(fresh: LabPaths) -> None:
    recorded = [Recorded(fresh).log(10).end() for _ in range(5)]
    pids = [forked(fresh) for _ in range(4)]
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 4
    assert pending(fresh) == []
    assert sorted(runs(fresh)) == sorted(one.uid for one in recorded)
    for one in recorded:
        assert_published(fresh, one)


def kill_at_random(lab: LabPaths, kills: int, points: int, seed: int) -> None:
    chance = random.Random(seed)
    waiting = [Recorded(lab, params={"n": n}).log(points) for n in range(3)]
    waiting[0].artifact("model.bin", os.urandom(3_000_000))
    for one in waiting[:2]:
        one.end()
    moments = []
    for _ in range(kills):
        pid = forked(lab)
        moments.append(chance.random() * chance.choice([0.1, 1.0]))
        time.sleep(moments[-1])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert not publisher_lives(lab)
    print(f"seed {seed}: killed after {[round(moment, 3) for moment in moments]}")
    waiting[2].end()
    pid = forked(lab)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert pending(lab) == []
    assert sorted(runs(lab)) == sorted(one.uid for one in waiting)
    for one in waiting:
        assert_published(lab, one)


def test_killed_at_random_moments_it_goes_on(lab: LabPaths) -> None:
    kill_at_random(lab, kills=8, points=1500, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_killed_very_often(lab: LabPaths, seed: int) -> None:
    kill_at_random(lab, kills=30, points=20_000, seed=seed)


@pytest.mark.slow
def test_eight_processes_record_at_once(lab: LabPaths) -> None:
    code = (
        "import sys; from pathlib import Path; from labnb.runfolder.paths import LabPaths\n"
        "from tests.runs import Recorded; from labnb.runfolder.queue import announce, start_publisher\n"
        "import labnb.runfolder.queue as q; q.start_publisher = lambda lab: True\n"
        "lab = LabPaths(Path(sys.argv[1]))\n"
        "for _ in range(3):\n"
        "    r = Recorded(lab); announce(lab, r.uid); r.log(50); r.end(); announce(lab, r.uid)\n"
    )
    lab.home.joinpath("queue").rmdir()  # they also make the folders at once
    pid = forked(lab, idle=3)
    children = [subprocess.Popen([sys.executable, "-c", code, str(lab.root)], cwd=ROOT) for _ in range(8)]
    assert [child.wait(LONG) for child in children] == [0] * 8
    os.waitpid(pid, 0)
    if pending(lab):  # it was idle before the slowest of them began
        os.waitpid(forked(lab), 0)
    assert pending(lab) == []
    found = runs(lab)
    assert len(found) == len(set(found)) == 24
    for uid in found:
        run = RunFolder(lab.run(uid)).read()
        assert run.published == "published"
        assert run.mlflow is not None
        assert len(read(run.mlflow).points) == 50


def test_a_run_of_a_killed_kernel_is_mended(lab: LabPaths) -> None:
    recorded = Recorded(lab).log(10)
    here = Owner.this()
    recorded.folder.write(recorded.run, Owner(here.host, 2**22 + 1, f"{here.started}0"))
    os.waitpid(forked(lab), 0)
    assert_published(lab, recorded, "KILLED")
    assert RunFolder(lab.run(recorded.uid)).read().status is RunStatus.KILLED


def test_sigterm_ends_it_between_two_batches(lab: LabPaths) -> None:
    recorded = Recorded(lab).log(6000).end()
    pid = forked(lab, idle=60)
    wait_until(lambda: RunFolder(lab.run(recorded.uid)).read().mlflow, LONG)
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in (0, 3)
    os.waitpid(forked(lab), 0)
    assert_published(lab, recorded)


def test_a_corrupt_store_is_told_in_the_runs_and_rebuilt_on_request(
    lab: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Recorded(lab).log(3).end()
    os.waitpid(forked(lab), 0)
    lab.database.write_bytes(b"no database" * 100)
    (lab.mlflow / "prepared").unlink()
    monkeypatch.setattr(publisher, "PATIENCE", 0.5)
    after = Recorded(lab).log(4).end()
    assert os.waitstatus_to_exitcode(os.waitpid(forked(lab), 0)[1]) == 3
    assert after.folder.read().published == "failing"
    assert "damaged" in after.folder.paths.published.read_text()
    assert lab.database.read_bytes().startswith(b"no database")
    lab.database.rename(lab.root / "moved away")
    assert set(sync.announce_unpublished(lab)) == {before.uid, after.uid}
    assert os.waitstatus_to_exitcode(os.waitpid(forked(lab), 0)[1]) == 0
    for one in (before, after):
        assert_published(lab, one)
    assert sync.announce_unpublished(lab) == []


def test_mlflow_that_cannot_be_imported_is_told(lab: LabPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    import labnb.adapters.mlflow.prepare as prepare

    def broken(*_: object) -> None:
        raise ImportError("no module named mlflow")

    monkeypatch.setattr(prepare, "prepare_store", broken)
    monkeypatch.setattr(publisher, "PATIENCE", 0.2)
    recorded = Recorded(lab).end()
    assert os.waitstatus_to_exitcode(os.waitpid(forked(lab), 0)[1]) == 3
    assert "no module named mlflow" in recorded.folder.paths.published.read_text()


def test_announced_while_it_ends_a_run_is_not_forgotten(lab: LabPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the last look at the queue and the end of the lock, somebody announces, and sees the lock held."""
    serve, late = publisher._serve, []

    def serve_then_announce(lab: LabPaths, stop: publisher.Stop) -> dict[str, int]:
        left = serve(lab, stop)
        if not late:
            late.append(Recorded(lab).log(2).end())
        return left

    monkeypatch.setattr(publisher, "_serve", serve_then_announce)
    monkeypatch.setenv(publisher.IDLE_VARIABLE, "0")
    Recorded(lab).log(1).end()
    assert publisher.main([str(lab.root)]) == 0
    assert_published(lab, late[0])


@pytest.mark.slow
def test_sync(lab: LabPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(publisher.IDLE_VARIABLE, "1")
    assert sync.sync(LabPaths(lab.root / "nothing")) == 0
    recorded = [Recorded(lab).log(2).end() for _ in range(3)]
    for path in lab.queue.iterdir():
        path.unlink()
    assert sync.sync(lab, timeout=LONG) == 0
    for one in recorded:
        assert_published(lab, one)
    going = Recorded(lab)
    assert sync.sync(lab, timeout=1) == 0
    going.end()
    assert publish_now(lab, LONG)


def test_a_project_that_was_deleted_needs_no_publisher(lab: LabPaths) -> None:
    import shutil

    pid = forked(lab, idle=600)
    wait_until(lambda: publisher_lives(lab), LONG)
    time.sleep(0.2)
    shutil.rmtree(lab.root)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in (0, 3)
    assert not lab.root.exists()


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert publisher.main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_announce_starts_it(lab: LabPaths) -> None:
    os.environ[publisher.IDLE_VARIABLE] = "1"
    try:
        recorded = Recorded(lab, started=time_text(time.time())).end()
        for path in lab.queue.iterdir():
            path.unlink()
        assert announce(lab, recorded.uid)
        touch(lab, recorded.uid)
        assert publish_now(lab, LONG)
    finally:
        del os.environ[publisher.IDLE_VARIABLE]
    assert EXPERIMENT
    assert_published(lab, recorded)
