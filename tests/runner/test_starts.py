"""Second starts, requeues, signals and kills: the cell runs once, and its checkpoint survives."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from labnb.runfolder.owner import Owner
from labnb.usecases.values import load_value
from tests.runner.jobs import FarJob, make_job, read, until, with_variables

# Runs until somebody makes the file "go"; each run of the cell leaves a line in "runs".
WAITS = """\
import os, time
with open("runs", "a") as file: file.write("ran\\n")
while not os.path.exists("go"): time.sleep(0.01)
answer = 42
"""


def runs(folder: Path) -> int:
    file = folder / "work" / "runs"
    return len(file.read_text().splitlines()) if file.exists() else 0


def finish(process: subprocess.Popen[bytes]) -> int:
    process.communicate(timeout=30)
    return int(process.returncode)


def requeued(count: int) -> dict[str, str]:
    return with_variables(SLURM_JOB_ID="77", SLURM_RESTART_COUNT=str(count))


def test_a_second_start_ends_at_once_and_is_told(tmp_path: Path) -> None:
    job = make_job(tmp_path, WAITS, out=("answer",))
    first = job.process_to(lambda: runs(tmp_path))
    code, said = job.run()
    assert code == 75
    assert "does not run its cell: the start with process" in said
    (tmp_path / "work" / "go").touch()
    assert finish(first) == 0
    assert job.run()[0] == 75
    assert [line["answer"] for line in job.starts] == ["runs", "refused", "refused"]
    assert job.starts[2]["why"] == "the job has ended already: COMPLETED"
    assert runs(tmp_path) == 1
    assert load_value(job.paths, "answer") == 42


def test_of_many_starts_at_once_one_runs(tmp_path: Path) -> None:
    job = make_job(tmp_path, WAITS)
    (tmp_path / "work" / "go").touch()
    codes = sorted(finish(process) for process in [job.start() for _ in range(6)])
    assert codes == [0, 75, 75, 75, 75, 75]
    assert runs(tmp_path) == 1
    assert len(job.starts) == 6


def test_a_start_on_another_host_is_not_taken_over(tmp_path: Path) -> None:
    job = make_job(tmp_path, WAITS)
    (tmp_path / "work" / "go").touch()
    process = job.process_to(job.paths.claim.exists)
    finish(process)
    job.paths.end.unlink()
    job.paths.claim.write_text(job.paths.claim.read_text().replace(f'"host": "{os.uname().nodename}"', '"host": "n2"'))
    code, said = job.run()
    assert code == 75
    assert "a start on n2 claimed the job" in said


def test_a_start_that_its_scheduler_forgot_is_taken_over_from_another_host(tmp_path: Path) -> None:
    job = make_job(tmp_path, WAITS, out=("answer",))
    first = job.process_to(lambda: runs(tmp_path))
    first.kill()
    finish(first)
    job.paths.claim.write_text(job.paths.claim.read_text().replace(f'"host": "{os.uname().nodename}"', '"host": "n2"'))
    (tmp_path / "work" / "go").touch()
    claimed = json.loads(job.paths.claim.read_text())
    owner = {name: claimed[name] for name in ("host", "pid", "started")}
    job.paths.forgotten.write_text(json.dumps({"owner": {**owner, "pid": 1}}))
    assert job.run()[0] == 75, "another start is meant"
    job.paths.forgotten.write_text(json.dumps({"owner": owner}))
    assert job.run()[0] == 0
    assert (runs(tmp_path), job.starts[-1]["why"]) == (2, "its scheduler had forgotten it")


def test_after_a_requeue_the_next_start_takes_over(tmp_path: Path) -> None:
    job = make_job(tmp_path, WAITS, out=("answer",))
    first = job.process_to(lambda: runs(tmp_path), env=requeued(0))
    first.kill()
    finish(first)
    assert not job.paths.end.exists()
    (tmp_path / "work" / "go").touch()
    assert job.run(env=requeued(1))[0] == 0
    assert runs(tmp_path) == 2
    assert job.end["starts"] == 2
    assert [(line["answer"], line["why"]) for line in job.starts] == [("runs", "first start"), ("runs", "requeued")]
    assert "[labnb] Start 2 of the job: requeued." in job.log
    assert [line["code"] for line in job.journal if line["k"] == "note"] == ["restarted"]
    assert job.run(env=requeued(2))[0] == 75, "a job that has its result is not run again"


def test_many_starts_after_a_death_are_one(tmp_path: Path) -> None:
    job = make_job(tmp_path, WAITS)
    first = job.process_to(lambda: runs(tmp_path))
    first.kill()
    finish(first)
    (tmp_path / "work" / "go").touch()
    codes = sorted(finish(process) for process in [job.start() for _ in range(5)])
    assert codes == [0, 75, 75, 75, 75]
    assert runs(tmp_path) == 2


CHECKPOINTED = """\
import labnb, os, time
epoch = 0
def save(folder):
    (folder / "epoch").write_text(str(epoch))
labnb.checkpoint(save)
first = 0
if labnb.checkpoint.restored:
    first = int((labnb.checkpoint.folder / "epoch").read_text())
for epoch in range(first, 60):
    labnb.log({"epoch": epoch}, step=epoch)
    with open("runs", "a") as file: file.write("ran\\n")
    if first == 0:
        while epoch == 3: time.sleep(0.01)
done = epoch
"""


def test_a_preempted_job_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    job = make_job(tmp_path, CHECKPOINTED, out=("first", "done"))
    process = job.process_to(lambda: runs(tmp_path) == 4, env=requeued(0))
    process.send_signal(signal.SIGTERM)
    assert finish(process) == 143
    # Whether this is the end, only the scheduler knows.
    assert not job.paths.end.exists()
    stopped = read(job.paths.stopped)
    assert (stopped["state"], stopped["cause"]) == ("CANCELLED", "told to stop by SIGTERM")
    assert "Its checkpoint was saved." in job.log
    assert job.run(env=requeued(1))[0] == 0
    assert job.end["state"] == "COMPLETED"
    assert load_value(job.paths, "first") == 3
    assert load_value(job.paths, "done") == 59
    assert not job.paths.stopped.exists()
    assert read(job.paths.home / "stopped.1.json")["state"] == "CANCELLED"


def test_a_cancelled_job_of_a_scheduler_ends_by_its_own_word(tmp_path: Path) -> None:
    job = make_job(tmp_path, CHECKPOINTED)
    process = job.process_to(lambda: runs(tmp_path) == 4, env=requeued(0))
    job.paths.cancel.write_text('{"by": "me"}')
    process.send_signal(signal.SIGTERM)
    assert finish(process) == 143
    assert job.end["state"] == "CANCELLED"
    assert not job.paths.stopped.exists()


def test_the_grace_signal_saves_and_the_cell_goes_on(tmp_path: Path) -> None:
    job = make_job(tmp_path, CHECKPOINTED)
    process = job.process_to(lambda: runs(tmp_path) == 4, env=requeued(0))
    process.send_signal(signal.SIGUSR2)
    until((job.paths.checkpoint / "epoch").exists, process)
    assert (job.paths.checkpoint / "epoch").read_text() == "3"
    assert process.poll() is None
    process.kill()
    finish(process)
    assert job.run(env=requeued(1))[0] == 0


def test_a_checkpoint_that_fails_leaves_the_last_one(tmp_path: Path) -> None:
    cell = """\
import labnb, os
good = True
def save(folder):
    (folder / "a").write_text("half")
    if not good: raise OSError("no room")
    (folder / "b").write_text("whole")
labnb.checkpoint(save)
print(labnb.checkpoint.restored, labnb.checkpoint.folder.exists())
labnb.checkpoint.save()
good = False
os.kill(os.getpid(), 12)
print(sorted(path.name for path in labnb.checkpoint.folder.iterdir()), labnb.checkpoint.restored)
labnb.checkpoint("no function")
"""
    job = make_job(tmp_path, cell)
    assert job.run()[0] == 1
    assert "False False" in job.log
    assert "Its checkpoint could not be saved: OSError: no room" in job.log
    assert "['a', 'b'] False" in job.log
    assert job.end["cause"].startswith("TypeError: labnb.checkpoint takes a function")


def test_a_stopped_cell_cleans_up_and_its_values_come_back(tmp_path: Path) -> None:
    cell = """\
import time
reached = cleaned = 0
try:
    try:
        open("runs", "w").write("ran\\n")
        reached = 1
        time.sleep(30)
    except Exception:
        reached = 99
finally:
    cleaned = 1
"""
    job = make_job(tmp_path, cell, out=("reached", "cleaned"))
    process = job.process_to(lambda: runs(tmp_path))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert finish(process) == 143
    assert time.monotonic() - began < 10
    assert (load_value(job.paths, "reached"), load_value(job.paths, "cleaned")) == (1, 1)
    assert job.end["error"]["type"] == "KeyboardInterrupt"
    assert read(job.paths.state)["signal"] == "SIGTERM"


def test_a_job_out_of_time_says_so(tmp_path: Path) -> None:
    job = make_job(tmp_path, WAITS, time=4, grace=1)
    process = job.process_to(lambda: job.paths.run.log.exists() and "were asked for are left" in job.log)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == 143
    assert job.end["state"] == "TIMEOUT"
    assert "s of the 4 s that were asked for are left." in job.log


def test_a_signal_while_nothing_listens_is_noted(tmp_path: Path) -> None:
    """The main thread is inside a system call that Python does not leave: the follower sees why the job was killed."""
    cell = """\
import ctypes
open("runs", "w").write("ran\\n")
libc = ctypes.CDLL(None)
while libc.usleep(200_000) or True: libc.sleep(30)
"""
    job = make_job(tmp_path, cell)
    process = job.process_to(lambda: runs(tmp_path))
    process.send_signal(signal.SIGTERM)
    until(lambda: read(job.paths.state).get("signal") == "SIGTERM", process)
    process.kill()
    finish(process)
    assert read(job.paths.state)["signal"] == "SIGTERM"


KEEPS = """\
import labnb
for step in range(200):
    labnb.log({"loss": step})
    print("step", step)
result = list(range(50_000))
"""


def killed_at(folder: Path, uid: str, seconds: float) -> tuple[FarJob, int]:
    job = make_job(folder, KEEPS, uid=uid, out=("result",))
    process = job.start()
    time.sleep(seconds)
    process.kill()
    return job, finish(process)


def check_killed(job: FarJob) -> None:
    """Whatever was written is whole, and it can be told what became of the job."""
    ended = job.paths.end.exists()
    if ended:
        assert job.end["state"] == "COMPLETED"
        assert load_value(job.paths, "result") == list(range(50_000))
    elif job.paths.state.exists():
        assert not Owner.from_json(read(job.paths.state)["owner"]).lives()
    logged = [line["v"]["loss"] for line in job.journal if "loss" in line.get("v", {})]
    assert logged == list(range(len(logged)))
    printed = job.log.splitlines() if job.paths.run.log.exists() else []
    assert printed == [f"step {step}" for step in range(len(printed))]
    assert abs(len(printed) - len(logged)) <= 1
    # The next start takes over, and the job ends well: or it had ended.
    assert job.run()[0] == (75 if ended else 0)
    assert load_value(job.paths, "result") == list(range(50_000))


def test_killed_at_random_moments(tmp_path: Path) -> None:
    moments = random.Random(5)
    for number in range(4):
        job, _ = killed_at(tmp_path, f"{number:032}", moments.uniform(0.05, 0.4))
        check_killed(job)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_killed_at_many_random_moments(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    moments = random.Random(seed)
    ends = 0
    for number in range(200):
        job, _ = killed_at(tmp_path, f"{number:032}", moments.uniform(0.02, 0.5))
        ends += job.paths.end.exists()
        check_killed(job)
    assert 0 < ends < 200
