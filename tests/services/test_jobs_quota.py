"""Little room on the target: refused before anything is sent, and a job that fills its disk keeps what it can."""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.model.errors import JobError
from labnb.model.job import JobState
from labnb.model.run import RunStatus, time_text
from labnb.runfolder.folder import RunFolder
from labnb.usecases import bring_job
from labnb.usecases.values import load_error, load_value, returned
from tests.magics.jobs_project import make_project
from tests.needs import lacking
from tests.services.by_hand import Jobs
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]
TARGETS = """\
[targets.here]
[targets.far]
host = "ssh://lab"
python = "{python}"
folder = "{disk}"
[targets.farcluster]
host = "ssh://lab"
executor = "slurm"
python = "{python}"
folder = "{disk}"
"""
FILL = """\
import labnb, os
labnb.log({"loss": 0.5})
print("before")
small = 42
fill = open("fill", "wb", buffering=0)
for size in (1 << 20, 4096, 1):
    try:
        while fill.write(b"x" * size): pass
    except OSError as error:
        full = error
labnb.log({"loss": 0.25})
big = list(range(200_000))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 60 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=60m,mode=700", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        lacking(f"nothing can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def jobs(tmp_path: Path, disk: Path, slurm: SlurmCluster, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    return Jobs(make_project(tmp_path / "p", TARGETS.format(python=sys.executable, disk=disk)))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("told", [True, False], ids=["df tells", "a quota that df does not tell"])
def test_what_has_no_room_is_refused_before_it_is_submitted(
    jobs: Jobs, tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    (tmp_path / "p" / "data.bin").write_bytes(os.urandom(30_000_000 if told else 70_000_000))
    if not told:
        monkeypatch.setattr(bring_job, "SPARE", -(10**9))
    folder, job = jobs.run("farcluster", "x = len(open('data.bin', 'rb').read())", files=("data.bin",))
    assert (job.state, job.handle) == (JobState.FAILED, "")
    assert job.cause.startswith("it was not submitted: ")
    assert ("There is no room for the job on farcluster" if told else "There is no space left for") in job.cause
    assert "Make room" in job.cause
    assert "folder of the target" in job.cause
    assert RunFolder(folder.paths.run).read().status is RunStatus.FAILED
    assert sum(path.stat().st_size for path in files_in(disk)) < 1_000_000, "nothing half-sent keeps the disk full"


@pytest.mark.parametrize("target", ["far", pytest.param("farcluster", marks=pytest.mark.soak)])
def test_a_job_that_fills_its_disk_keeps_what_it_can(jobs: Jobs, target: str) -> None:
    folder, job = jobs.run(target, f"{FILL}raise full", out=("big", "small"))
    assert job.state is JobState.FAILED
    assert job.cause == "OSError: [Errno 28] No space left on device, line 14 of the cell"
    record = RunFolder(folder.paths.run)
    assert record.paths.log.read_text().splitlines()[0] == "before"
    assert [point.value for _, point in record.points()] == [0.5, 0.25]
    assert load_value(folder.paths, "small") == 42
    with pytest.raises(JobError, match="could not be written: No space left") as told:
        load_value(folder.paths, "big")
    assert "disk full" in told.value.hint
    with pytest.raises(OSError, match="No space left") as raised:
        raise load_error(folder.paths) or AssertionError
    assert raised.value.errno == errno.ENOSPC
    assert record.read().notes == ()


def test_a_cell_that_goes_on_beside_a_full_disk(jobs: Jobs) -> None:
    folder, job = jobs.run("far", FILL, out=("small", "big"))
    assert job.state is JobState.COMPLETED, job
    assert load_value(folder.paths, "small") == 42
    assert "No space left" in returned(folder.paths)["big"].error


def test_no_room_on_this_machine(tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    root = make_project(disk / "p", TARGETS.format(python=sys.executable, disk=disk))
    for number in range(3):  # each is copied for the job: together they have no room
        (root / f"{number}.bin").write_bytes(os.urandom(15_000_000))
    lab = Jobs(root)
    folder, job = lab.run("here", "pass", files=("0.bin", "1.bin", "2.bin"))
    assert job.state is JobState.FAILED
    assert job.cause.startswith("it was not submitted: ")
    assert "There is no room" in job.cause
    assert not folder.paths.work.exists()
    assert not list(folder.paths.home.glob(".work*")), "nothing half-copied keeps the disk full"
    assert lab.run("here", "pass")[1].state is JobState.COMPLETED


def test_what_old_jobs_left_on_a_far_host_is_taken_away(jobs: Jobs, disk: Path, tmp_path: Path, sshd: Sshd) -> None:
    project = tmp_path / "p"
    (project / ".gitignore").write_text("*.bin\n")
    folders = {}
    for word, cell in (("old", "x = 1"), ("wrote", "open('made.txt', 'w').write('mine')"), ("young", "x = 2")):
        (project / f"{word}.bin").write_bytes(word.encode() * 1000)
        (project / "code.py").write_text(f"name = {word!r}")
        folders[word] = jobs.write(
            "far", f"{cell}\nread = open('{word}.bin').read()", files=(f"{word}.bin",), out=("read",)
        )
    jobs.ended(*folders.values())
    waits = jobs.write("far", "read = open('old.bin').read()", files=("old.bin", "young.bin"), out=("read",))
    jobs.lab.jobs.send.send(waits)
    long_ago = time.time() - 60 * 86400
    for word in ("old", "wrote"):
        folders[word].update(lambda job: dataclasses.replace(job, ended=time_text(long_ago)))
    (store,) = (path for path in disk.iterdir() if path.name.startswith("p-"))
    for path in [*store.glob("data/*"), *store.glob("trees/*"), *store.glob("runner-*")]:
        os.utime(path, (long_ago,) * 2)
    orphan = store / ("0" * 32) / "job"
    orphan.mkdir(parents=True)
    (orphan / "end.json").touch()
    os.utime(orphan, (long_ago,) * 2)
    on_its_way = jobs.write("far", "pass")
    (store / on_its_way.uid / "job").mkdir(parents=True)
    os.utime(store / on_its_way.uid / "job", (long_ago,) * 2)
    half = store / "data" / f".{'0' * 32}.1234"
    half.touch()
    os.utime(half, (long_ago,) * 2)
    content = {path.read_bytes()[:3].decode(): path for path in store.glob("data/*")}
    cleaner = jobs.lab.jobs.clean
    waste, notes = cleaner.look(30 * 86400)
    assert notes == []
    found = {(one.left.kind, one.left.path) for one in waste if one.place.name == "ssh://lab"}
    far = {word: folder.read().folder for word, folder in folders.items()}
    assert {pair for pair in found if pair[0] != "trees"} == {
        ("folder", far["old"]), ("work", far["wrote"]), ("folder", str(orphan.parent)), ("data", str(content["wro"])),
        ("data", str(half)),
    }  # fmt: skip
    assert cleaner.remove(waste, 30 * 86400)[1] == []
    assert not Path(far["old"]).exists()
    assert [path.name for path in Path(far["wrote"], "job", "work").rglob("*")] == ["made.txt"]
    assert Path(far["young"], "job", "work", "young.bin").read_bytes()
    assert not orphan.exists()
    assert not content["wro"].exists()
    # What stands here of a job whose far folder is gone is whole, and the one that waited has all that it needs.
    assert load_value(folders["old"].paths, "read") == "old" * 1000
    assert jobs.ended(waits)[0].state is JobState.COMPLETED
    again, job = jobs.run("far", "read = open('wrote.bin').read()", files=("wrote.bin",), out=("read",))
    assert (job.state, load_value(again.paths, "read")) == (JobState.COMPLETED, "wrote" * 1000), "it is sent again"
    sshd.stop()
    waste, notes = cleaner.look(30 * 86400)
    assert "ssh://lab was not looked at" in notes[0].message
