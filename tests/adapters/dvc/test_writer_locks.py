"""DVC's locks are respected and told of; kernels, the server and the `dvc` command work at once without harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labnb.adapters.dvc import locks
from labnb.adapters.dvc.settings import read_settings
from labnb.model.errors import StoreLocked
from tests.adapters.dvc.command import Place, dvc, environment, everything
from tests.adapters.dvc.conftest import Prepared
from tests.adapters.dvc.test_writer_checkout import one


@pytest.fixture
def ready(place: Place, prepared: Prepared[object], monkeypatch: pytest.MonkeyPatch) -> Place:
    prepared(place, "one", one)
    monkeypatch.setattr(locks, "PATIENCE", 0.3)
    return place


_HOLD = """
import sys
from dvc.repo import Repo
repo = Repo(sys.argv[1])
with repo.lock:
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_dvc(place: Place) -> Iterator[subprocess.Popen[str]]:
    """DVC's own lock, held by DVC's own code in another process."""
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(place.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(place.path),
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "held\n"
    try:
        yield child
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


@pytest.mark.parametrize("hardlinks", [False, True])
def test_who_holds_the_lock_and_since_when(ready: Place, hardlinks: bool) -> None:
    if hardlinks:
        dvc(ready.path, "config", "core.hardlink_lock", "true")
        (ready.path / ".dvc/tmp/lock").unlink()  # of the other kind, which leaves its file
    ready.write("data/a", "2")
    pointer = (ready.path / "data.dvc").read_text()
    with held_by_dvc(ready) as child:
        with pytest.raises(StoreLocked) as found:
            ready.again().add(Path("data"))
        words = str(found.value)
        assert "since" in words
        assert "Nothing was changed" in words
        if not hardlinks:  # DVC's other lock tells nobody's name
            assert f"process {child.pid} (" in words
            assert "from dvc.repo import Repo" in words
            assert f" of {os.environ.get('USER') or 'root'}" in words
        assert (ready.path / "data.dvc").read_text() == pointer
        # What only reads, or adds objects, asks for no lock.
        assert ready.writer.keep(Path("data")).version
    assert ready.writer.add(Path("data")).new, "free again"
    ready.accepts()


def test_a_lock_is_waited_for(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 30.0)
    ready.write("data/a", "2")
    with held_by_dvc(ready) as child:
        assert child.stdin is not None
        threading.Timer(0.5, child.stdin.close).start()
        assert ready.writer.add(Path("data")).new


def test_dvc_waits_for_labnb(ready: Place) -> None:
    with locks.locked(read_settings(str(ready.path))):
        assert "Unable to acquire lock" in dvc(ready.path, "add", "data", code=1)
    dvc(ready.path, "add", "data")


def test_what_a_stage_reads_is_not_changed_below_it(ready: Place) -> None:
    slow = "touch begun; sleep 60; cp data/a made"
    dvc(
        ready.path,
        "stage",
        "add",
        "-q",
        "-n",
        "slow",
        "-d",
        "data",
        "-o",
        "made",
        slow,
    )
    first = ready.writer.keep(Path("data"))
    child = subprocess.Popen(
        [str(Path(sys.executable).with_name("dvc")), "repro", "-q"],
        cwd=ready.path,
        env=environment(ready.path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _until(lambda: (ready.path / "begun").exists())
        ready.write("data/a", "2")
        with pytest.raises(StoreLocked, match=rf"data is held by process {child.pid} \(.*repro.*since"):
            ready.again().add(Path("data"))
        ready.write("other", "1")
        assert ready.writer.add(Path("other")).new, "other data are free"
    finally:
        os.killpg(child.pid, 9)
        child.wait()
    assert ready.writer.add(Path("data")).new, "a dead process holds nothing"
    assert first.version


def test_another_machine_s_lock(ready: Place) -> None:
    settings = read_settings(str(ready.path))
    with locks.locked(settings):
        lock = ready.path / ".dvc/tmp/lock"
        assert str(os.getpid()) in lock.read_text(), "who reads it learns the process and the machine"
        lock.write_text(" 4711;node17\n")
        with pytest.raises(StoreLocked, match=r"process 4711 on node17 since"):
            ready.again().add_remote("store", "/somewhere")


def test_a_damaged_note_of_dvc_s_stops_nobody(ready: Place) -> None:
    notes = ready.path / ".dvc/tmp/rwlock"
    gone = {"write": {str(ready.path / "data"): {"pid": 2**22 + 1, "cmd": "dvc repro"}}}
    for text in (
        "",
        "[]",
        '{"write": {"/x": 3}}',
        json.dumps(gone),
    ):
        notes.write_text(text)
        ready.write("data/a", text)
        ready.again().add(Path("data"))


_WORK = """
import random, sys, time
from pathlib import Path
from labnb.adapters.dvc.writer import DvcDataWriter
from labnb.model.dataset import DatasetVersion
root, number = Path(sys.argv[1]), sys.argv[2]
writer = DvcDataWriter(root)
mine = root / f"mine-{number}"
for turn in range(100):
    (mine / "sub").mkdir(parents=True, exist_ok=True)
    (mine / "sub/x").write_text(f"{number} {turn}")
    first = writer.add(Path(mine.name)).version
    writer.keep(Path("data"))
    (mine / "sub/x").write_text(f"{number} {turn} again")
    writer.add(Path(mine.name))
    writer.checkout(first)
    assert (mine / "sub/x").read_text() == f"{number} {turn}"
    if turn >= 3 and (root.parent / "enough").exists():
        break
    time.sleep(random.random() / 2)  # no session adds without a pause; dvc looks for the lock now and then only
print(turn)
"""


def test_two_kernels_a_server_and_dvc_at_once(ready: Place) -> None:
    """Each has data of its own, and all add to one cache, one .gitignore's folder and one lock."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORK, str(ready.path), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[3],
            env=environment(ready.path),
        )
        for number in range(3)
    ]
    for turn in range(3):
        ready.write("by-dvc/x", str(turn))
        dvc(ready.path, "--wait-for-lock", "add", "-q", "by-dvc")
    (ready.path.parent / "enough").touch()
    last = []
    for worker in workers:
        said, complaint = worker.communicate(timeout=90)
        assert worker.returncode == 0, complaint
        last.append(int(said))
    ready.accepts()
    for number in range(3):
        assert ready.files(f"mine-{number}") == {"sub/x": f"{number} {last[number]}".encode()}
    for path in ready.path.glob(".dvc/cache/files/md5/*/*"):
        assert path.stat().st_mode & 0o777 == 0o444
    assert not list(ready.path.glob(".dvc/cache/labnb.tmp/*"))
    assert not list(ready.path.glob(".dvc/tmp/labnb/*"))


def test_reading_takes_no_lock_and_writes_nothing(ready: Place) -> None:
    with held_by_dvc(ready):
        before = {path: state for path, state in everything(ready.path).items() if "/.labnb" not in path}
        ready.again().remotes()
        assert {path: state for path, state in everything(ready.path).items() if "/.labnb" not in path} == before


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
