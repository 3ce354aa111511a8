"""The queue: announcing costs nothing, never raises, and never leaves a run without a publisher."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from labnb.runfolder import queue
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.queue import announce, hold_lock, pending, publish_now, publisher_lives, touch
from labnb.runfolder.watch import FolderWatch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path: Path) -> LabPaths:
    paths = LabPaths(tmp_path)
    paths.make()
    return paths


@pytest.fixture(autouse=True)
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(queue.SWITCH, raising=False)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[LabPaths]:
    """Publishers that would have been started."""
    found: list[LabPaths] = []
    monkeypatch.setattr(queue, "start_publisher", lambda lab: found.append(lab) or True)
    return found


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "labnb-publisher":
            thread.join()


def test_the_longest_waiting_comes_first(lab: LabPaths) -> None:
    for name in ("b", "a", "c"):
        touch(lab, name)
        time.sleep(0.01)
    touch(lab, "b")
    assert pending(lab) == ["a", "c", "b"]


def test_announced_without_a_publisher_one_is_started(lab: LabPaths, started: list[LabPaths]) -> None:
    assert announce(lab, "x")
    settle()
    assert pending(lab) == ["x"]
    assert started == [lab]


def test_switched_off_none_is_started(lab: LabPaths, started: list[LabPaths], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(queue.SWITCH, "0")
    assert announce(lab, "x")
    settle()
    assert pending(lab) == ["x"]
    assert not started


def test_announced_with_a_publisher_none_is_started(lab: LabPaths, started: list[LabPaths]) -> None:
    lock = hold_lock(lab)
    assert lock is not None
    assert publisher_lives(lab)
    best = 1.0
    for _ in range(50):
        start = time.perf_counter()
        assert announce(lab, "x")
        best = min(best, time.perf_counter() - start)
    settle()
    assert not started
    assert best < 1e-3
    os.close(lock)
    assert not publisher_lives(lab)


def test_asking_does_not_keep_a_publisher_from_its_lock(lab: LabPaths) -> None:
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            publisher_lives(lab)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        lock = hold_lock(lab, patience=5)
        assert lock is not None
        os.close(lock)
    stop.set()
    for thread in threads:
        thread.join()


def test_only_one_holds_the_lock(lab: LabPaths) -> None:
    first = hold_lock(lab)
    assert first is not None
    assert hold_lock(lab, patience=0.05) is None
    os.close(first)
    second = hold_lock(lab)
    assert second is not None
    os.close(second)


def test_announcing_never_raises(tmp_path: Path, lab: LabPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert announce(LabPaths(tmp_path / "nowhere"), "x") is False
    (tmp_path / "file").write_text("")
    assert announce(LabPaths(tmp_path / "file"), "x") is False
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    assert queue.start_publisher(lab) is False
    assert announce(lab, "x")
    settle()


def test_the_publisher_starts_where_the_working_directory_is_gone(lab: LabPaths, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, shutil, sys; from pathlib import Path\n"
        "from labnb.runfolder.paths import LabPaths; from labnb.runfolder import queue\n"
        "os.chdir(sys.argv[2]); os.rmdir(sys.argv[2])\n"
        "queue.PUBLISHER = 'this'\n"  # a module of Python's own that ends at once
        "print(queue.start_publisher(LabPaths(Path(sys.argv[1]))))\n"
        "print(queue._started[0][2].wait())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(lab.root), str(gone)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.split() == ["True", "0"]


def test_the_publisher_is_not_led_astray_by_modules_of_the_user(
    lab: LabPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(queue, "PUBLISHER", "json.tool")
    assert queue.start_publisher(lab)
    assert queue._started[-1][2].wait(30) != 0  # json.tool has nothing to read
    assert "the wrong json" not in lab.publisher_log.read_text()


def test_several_announcements_start_one(lab: LabPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    class Slow:
        def __init__(self, *arguments: object, **options: object) -> None:
            calls.append(arguments)

        def poll(self) -> None:
            return None

    monkeypatch.setattr(queue, "_started", [])
    monkeypatch.setattr(subprocess, "Popen", Slow)
    for _ in range(5):
        assert queue.start_publisher(lab)
    assert len(calls) == 1


def test_waiting_for_the_queue_ends_with_the_last_run(lab: LabPaths) -> None:
    touch(lab, "x")
    lock = hold_lock(lab)
    assert lock is not None
    threading.Timer(0.3, lambda: (lab.queue / "x").unlink()).start()
    start = time.monotonic()
    assert publish_now(lab, 10)
    assert 0.25 < time.monotonic() - start < 5
    touch(lab, "x")
    assert not publish_now(lab, 0.1)
    os.close(lock)


def test_a_watch_sees_what_happened_since_it_was_made(tmp_path: Path) -> None:
    with FolderWatch(tmp_path) as watch:
        assert not watch.wait(0.01)
        (tmp_path / "a").touch()
        assert watch.wait(5)
        assert not watch.wait(0.01)
        os.utime(tmp_path / "a")
        assert watch.wait(5)
        (tmp_path / "a").unlink()
        assert watch.wait(5)
        end, other = os.pipe()
        os.write(other, b".")
        assert watch.wait(5, (end,))
        os.close(end)
        os.close(other)


def test_without_inotify_names_are_seen_to_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "other")
    folder = tmp_path / "late"
    with FolderWatch(folder) as watch:
        start = time.monotonic()
        assert not watch.wait(0.2)
        assert time.monotonic() - start >= 0.2
        folder.mkdir()
        assert watch.wait(5)
        threading.Timer(0.1, (folder / "a").touch).start()
        assert watch.wait(5)
        assert not watch.wait(0.01)
        end, other = os.pipe()
        os.write(other, b".")
        assert watch.wait(5, (end,))
        os.close(end)
        os.close(other)


def test_the_lock_dies_with_its_process(lab: LabPaths) -> None:
    code = (
        "import sys, time; from pathlib import Path; from labnb.runfolder.paths import LabPaths\n"
        "from labnb.runfolder.queue import hold_lock\n"
        "lock = hold_lock(LabPaths(Path(sys.argv[1]))); print(lock, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(lab.root)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    assert publisher_lives(lab)
    process.kill()
    process.communicate()
    assert not publisher_lives(lab)
    with open(lab.publisher_lock) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
