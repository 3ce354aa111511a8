"""Jobs in their folders: found, changed by one at a time, watched."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from pathlib import Path

import pytest

from labnb.model.errors import NotFound, StoreCorrupt
from labnb.model.job import Job, JobState
from labnb.runfolder import name_watch
from labnb.runfolder.attendant import Attendant
from labnb.runfolder.job_index import JobFolder, JobGroup, JobIndex
from labnb.runfolder.name_watch import NameWatch
from labnb.runfolder.paths import LabPaths


@pytest.fixture
def index(tmp_path: Path) -> JobIndex:
    found = JobIndex(LabPaths(tmp_path))
    found.make()
    return found


def add(index: JobIndex, uid: str, **more: object) -> JobFolder:
    folder = JobFolder(index.lab.run(uid).folder)
    folder.paths.home.mkdir(parents=True)
    folder.write(Job(uid, uid, "n", "here", submitted=f"2026-01-01T00:00:0{len(list(index.uids()))}Z", **more))  # type: ignore[arg-type]
    return folder


def test_found_by_the_start_of_its_id(index: JobIndex) -> None:
    add(index, "aaaa1111")
    add(index, "aaaa2222")
    assert index.folder("aaaa1").uid == "aaaa1111"
    assert [job.id for job in index.jobs()] == ["aaaa2222", "aaaa1111"]
    for start, said in [("aaaa", "Several jobs"), ("aaa", "There is no job"), ("../runs", "There is no job")]:
        with pytest.raises(NotFound, match=said):
            index.folder(start)


def test_a_damaged_job_is_said_to_be_one(index: JobIndex) -> None:
    folder = add(index, "aaaa1111")
    folder.paths.job.write_text("[1]")
    with pytest.raises(StoreCorrupt):
        folder.read()
    assert index.jobs() == []


def test_changes_of_many_are_not_lost(index: JobIndex) -> None:
    folder = add(index, "aaaa1111")

    def count() -> None:
        for _ in range(20):
            folder.update(lambda job: dataclasses.replace(job, starts=job.starts + 1))

    threads = [threading.Thread(target=count) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folder.read().starts == 100


def test_the_first_who_cancels_is_named(index: JobIndex) -> None:
    folder = add(index, "aaaa1111")
    assert folder.cancelled_by() == ""
    folder.ask_to_cancel("ann")
    folder.ask_to_cancel("bob")
    assert folder.cancelled_by() == "ann"


def test_arrays(index: JobIndex) -> None:
    index.write_group(JobGroup("gabc123", "n", ("aaaa1111",), ({"lr": 0.1},)))
    found = index.group("gabc")
    assert found is not None
    assert (found.jobs, found.params) == (("aaaa1111",), ({"lr": 0.1},))
    assert index.group("g") is index.group("gzzz") is index.group("../g") is None


def test_announced_before_it_is_whole(index: JobIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    index.announce("bbbb1111")
    assert (index.announced(), index.active()) == (["bbbb1111"], [])
    add(index, "bbbb1111", state=JobState.RUNNING)
    assert index.active() == ["bbbb1111"]
    index.leave("bbbb1111")
    index.leave("bbbb1111")
    assert index.announced() == []


def test_only_announced_runs_are_looked_at(index: JobIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    add(index, "aaaa1111")  # of a record without a list of its jobs
    assert list(index.uids()) == ["aaaa1111"]
    index.announce("bbbb1111", "cccc1111")
    add(index, "bbbb1111")
    assert sorted(index.uids()) == ["aaaa1111", "bbbb1111"]
    index.leave("bbbb1111")
    index.forget("cccc1111")
    assert sorted(os.listdir(index.known_folder)) == ["aaaa1111", "bbbb1111"]
    assert sorted(index.uids()) == ["aaaa1111", "bbbb1111"]
    assert [job.id for job in index.jobs()] == ["bbbb1111", "aaaa1111"]
    assert index.jobs(collected=False) == []
    assert [path.name for path in index.home.iterdir() if path.name.startswith("known")] == ["known"]


@pytest.mark.parametrize("inotify", [True, False])
def test_a_name_that_appears_ends_the_wait(tmp_path: Path, inotify: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not inotify:
        monkeypatch.setattr(name_watch.sys, "platform", "other")
    always, folder, other = tmp_path / "always", tmp_path / "one", tmp_path / "two"
    for path in (always, folder, other):
        path.mkdir()
    read, write = os.pipe()
    with NameWatch([always]) as watch:
        assert watch.whole is inotify
        watch.follow([folder, other])
        if inotify:
            (folder / "state.json").write_text("")
            assert not watch.wait(0.05, {"end.json"}), "another name"
            (other / ".aside").write_text("")
            (other / ".aside").rename(other / "end.json")
            assert watch.wait(5, {"end.json"})
            watch.follow([folder])
            (other / "end.json").touch()
            assert not watch.wait(0.05, {"end.json"}), "no longer followed"
            (always / "x").touch()
            assert watch.wait(5, set())
        else:
            begun = time.monotonic()
            assert not watch.wait(30, {"end.json"}), "it is looked at again soon"
            assert time.monotonic() - begun < 5
        os.write(write, b".")
        assert watch.wait(5, set(), (read,))
    os.close(read)
    os.close(write)


def test_one_attendant_at_a_time(tmp_path: Path) -> None:
    attendant = Attendant("no.such.module", tmp_path, tmp_path / "lock", tmp_path / "log", switch="NO_ATTENDANT")
    assert not attendant.lives()
    lock = attendant.hold()
    assert lock is not None
    assert attendant.lives()
    assert attendant.hold(0.05) is None
    assert attendant.pid() == os.getpid()
    os.close(lock)
    assert attendant.pid() is None
    assert not attendant.stop()


def test_an_attendant_that_must_not_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_ATTENDANT", "0")
    attendant = Attendant("no.such.module", tmp_path, tmp_path / "lock", tmp_path / "log", switch="NO_ATTENDANT")
    assert not attendant.start()
    attendant.see_to_it()
    assert not (tmp_path / "log").exists()
