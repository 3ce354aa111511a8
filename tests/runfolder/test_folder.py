"""Run folders: written whole or not at all, read at any moment."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from labnb.model.errors import NotFound, StoreCorrupt
from labnb.model.run import MlflowLink, RunStatus
from labnb.runfolder.folder import all_uids, find_uid
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths, write_atomic
from labnb.runfolder.published import Published, StoreState
from tests.runs import Recorded


@pytest.fixture
def lab(tmp_path: Path) -> LabPaths:
    return LabPaths(tmp_path)


def test_a_run_reads_back_as_it_was_written(lab: LabPaths) -> None:
    recorded = Recorded(lab, params={"lr": 0.1, "on": True, "none": None}, tags={"t": "ü"}).log(3)
    running = recorded.folder.read()
    assert running.status is RunStatus.RUNNING
    assert running.metrics == {"loss": 1 / 3}
    recorded.end()
    assert recorded.folder.read() == recorded.run
    assert (lab.home / ".gitignore").read_text() == "*\n"


def test_what_was_logged_completes_a_run_that_goes_on(lab: LabPaths) -> None:
    recorded = Recorded(lab, params={"a": 1})
    recorded.journal.add("param", name="b", value=2)
    recorded.journal.add("tag", name="t", value="x")
    recorded.journal.add("of a later version", anything=1)
    with open(recorded.folder.paths.journal, "ab") as file:
        file.write(b'{"no": "kind"}\n{"k":"param"}\n{"k":"metric"}\n')
    run = recorded.folder.read()
    assert run.params == {"a": 1, "b": 2}
    assert run.tags == {"t": "x"}


def test_a_run_of_a_dead_process_is_told_killed(lab: LabPaths) -> None:
    recorded = Recorded(lab).log(2)
    here = Owner.this()
    recorded.folder.write(recorded.run, Owner(here.host, here.pid, "x:1"))
    run = recorded.folder.read()
    assert run.status is RunStatus.KILLED
    assert run.duration is not None
    assert recorded.folder.stored()[0].status is RunStatus.RUNNING


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"uid": 1}', '{"uid":"x","name":"y","status":"ODD","started":""}', "\x00"]
)
def test_a_damaged_run_is_an_error_that_names_the_file(lab: LabPaths, text: str) -> None:
    recorded = Recorded(lab)
    recorded.folder.paths.run.write_text(text)
    with pytest.raises(StoreCorrupt, match=r"run\.json"):
        recorded.folder.read()


def test_fields_of_later_versions_are_passed_over(lab: LabPaths) -> None:
    recorded = Recorded(lab)
    text = recorded.folder.paths.run.read_text()
    recorded.folder.paths.run.write_text(text.replace('"schema": 1,', '"schema": 2, "new": {"x": 1},'))
    assert recorded.folder.read().uid == recorded.uid


def test_a_run_is_found_by_its_first_characters(lab: LabPaths) -> None:
    recorded = Recorded(lab)
    assert all_uids(lab) == [recorded.uid]
    assert find_uid(lab, recorded.uid) == recorded.uid
    assert find_uid(lab, recorded.uid[:6]) == recorded.uid
    for start in ("zzzzzz", recorded.uid[:3], "", "..", "../runs"):
        with pytest.raises(NotFound):
            find_uid(lab, start)


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomic(path, "a" * 100_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            write_atomic(path, "b" * 100_000)
            write_atomic(path, "a" * 100_000)

    thread = threading.Thread(target=write)
    thread.start()
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        text = path.read_text()
        assert text in ("a" * 100_000, "b" * 100_000)
    stop.set()
    thread.join()
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


def test_how_far_a_run_was_published_is_part_of_it(lab: LabPaths) -> None:
    recorded = Recorded(lab)
    link = MlflowLink("sqlite:///x", "e", "r")
    published = Published({"embedded": StoreState(link=link)})
    words = [Published().word]
    published.write(recorded.folder.paths.published)
    words.append(recorded.folder.read().published)
    published.stores["embedded"].copied = "1"
    words.append(published.word)
    published.stores["lab"] = StoreState(failures=1, error="away")
    words.append(published.word)
    assert words == ["local", "publishing", "published", "failing"]
    assert recorded.folder.read().mlflow == link
    assert Published.read(recorded.folder.paths.published).stores["embedded"].link == link
