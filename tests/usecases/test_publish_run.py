"""Publishing: once, step by step, resumed wherever it stopped, and never at the cost of another store."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labnb.model.errors import NotFound, StoreCorrupt, StoreUnreachable
from labnb.model.run import MlflowLink, RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.gate import LONGEST_RETRY
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published
from labnb.runfolder.queue import pending, touch
from labnb.testing.result_store import Held, MemoryResultStore, ResultStoreContract
from labnb.usecases import publish_run as module
from labnb.usecases.mend_run import mend_run
from labnb.usecases.publish_queue import publish_queue
from labnb.usecases.publish_run import NamedStore, publish_run
from tests.runs import Recorded


@pytest.fixture
def lab(tmp_path: Path) -> LabPaths:
    paths = LabPaths(tmp_path)
    paths.make()
    return paths


@pytest.fixture
def store() -> MemoryResultStore:
    return MemoryResultStore()


@pytest.fixture
def look(store: MemoryResultStore) -> Callable[[MlflowLink], Held]:
    return lambda link: store.runs[link.run_id]


class TestTheFakeKeepsTheContract(ResultStoreContract):
    pass


def named(*stores: MemoryResultStore) -> list[NamedStore]:
    names = ("embedded", "lab", "third")
    return [NamedStore(name, store) for name, store in zip(names, stores, strict=False)]


def held(store: MemoryResultStore, recorded: Recorded) -> Held:
    (found,) = [one for one in store.runs.values() if one.uid == recorded.uid]
    return found


def assert_equal(store: MemoryResultStore, recorded: Recorded) -> None:
    found = held(store, recorded)
    assert [value for _, value in recorded.expected()] == found.values("loss")
    assert found.status == recorded.run.status.value
    assert found.params == {name: str(value) for name, value in recorded.run.params.items()}
    files = {path.relative_to(recorded.folder.paths.artifacts): path for path in _files(recorded)}
    for name, path in files.items():
        assert found.artifacts[name.as_posix()] == path.read_bytes()
    assert json.loads(found.artifacts["labnb/run.json"])["uid"] == recorded.uid


def _files(recorded: Recorded) -> list[Path]:
    return [path for path in recorded.folder.paths.artifacts.rglob("*") if path.is_file()]


def test_an_ended_run_is_copied_whole_and_once(lab: LabPaths, store: MemoryResultStore) -> None:
    recorded = Recorded(lab, params={"lr": 0.1}).log(2500)
    recorded.artifact("plots/a b.png", b"png")
    recorded.end()
    assert publish_run(lab, recorded.uid, named(store)).done
    assert_equal(store, recorded)
    calls = len(store.calls)
    assert publish_run(lab, recorded.uid, named(store)).done
    assert len(store.calls) == calls
    run = recorded.folder.read()
    assert run.published == "published"
    assert run.mlflow is not None
    assert run.mlflow.run_id in store.runs


def test_a_run_is_followed_while_it_goes_on(
    lab: LabPaths, store: MemoryResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Recorded(lab, params={"lr": 0.1}).log(3)
    progress = publish_run(lab, recorded.uid, named(store))
    assert not progress.done
    assert progress.again is None
    assert len(held(store, recorded).values("loss")) == 3
    assert recorded.folder.read().published == "publishing"
    with monkeypatch.context() as nothing_new:
        nothing_new.delattr(MemoryResultStore, "open")
        nothing_new.delattr(MemoryResultStore, "identity")
        assert not publish_run(lab, recorded.uid, named(store)).asked
    recorded.log(4)
    recorded.journal.add("param", name="late", value=7)
    publish_run(lab, recorded.uid, named(store))
    assert len(held(store, recorded).points) == 7
    assert held(store, recorded).params == {"lr": "0.1", "late": "7"}
    assert held(store, recorded).status == "RUNNING"
    recorded.end(params={"lr": 0.1, "late": 7})
    assert publish_run(lab, recorded.uid, named(store)).done
    assert_equal(store, recorded)


def test_an_unfinished_line_waits(lab: LabPaths, store: MemoryResultStore) -> None:
    recorded = Recorded(lab).log(2)
    with open(recorded.folder.paths.journal, "ab") as file:
        file.write(b'{"k":"metric","t":1700000000.0,"s":2,"v":{"lo')
    publish_run(lab, recorded.uid, named(store))
    assert len(held(store, recorded).points) == 2
    with open(recorded.folder.paths.journal, "ab") as file:
        file.write(b'ss":0.25}}\n')
    recorded.end()
    publish_run(lab, recorded.uid, named(store))
    assert_equal(store, recorded)


@pytest.mark.parametrize("seed", range(20))
def test_resumed_after_failures_anywhere(lab: LabPaths, store: MemoryResultStore, seed: int) -> None:
    chance = random.Random(seed)
    recorded = Recorded(lab, params={"lr": 0.1}).log(1000)

    def fail(call: str) -> None:
        if chance.random() < 0.3:
            raise chance.choice([StoreUnreachable("away"), KeyboardInterrupt()])

    for attempt in range(200):
        if attempt == 5:
            recorded.log(3500)
            recorded.artifact("model.bin", os.urandom(1000))
            recorded.end()
        store.before = fail
        try:
            done = publish_run(lab, recorded.uid, named(store)).done
        except KeyboardInterrupt:  # the process is stopped: nothing of what it knew is left
            done = False
        forget_waiting(recorded)
        if done:
            break
    assert_equal(store, recorded)


def forget_waiting(recorded: Recorded) -> None:
    published = Published.read(recorded.folder.paths.published)
    for state in published.stores.values():
        state.retry_at = 0.0
    published.write(recorded.folder.paths.published)


def test_a_store_that_is_away_does_not_hold_up_another(lab: LabPaths) -> None:
    here, away = MemoryResultStore("here"), MemoryResultStore("away")

    def fail(call: str) -> None:
        raise StoreUnreachable("The server does not answer.")

    away.before = fail
    recorded = Recorded(lab).log(10).end()
    progress = publish_run(lab, recorded.uid, named(here, away))
    assert not progress.done
    assert progress.again is not None
    assert time.time() < progress.again < time.time() + 2
    assert recorded.folder.read().published_why == "The server does not answer."
    assert_equal(here, recorded)
    assert recorded.folder.read().published == "failing"
    waits = []
    for _ in range(9):
        forget_waiting(recorded)
        waits.append((publish_run(lab, recorded.uid, named(here, away)).again or 0) - time.time())
    for wait, about in zip(waits, [2, 4, 8, 16, 32, 60, 60, 60, 60], strict=True):
        assert 0.75 * about < wait < min(1.25 * about, LONGEST_RETRY + 1)
    calls = len(here.calls)
    away.before = lambda call: None
    assert not publish_run(lab, recorded.uid, named(here, away)).done  # its time has not come
    forget_waiting(recorded)
    assert publish_run(lab, recorded.uid, named(here, away)).done
    assert_equal(away, recorded)
    assert len(here.calls) == calls
    assert recorded.folder.read().published == "published"


def test_a_store_made_anew_gets_everything_again(lab: LabPaths) -> None:
    recorded = Recorded(lab).log(1500).end()
    publish_run(lab, recorded.uid, named(MemoryResultStore("old")))
    new = MemoryResultStore("new")
    assert publish_run(lab, recorded.uid, named(new)).done
    assert_equal(new, recorded)


def test_a_run_that_the_cell_opened_itself_is_left_alone_until_it_ends(lab: LabPaths, store: MemoryResultStore) -> None:
    recorded = Recorded(lab).log(10)
    copy = store.open(recorded.run).link
    publish_run(lab, recorded.uid, named(store))
    assert len(store.runs[copy.run_id].points) == 10
    # The cell's code opens the run: the store prefers that one, and takes its own copy away.
    del store.runs[copy.run_id]
    link = store.open(recorded.run).link
    store.joined.add(link.run_id)
    publish_run(lab, recorded.uid, named(store))
    assert store.runs[link.run_id].points == set()
    recorded.end()
    publish_run(lab, recorded.uid, named(store))
    assert_equal(store, recorded)


def test_a_run_deleted_in_the_store_stays_deleted(lab: LabPaths, store: MemoryResultStore) -> None:
    def gone(call: str) -> None:
        raise NotFound("deleted there")

    store.before = gone
    recorded = Recorded(lab).end()
    assert publish_run(lab, recorded.uid, named(store)).done


def test_a_long_run_lets_others_have_their_turn(lab: LabPaths, store: MemoryResultStore) -> None:
    recorded = Recorded(lab).log(5000).end()
    turns = 0
    while not publish_run(lab, recorded.uid, named(store), turn=0.0).done:
        turns += 1
    assert turns == 4
    assert_equal(store, recorded)


def test_told_to_stop_it_stops_between_batches(lab: LabPaths, store: MemoryResultStore) -> None:
    recorded = Recorded(lab).log(5000).end()
    assert not publish_run(lab, recorded.uid, named(store), stopping=lambda: True).done
    assert len(held(store, recorded).points) == module.BATCH


def test_a_damaged_state_is_forgotten(lab: LabPaths, store: MemoryResultStore) -> None:
    recorded = Recorded(lab).log(10).end()
    publish_run(lab, recorded.uid, named(store))
    recorded.folder.paths.published.write_text('{"stores": {"embedded": 5}}')
    assert publish_run(lab, recorded.uid, named(store)).done
    assert_equal(store, recorded)


def test_the_queue_is_emptied_of_what_ended_only(lab: LabPaths, store: MemoryResultStore) -> None:
    ended, going = Recorded(lab).log(5).end(), Recorded(lab).log(5)
    gone = Recorded(lab).end()
    for path in gone.folder.paths.folder.iterdir():
        path.unlink()
    gone.folder.paths.folder.rmdir()
    result = publish_queue(lab, named(store))
    assert result.running
    assert set(result.copied) == {ended.uid, gone.uid}
    assert pending(lab) == [going.uid]


def test_a_young_run_is_left_alone(lab: LabPaths, store: MemoryResultStore) -> None:
    from labnb.model.run import time_text

    Recorded(lab, started=time_text(time.time()))
    result = publish_queue(lab, named(store))
    assert not store.calls
    assert result.again is not None
    assert result.again - time.time() < 1


def test_a_run_that_cannot_be_read_does_not_hold_up_others(lab: LabPaths, store: MemoryResultStore) -> None:
    broken, good = Recorded(lab).end(), Recorded(lab).end()
    broken.folder.paths.run.write_text("{")
    result = publish_queue(lab, named(store))
    assert result.copied == (good.uid,)
    assert len(result.problems) == 1
    assert broken.uid in result.problems[0]


def test_written_again_during_the_copy_it_is_copied_again(lab: LabPaths, store: MemoryResultStore) -> None:
    recorded = Recorded(lab).end()

    def meddle(call: str) -> None:
        if call == "close" and recorded.run.name != "renamed":
            recorded.run = dataclasses.replace(recorded.run, name="renamed", params={"late": 1})
            recorded.folder.write(recorded.run)
            touch(lab, recorded.uid)

    store.before = meddle
    publish_queue(lab, named(store))
    assert pending(lab) == [recorded.uid]
    publish_queue(lab, named(store))
    assert pending(lab) == []
    assert held(store, recorded).params == {"late": "1"}


# --- mending ------------------------------------------------------------------------------------


def die_with_a_run(lab: LabPaths, extra: str = "") -> str:
    """Let another process record a run and be killed in the middle of it."""
    code = (
        "import os, signal, sys; from pathlib import Path; from tests.runs import Recorded\n"
        "from labnb.runfolder.paths import LabPaths\n"
        "r = Recorded(LabPaths(Path(sys.argv[1])), params={'lr': 0.1}).log(100); print(r.uid, flush=True)\n"
        f"{extra}\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(lab.root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == -9, done.stderr
    return done.stdout.strip()


def test_a_run_whose_process_was_killed_is_mended_and_published(lab: LabPaths, store: MemoryResultStore) -> None:
    uid = die_with_a_run(lab)
    assert publish_queue(lab, named(store)).copied == (uid,)
    run = RunFolder(lab.run(uid)).read()
    assert run.status is RunStatus.KILLED
    assert run.ended is not None
    assert run.metrics == {"loss": 0.01}
    assert [note.code for note in run.notes] == ["kernel_died"]
    assert RunFolder(lab.run(uid)).stored()[1] is None
    (found,) = store.runs.values()
    assert found.status == "KILLED"
    assert len(found.points) == 100
    assert mend_run(lab, uid) is None


def test_the_cause_is_told_where_it_is_known(lab: LabPaths) -> None:
    uid = die_with_a_run(lab, "r.journal.add('error', type='MemoryError', message='no room', traceback='')")
    run = mend_run(lab, uid)
    assert run is not None
    assert run.status is RunStatus.FAILED
    assert run.error == {"type": "MemoryError", "message": "no room", "traceback": ""}


def test_a_reboot_is_told(lab: LabPaths) -> None:
    recorded = Recorded(lab).log(1)
    here = Owner.this()
    recorded.folder.write(recorded.run, Owner(here.host, here.pid, "another-boot:1"))
    run = mend_run(lab, recorded.uid)
    assert run is not None
    assert "restarted" in run.notes[0].message


def test_what_lives_or_cannot_be_known_is_left_alone(lab: LabPaths) -> None:
    recorded = Recorded(lab).log(1)
    assert mend_run(lab, recorded.uid) is None
    recorded.folder.write(recorded.run, Owner("another-host", 1, "x:1"))
    assert mend_run(lab, recorded.uid) is None
    assert mend_run(lab, recorded.end().uid) is None


def test_a_corrupt_store_is_asked_rarely(lab: LabPaths, store: MemoryResultStore) -> None:
    def corrupt(call: str) -> None:
        raise StoreCorrupt("damaged")

    store.before = corrupt
    Recorded(lab).end()
    again = publish_queue(lab, named(store)).again
    assert again is not None
    assert again - time.time() > 50
    publish_queue(lab, named(store))
    assert store.calls == []
