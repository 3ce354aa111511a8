"""Cells and places that are hard on a runner: forks, crashes, compiled code, full disks, figures in IPython."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from labnb.usecases.values import load_value
from tests.runner.jobs import make_job, read, until


def test_a_forked_child_that_leaves_the_cell_does_not_end_the_job(tmp_path: Path) -> None:
    cell = (
        "import os\npid = os.fork()\nif pid == 0:\n    raise ValueError\n_, status = os.waitpid(pid, 0)\nprint(status)"
    )
    job = make_job(tmp_path, cell, out=("status",))
    assert job.run() == (0, "")
    assert job.end["state"] == "COMPLETED"
    assert os.waitstatus_to_exitcode(load_value(job.paths, "status")) == 1


def test_prints_of_forked_children_and_of_compiled_code_are_in_the_log(tmp_path: Path) -> None:
    cell = """\
import ctypes, multiprocessing
def child(): print("from a child")
process = multiprocessing.get_context("fork").Process(target=child)
process.start(); process.join()
_ = ctypes.CDLL(None).printf(b"from C\\n")
"""
    job = make_job(tmp_path, cell)
    assert job.run() == (0, "")
    assert sorted(job.log.splitlines()) == ["from C", "from a child"]


def test_a_crash_leaves_no_end_and_tells_the_line_to_whoever_started_it(tmp_path: Path) -> None:
    job = make_job(tmp_path, "import ctypes\nprint('before')\nctypes.string_at(0)", label="In [4]")
    code, said = job.run()
    assert code == -signal.SIGSEGV
    assert 'File "In [4]", line 3 in <module>' in said
    assert not job.paths.end.exists()
    assert job.log == "before\n"


def test_a_stop_before_the_cell_keeps_it_from_running(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    waits = "import os, time\nopen('importing', 'w').close()\nwhile True: time.sleep(0.01)"
    (tmp_path / "work" / "slow_to_import.py").write_text(waits)
    job = make_job(
        tmp_path, "open('ran', 'w').close()", names={"s": {"module": "slow_to_import"}}, path=(str(tmp_path / "work"),)
    )
    process = job.process_to((tmp_path / "work" / "importing").exists)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert job.end["state"] == "CANCELLED"
    assert not (tmp_path / "work" / "ran").exists()


FINALISED = {
    "python": """
class Slow:
    def __del__(self):
        open("runs", "w").close()
        time.sleep(0.5)
""",
    # What it still holds is written when it goes, and waits there until somebody reads.
    "C": """
os.mkfifo("runs")
kept = os.open("runs", os.O_RDONLY | os.O_NONBLOCK)
def Slow():
    file = open("runs", "wb", buffering=1 << 20)
    file.write(bytes(100_000))
    os.close(os.open("writing", os.O_CREAT))
""",
}


def test_a_pipe_is_left_to_the_cell(tmp_path: Path) -> None:
    cell = """\
import os, time
os.mkfifo("pipe")
reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
writer = os.open("pipe", os.O_WRONLY)
os.write(writer, b"mine")
time.sleep(0.5)
got = os.read(reader, 100)
"""
    job = make_job(tmp_path, cell, out=("got",))
    assert job.run()[0] == 0
    assert load_value(job.paths, "got") == b"mine"
    assert read(job.paths.files)["inputs"] == []


@pytest.mark.parametrize("kind", FINALISED)
def test_a_stop_that_comes_while_an_object_is_finalised_is_not_lost(tmp_path: Path, kind: str) -> None:
    cell = f"""\
import os, time
{FINALISED[kind]}
Slow()
os.close(os.open("after", os.O_CREAT))
try:
    time.sleep(60)
except BaseException:
    caught = True
time.sleep(0.4)
rest = True
"""
    job = make_job(tmp_path, cell, out=("caught", "rest"))
    work = tmp_path / "work"
    process = job.process_to((work / ("writing" if kind == "C" else "runs")).exists)
    if kind == "C":
        until(lambda: "pipe_write" in Path(f"/proc/{process.pid}/wchan").read_text(), process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert (work / "after").exists()
    assert job.end["state"] == "CANCELLED"
    assert load_value(job.paths, "caught") is True
    assert load_value(job.paths, "rest") is True, "who caught it is left in peace"
    assert job.log.count("The job was told to stop") == 1


def test_a_cell_that_catches_everything_is_stopped_all_the_same(tmp_path: Path) -> None:
    cell = """\
import time
for _ in range(2000):
    try:
        open("runs", "w").write("ran")
        time.sleep(0.01)
    except BaseException:
        caught = True
        break
"""
    job = make_job(tmp_path, cell, out=("caught",))
    process = job.process_to((tmp_path / "work" / "runs").exists)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert job.end["state"] == "CANCELLED"
    assert load_value(job.paths, "caught") is True


def test_a_cell_that_takes_its_surroundings_apart_still_ends(tmp_path: Path) -> None:
    cell = """\
import io, os, sys, shutil
os.makedirs("inner"); os.chdir("inner"); shutil.rmtree(os.getcwd())
print("first")
sys.stdout = sys.stderr = io.StringIO()
sys.stdout.close()
os.close(1); os.close(2)
class Bad:
    x = 1
    @property
    def __dict__(self): raise OSError("no")
class Odd(Exception):
    def __str__(self): raise OSError("no text")
    __repr__ = __str__
answer = 42
raise Odd
"""
    job = make_job(tmp_path, cell, out=("answer",))
    assert job.run()[0] == 1
    assert job.end["state"] == "FAILED"
    assert job.end["error"]["type"] == "Odd"
    assert job.log.startswith("first\n")
    assert load_value(job.paths, "answer") == 42


def test_figures_and_timing_in_ipython(tmp_path: Path) -> None:
    cell = """\
get_ipython().run_line_magic('matplotlib', 'inline')
import matplotlib.pyplot as plt
plt.plot([1, 2])
get_ipython().run_cell_magic('time', '', 'answer = 42\\n')
"""
    job = make_job(tmp_path, cell, needs_ipython=True, out=("answer",))
    assert job.run()[0] == 0, job.log
    assert load_value(job.paths, "answer") == 42
    pictures = [item for item in job.outputs if "image/png" in item.get("data", {})]
    assert len(pictures) == 1


def test_files_of_the_cell_get_the_users_own_rights_and_those_of_the_job_are_private(tmp_path: Path) -> None:
    job = make_job(tmp_path, "open('shared.txt', 'w').close()\nx = 1", out=("x",))
    job.paths.folder.chmod(0o775)
    job.paths.home.chmod(0o775)
    before = os.umask(0o002)
    try:
        assert job.run() == (0, "")
    finally:
        os.umask(before)
    assert (tmp_path / "work" / "shared.txt").stat().st_mode & 0o777 == 0o664
    assert job.paths.folder.stat().st_mode & 0o777 == 0o700
    assert load_value(job.paths, "x") == 1


def test_files_of_programs_and_compiled_readers_are_seen(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in ("in.txt", "other.txt", "code.py"):
        (work / name).write_text(name)
        os.utime(work / name, ns=(10**18, 10**18))
    probe = work / "other.txt"
    before = probe.stat().st_atime_ns
    probe.read_text()
    keeps_times = probe.stat().st_atime_ns != before
    os.utime(probe, ns=(10**18, 10**18))
    cell = "import os, shutil\nos.system('cat in.txt code.py > out.txt')\nopen('seen.txt', 'w').close()"
    job = make_job(tmp_path, cell)
    # As on this machine: the work tree lies in the job's own folder, below one that is called .labnb.
    inner = job.paths.work
    work.rename(inner)
    request = read(job.paths.request)
    job.paths.request.write_text(json.dumps({**request, "work_folder": str(inner)}))
    assert job.run() == (0, "")
    files = read(job.paths.files)
    assert {(use["path"], use["seen"]) for use in files["outputs"]} == {("out.txt", "watch"), ("seen.txt", "open")}
    if keeps_times:
        assert {(use["path"], use["seen"]) for use in files["inputs"]} == {("in.txt", "watch")}


def test_data_are_digested_beside_a_long_cell(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    data = tmp_path / "work" / "data.bin"
    data.write_bytes(b"one")
    cell = """\
import os, time
open("data.bin").read()
while not os.path.exists("go"): time.sleep(0.01)
"""
    job = make_job(tmp_path, cell)
    process = job.process_to(job.paths.state.exists)
    until(lambda: read(job.paths.state)["used"].get("cpu"), process)  # the first look comes after the first digests
    data.write_bytes(b"two")  # by somebody else
    (tmp_path / "work" / "go").touch()
    process.communicate(timeout=20)
    files = read(job.paths.files)
    assert [use["digest"] for use in files["inputs"]] == ["md5:f97c5d29941bfb1b2fdab0874906ab82"]
    assert {use["digest"] for use in files["outputs"] if use["path"] == "data.bin"} == {
        "md5:b8a9f715dbb64fd5c56e7783c6820a61"
    }


def test_what_is_read_and_then_written_is_an_input_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "state.txt").write_text("one")
    job = make_job(tmp_path, "text = open('state.txt').read()\nopen('state.txt', 'w').write('two')")
    assert job.run() == (0, "")
    files = read(job.paths.files)
    assert [use["digest"] for use in files["inputs"]] == ["md5:f97c5d29941bfb1b2fdab0874906ab82"]
    assert [use["digest"] for use in files["outputs"]] == ["md5:b8a9f715dbb64fd5c56e7783c6820a61"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_a_full_disk_still_takes_the_end(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        cell = """\
import labnb, os
print("before")
fill = os.open("fill", os.O_WRONLY | os.O_CREAT)
for size in (65536, 1):
    try:
        while os.write(fill, b"x" * size): pass
    except OSError: pass
for step in range(500): labnb.log({"loss": step})
print("lost " * 20_000)
big = list(range(100_000))
"""
        job = make_job(disk, cell, out=("big",))
        assert job.run()[0] == 0
        end = job.end
        assert end["state"] == "COMPLETED"
        codes = {note["code"] for note in end["notes"]}
        assert "log" in codes
        assert "before" in job.log
        told = json.loads(job.paths.values.read_text())["big"] if job.paths.values.exists() else {"error": ""}
        assert "error" in told
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    job = make_job(tmp_path, "x = 1")
    job.paths.run.log.mkdir()
    code, said = job.run()
    assert code == 1
    assert "The record of the job cannot be written in" in said
