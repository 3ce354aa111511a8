"""The parts by themselves: the memory of digests, reading once, rules, lost events, and the hook's manners."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from labnb.capture.files import FileWatch, StatCache, aside
from labnb.capture.files.collapse import Entry, collapse
from labnb.capture.files.digest import Hasher, hash_file
from labnb.capture.files.events import OVERFLOW
from labnb.capture.files.hints import paths_in, paths_of_command
from labnb.capture.files.marks import Marks
from labnb.capture.files.rules import Rules
from labnb.runfolder.stat_cache import RACY_NS, Signature, signature

OLD = 1_000_000_000


def _old(path: Path, text: str) -> Signature:
    path.write_text(text)
    os.utime(path, (OLD, OLD))
    return signature(path.stat())


def test_a_settled_file_is_known_and_a_young_one_is_not(tmp_path: Path) -> None:
    cache = StatCache(tmp_path / "c.db")
    sign = _old(tmp_path / "a", "1")
    cache.put([("a", sign, "young")], sign.ctime_ns + RACY_NS)
    assert cache.get([("a", sign)]) == {}
    cache.put([("a", sign, "settled")], sign.ctime_ns + RACY_NS + 1)
    assert cache.get([("a", sign)]) == {"a": "settled"}
    assert StatCache(tmp_path / "c.db").get([("a", sign), ("b", sign)]) == {"a": "settled"}


def test_a_rewrite_of_the_same_size_and_time_is_another_state(tmp_path: Path) -> None:
    path = tmp_path / "a"
    before = _old(path, "1")
    cache = StatCache(tmp_path / "c.db")
    cache.put([(str(path), before, "x")], time.time_ns() + 2 * RACY_NS)
    time.sleep(0.02)
    after = _old(path, "2")
    assert (before.size, before.mtime_ns) == (after.size, after.mtime_ns)
    assert cache.get([(str(path), after)]) == {}


def _fill(job: tuple[str, int]) -> int:
    cache = StatCache(Path(job[0]))
    for number in range(50):
        cache.put([(f"{job[1]}-{number}", Signature(1 << 63, 1, OLD, OLD), "m")], OLD + 3 * RACY_NS)
    return len(cache.get([(f"{job[1]}-{n}", Signature(1 << 63, 1, OLD, OLD)) for n in range(50)]))


def test_many_processes_share_a_cache(tmp_path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        assert pool.map(_fill, [(str(tmp_path / "c.db"), n) for n in range(6)]) == [50] * 6


@pytest.mark.parametrize("path", [None, Path("/proc/nowhere/c.db")])
def test_without_a_place_there_is_no_cache_and_no_error(path: Path | None) -> None:
    cache = StatCache(path)
    cache.put([("a", Signature(1, 1, 1, 1), "m")], OLD * 10)
    assert cache.get([("a", Signature(1, 1, 1, 1))]) == {}


def test_hashing_many_files_tells_its_progress_and_keeps_its_time(tmp_path: Path) -> None:
    files = {}
    for number in range(12):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * (1 << 20))
        files[str(path)] = signature(path.stat())
    told: list[tuple[int, int]] = []
    found = Hasher(StatCache(None)).all(files.items(), lambda done, total: told.append((done, total)))
    assert {path: item.md5 for path, item in found.items()} == {
        path: hashlib.md5(Path(path).read_bytes()).hexdigest() for path in files
    }
    assert told[-1] == (12 << 20, 12 << 20)
    late = Hasher(StatCache(None)).all(files.items(), seconds=-1.0)
    assert {item.problem for item in late.values()} == {"late"}


def test_what_cannot_be_hashed_says_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert hash_file(str(tmp_path / "pipe")).problem == "not a file"
    assert hash_file(str(tmp_path / "nothing")).problem == "gone"
    growing = tmp_path / "log"
    growing.write_text("x")

    def grow(_: int) -> None:
        with growing.open("a") as stream:
            stream.write("more")

    assert hash_file(str(growing), grow).problem == "changed"


def test_rules_know_what_is_no_data(tmp_path: Path) -> None:
    rules = Rules(str(tmp_path), [tmp_path / "store"])
    for folder in ("data", "a/b", "env of things"):
        (tmp_path / folder).mkdir(parents=True)
        assert rules.wants(str(tmp_path / folder), "x.csv")
    for folder in (".git", "a/node_modules/b", "store", "x/.ipynb_checkpoints", "mlruns/0"):
        assert not rules.wants(str(tmp_path / folder), "x.csv")
    assert not rules.wants(os.path.dirname(os.__file__), "x.csv")
    assert not rules.trusts(str(tmp_path), "book.ipynb")
    assert rules.wants(str(tmp_path), "book.ipynb")


def test_a_project_below_a_skipped_folder_is_still_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root = tmp_path / "project"
    root.mkdir()
    assert Rules(str(root)).wants(str(root), "x.csv")
    assert not Rules("/elsewhere").wants(str(root), "x.csv")


def test_paths_among_hints_and_commands() -> None:
    assert list(paths_in(["/d/a.csv", "file:///d/b", "/d/*/x.parquet", "adam", "two\nlines", ""])) == [
        "/d/a.csv",
        "/d/b",
        "/d",
    ]
    assert list(paths_of_command(["cat", "x.csv", "--out=/d/y"], "/w")) == ["/w", "/w/cat", "/w/x.csv", "/d/y"]
    assert "/d/x.csv" in list(paths_of_command("cat </d/x.csv|wc -l", "/w"))


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        ([f"train/{c}/{n}.png" for c in range(20) for n in range(3)], ["train/"]),
        ([f"data/{k}/{n}.png" for k in ("a", "b") for n in range(40)], ["data/"]),
        ([f"data/a/{n}.png" for n in range(40)] + ["data/labels.csv"], ["data/a/", "data/labels.csv"]),
        ([f"deep/down/here/{n}" for n in range(40)], ["deep/down/here/"]),
        ([f"few/{n}" for n in range(3)], ["few/0", "few/1", "few/2"]),
    ],
)
def test_the_folder_that_stands_for_many_files(files: list[str], folders: list[str]) -> None:
    entries = [Entry(f"/no/project/{path}", "0" * 32, 1, "open") for path in files]
    uses = collapse(entries, "/no/project", lambda key: key.removeprefix("/no/project/"))
    assert [use.path for use in uses] == folders
    assert sum(use.files for use in uses) == len(files)


def test_a_record_ends_and_the_next_begins_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("1")
    watch = FileWatch(tmp_path, stat_cache=StatCache(None))
    try:
        watch.open(None)
        (tmp_path / "a").read_text()
        with aside():
            (tmp_path / "labnb's own").write_text("1")
        assert [use.path for use in watch.close().inputs] == ["a"]
        (tmp_path / "between").write_text("1")
        watch.open(None)
        report = watch.close()
        assert (report.inputs, report.outputs) == ((), ())
    finally:
        watch.stop()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's news of folders")
def test_lost_events_are_told_and_the_folders_gone_through_again(tmp_path: Path) -> None:
    watch = FileWatch(tmp_path, stat_cache=StatCache(None))
    try:
        watch.open(None)
        watcher = watch._watcher
        assert watcher is not None
        watcher.read = lambda: [("", "", OVERFLOW, 0)]  # type: ignore[method-assign]
        assert [note.code for note in watch.close().notes] == ["files-overflow"]
        del watcher.read
        watch.open(None)
        assert watch.close().notes == ()
    finally:
        watch.stop()


def test_a_file_that_may_not_be_read_was_not_read() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "a").write_text("1")
        (folder / "a").chmod(stat.S_IWUSR)
        watch = FileWatch(folder, stat_cache=StatCache(None))
        watch.open(None)
        was = os.geteuid()
        try:
            if was == 0:
                os.seteuid(65534)  # root may read everything
            with pytest.raises(PermissionError):
                (folder / "a").read_text()
            report = watch.close()
        finally:
            os.seteuid(was)
        assert report.inputs == ()
        watch.stop()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's news of folders")
def test_preparing_beside_the_first_record_leaves_no_gap(tmp_path: Path) -> None:
    for _ in range(10):
        watch = FileWatch(tmp_path, stat_cache=StatCache(None))
        beside = threading.Thread(target=watch.prepare)
        beside.start()
        watch.open(None)
        assert watch.close().notes == ()
        beside.join()
        watch.stop()


def test_a_child_that_came_and_went_between_two_looks_is_believed() -> None:
    marks = Marks()
    marks.spawned()
    marks.begin_batch()  # woken by the start, the look comes before the process
    child = subprocess.Popen(["true"])
    child.wait()
    marks.begin_batch()
    assert marks.believes(child.pid)
