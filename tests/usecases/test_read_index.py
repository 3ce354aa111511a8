"""The index follows the run folders: made, changed, killed, removed, damaged; and it rests when nothing happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.lab import Lab, open_lab
from labnb.model.api_runs import RunsQuery
from labnb.model.run import RunStatus
from labnb.ports.curves import Window
from labnb.runfolder.paths import write_atomic
from labnb.usecases.read_index import ReadIndex
from tests.runs import Recorded
from tests.waiting import wait_until


class Told:
    """What the index announced."""

    def __init__(self) -> None:
        self.changed: list[str] = []
        self.gone: list[str] = []
        self.calls = 0

    def __call__(self, changed: object, gone: object) -> None:
        self.calls += 1
        self.changed += list(changed)  # type: ignore[call-overload]
        self.gone += list(gone)  # type: ignore[call-overload]


@pytest.fixture(autouse=True)
def no_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is mended is announced; nobody has to publish it."""
    monkeypatch.setenv("LABNB_PUBLISHER", "0")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    (tmp_path / "labnb.toml").write_text("")
    return open_lab(tmp_path)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def runs(lab: Lab, told: Told) -> Iterator[ReadIndex]:
    reading = lab.many.reading(told, lambda: None)
    yield reading
    reading.close()


def statuses(runs: ReadIndex) -> dict[str, str]:
    return {item.uid: item.status.value for item in runs.page(RunsQuery()).items}


def current(runs: ReadIndex) -> bool:
    return runs.freshness().state == "current"


def test_a_project_without_runs_stays_as_it_is(lab: Lab, runs: ReadIndex) -> None:
    wait_until(lambda: current(runs))
    assert runs.page(RunsQuery()).items == []
    assert [path.name for path in lab.root.iterdir()] == ["labnb.toml"]


def test_the_first_run_of_a_project_is_noticed(lab: Lab, runs: ReadIndex, told: Told) -> None:
    wait_until(lambda: current(runs))
    run = Recorded(lab.paths)
    wait_until(lambda: statuses(runs) == {run.uid: "RUNNING"})
    since = runs.freshness().since
    run.log(3)
    wait_until(lambda: runs.freshness().since != since)
    wait_until(lambda: runs.page(RunsQuery()).items[0].metrics == {"loss": 1 / 3})
    run.end()
    wait_until(lambda: statuses(runs) == {run.uid: "FINISHED"})
    assert run.uid in told.changed
    assert runs.freshness().live


def test_a_removed_run_goes_and_a_restored_one_comes(lab: Lab, runs: ReadIndex, told: Told) -> None:
    run, other = Recorded(lab.paths).end(), Recorded(lab.paths).end()
    wait_until(lambda: len(statuses(runs)) == 2)
    aside = lab.root / "aside"
    os.rename(lab.paths.run(run.uid).folder, aside)
    wait_until(lambda: list(statuses(runs)) == [other.uid])
    assert told.gone == [run.uid]
    os.rename(aside, lab.paths.run(run.uid).folder)
    wait_until(lambda: len(statuses(runs)) == 2)


def test_a_killed_run_is_told_though_no_file_changes(lab: Lab, runs: ReadIndex) -> None:
    program = (
        "import time; from tests.runs import Recorded; from labnb.lab import open_lab; "
        f"print(Recorded(open_lab({str(lab.root)!r}).paths).uid, flush=True); time.sleep(60)"
    )
    place = Path(__file__).parent.parent.parent
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=place) as child:
        assert child.stdout is not None
        uid = child.stdout.readline().strip()
        wait_until(lambda: statuses(runs) == {uid: "RUNNING"})
        child.kill()
    wait_until(lambda: statuses(runs) == {uid: "KILLED"})


def test_a_run_edited_behind_its_back_is_seen_when_it_is_announced(lab: Lab, runs: ReadIndex) -> None:
    run = Recorded(lab.paths, name="before").end()
    wait_until(lambda: current(runs) and statuses(runs))
    path = lab.paths.run(run.uid).run
    path.write_text(path.read_text().replace('"name": "before"', '"name": "after"'))
    (lab.paths.queue / run.uid).unlink()
    wait_until(lambda: runs.page(RunsQuery()).items[0].name == "after")


def test_a_damaged_record_hides_no_other(lab: Lab, runs: ReadIndex) -> None:
    good, bad = Recorded(lab.paths).end(), Recorded(lab.paths).end()
    lab.paths.run(bad.uid).run.write_text("{ half")
    odd = Recorded(lab.paths).end()
    data = json.loads(lab.paths.run(odd.uid).run.read_text())
    lab.paths.run(odd.uid).run.write_text(json.dumps({**data, "started": "yesterday", "metrics": {"a": "x"}}))
    wait_until(lambda: list(statuses(runs)) == [good.uid])


def test_what_happened_while_nobody_kept_it_is_caught_up(lab: Lab, told: Told) -> None:
    first = lab.many.reading(told, lambda: None)
    runs = [Recorded(lab.paths, name=f"{n}").end() for n in range(5)]
    wait_until(lambda: len(statuses(first)) == 5)
    first.close()
    shutil.rmtree(lab.paths.run(runs[0].uid).folder)
    Recorded(lab.paths, name="new").end()
    second_lab = open_lab(lab.root)
    second = second_lab.many.reading(told, lambda: None)
    wait_until(lambda: current(second))
    assert sorted(item.name for item in second.page(RunsQuery()).items) == ["1", "2", "3", "4", "new"]
    second.close()


def test_two_servers_keep_one_index(lab: Lab, runs: ReadIndex) -> None:
    other = open_lab(lab.root).many.reading(Told(), lambda: None)
    made = [Recorded(lab.paths).end() for _ in range(30)]
    wait_until(lambda: len(statuses(runs)) == len(statuses(other)) == 30)
    made[0].folder.mark_end(RunStatus.FINISHED)
    other.close()


def test_a_thousand_lines_a_second_are_few_rounds(lab: Lab, runs: ReadIndex, told: Told) -> None:
    run = Recorded(lab.paths)
    wait_until(lambda: statuses(runs) == {run.uid: "RUNNING"})
    before, begun = told.calls, time.monotonic()
    while time.monotonic() - begun < 2:
        run.journal.metrics({"loss": time.monotonic()})
        time.sleep(0.001)
    run.journal.metrics({"loss": -1.0})
    wait_until(lambda: runs.page(RunsQuery()).items[0].metrics == {"loss": -1.0})
    assert told.calls - before < 20


def test_many_runs_are_loaded_newest_first(lab: Lab, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    from labnb.usecases import read_index_keeper

    monkeypatch.setattr(read_index_keeper, "MANY", 20)
    monkeypatch.setattr(read_index_keeper, "FIRST", 5)
    made = [Recorded(lab.paths, name=f"{n}", params={"n": n}).end() for n in range(60)]
    reading = lab.many.reading(told, lambda: None)
    wait_until(lambda: current(reading))
    page = reading.page(RunsQuery(order_by="params.n DESC", limit=100))
    assert [item.uid for item in page.items] == [run.uid for run in reversed(made)]
    assert page.freshness.waiting == 0
    reading.close()


def test_a_job_is_followed_until_it_is_collected(lab: Lab, runs: ReadIndex, told: Told) -> None:
    run = Recorded(lab.paths)
    home = lab.paths.run(run.uid).folder / "job"
    home.mkdir()

    def job(state: str, collected: bool = False) -> None:
        text = json.dumps({"id": run.uid, "state": state, "target": "cluster", "collected": collected, "cause": "x"})
        write_atomic(home / "job.json", text)

    job("PENDING")
    wait_until(lambda: runs.page(RunsQuery()).items and runs.page(RunsQuery()).items[0].job == "PENDING")
    job("RUNNING")
    wait_until(lambda: runs.page(RunsQuery()).items[0].job == "RUNNING")
    run.end()
    (lab.paths.queue / run.uid).unlink()
    job("COMPLETED", collected=True)
    wait_until(lambda: runs.page(RunsQuery()).items[0].job == "COMPLETED")
    assert runs.page(RunsQuery()).items[0].target == "cluster"


def test_versions_of_data_are_told(lab: Lab) -> None:
    lab.paths.make()
    lab.paths.versions.write_text("")
    data = threading.Event()
    reading = lab.many.reading(Told(), lambda: None, data.set)
    wait_until(lambda: current(reading))
    time.sleep(0.1)
    with open(lab.paths.versions, "a", encoding="utf-8") as file:
        file.write("{}\n")
    assert data.wait(10)
    reading.close()


def test_at_rest_it_uses_no_processor(lab: Lab, runs: ReadIndex) -> None:
    for _ in range(20):
        Recorded(lab.paths).end()
    wait_until(lambda: current(runs) and len(statuses(runs)) == 20)
    (thread,) = [one for one in threading.enumerate() if one.name == "labnb-index"]
    clock = time.pthread_getcpuclockid(thread.ident or 0)
    time.sleep(0.5)  # what the last writes still bring
    before = time.clock_gettime(clock)
    time.sleep(2)
    assert time.clock_gettime(clock) == before


def test_long_curves_are_prepared_when_their_run_has_ended(lab: Lab, runs: ReadIndex) -> None:
    Recorded(lab.paths).log(10).end()
    long = Recorded(lab.paths)
    for step in range(45_000):
        long.journal.metrics({"loss": float(step)}, step=step)
    long.end()
    wait_until(lambda: len(statuses(runs)) == 2)
    kept = lab.paths.cache / "curves"
    wait_until(lambda: kept.is_dir() and [path.name for path in kept.iterdir()] == [long.uid])
    begun = time.process_time()
    curve = lab.many.curves.curve(long.uid, "loss", Window(points=45_000), 0.0)
    assert curve.y == [float(step) for step in range(45_000)]
    assert time.process_time() - begun < 0.2, "the journal is not read again"
