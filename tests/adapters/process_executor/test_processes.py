"""Processes and their keepers, when things go wrong: limits, kills, starts that meet."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from labnb.adapters.local_host import LocalHost
from labnb.adapters.process_executor import ProcessExecutor
from labnb.model.errors import ExecutorError
from labnb.model.job import JobState
from labnb.model.resources import Resources
from labnb.ports.executor import Order, Sight
from labnb.ports.host import Finished
from labnb.testing.executor import order, until

HOST = LocalHost()
EXECUTOR = ProcessExecutor()


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return str(tmp_path / "far")


def submit(job: Order) -> Order:
    EXECUTOR.submit(HOST, job)
    return job


def end(job: Order) -> Sight:
    return until(EXECUTOR, HOST, {job.token: ""})[job.token]


def state(job: Order) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(file(job, "state.json").read_text())
    return data


def file(job: Order, name: str) -> Path:
    return Path.home() / ".labnb" / "processes" / job.token / name


def running(job: Order) -> dict[str, Any]:
    until(EXECUTOR, HOST, {job.token: ""}, JobState.RUNNING)
    return state(job)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_time_is_up(far: str) -> None:
    words = "trap 'echo saving' USR2; echo up; while :; do sleep 0.05; done"
    job = submit(order(far, "sh", "-c", words, resources=Resources(time=2), grace=1))
    seen = end(job)
    assert seen.state is JobState.TIMEOUT
    assert "2 s" in seen.reason
    assert HOST.read(job.log) == b"up\nsaving\n"
    assert seen.started is not None
    assert seen.ended is not None
    assert 1.9 < seen.ended - seen.started < 6


def test_one_that_ends_well_in_its_grace_has_completed(far: str) -> None:
    words = "trap 'echo saved; exit 0' USR2; while :; do sleep 0.05; done"
    job = submit(order(far, "sh", "-c", words, resources=Resources(time=3), grace=2))
    assert end(job).state is JobState.COMPLETED
    assert HOST.read(job.log) == b"saved\n"


def test_memory_is_counted_over_all_its_processes(far: str) -> None:
    eat = "import time; x = b'1' * 90_000_000; time.sleep(30)"
    words = f"{sys.executable} -S -c '{eat.replace(chr(39), chr(34))}' & {sys.executable} -S -c \"{eat}\"; wait"
    job = submit(order(far, "sh", "-c", words, resources=Resources(memory=150_000_000)))
    seen = end(job)
    assert seen.state is JobState.OUT_OF_MEMORY
    assert "150,000,000" in seen.reason
    assert seen.used["memory"] > 150_000_000


def test_what_it_used(far: str) -> None:
    words = "x = b'1' * 60_000_000\nimport time\nwhile time.process_time() < 0.3: pass"
    seen = end(submit(order(far, sys.executable, "-c", words)))
    assert 60_000_000 < seen.used["memory"] < 300_000_000
    assert 0.3 <= seen.used["cpu"] < 5


def test_cpus_are_bound_and_threads_limited(far: str) -> None:
    words = "import os; print(len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])"
    job = submit(order(far, sys.executable, "-c", words, resources=Resources(cpus=1)))
    end(job)
    assert HOST.read(job.log) == b"1 1\n"


def test_no_token_of_a_hub(far: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    monkeypatch.setenv("JPY_API_TOKEN", "secret")
    monkeypatch.setenv("MINE", "kept")
    job = submit(order(far, "env"))
    end(job)
    log = HOST.read(job.log).decode()
    assert "secret" not in log
    assert "MINE=kept" in log


def test_starts_that_meet_start_once(far: str) -> None:
    job = order(far, "sh", "-c", "echo ran >> count")
    threads = [threading.Thread(target=EXECUTOR.submit, args=(HOST, job)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    end(job)
    assert HOST.read(f"{job.folder}/count") == b"ran\n"


def test_a_start_that_died_half_way_is_taken_over(far: str) -> None:
    job = order(far, "true")
    claim = file(job, "claim")
    claim.parent.mkdir(parents=True)
    claim.write_text(json.dumps({"pid": 1, "time": time.time()}))
    assert EXECUTOR.look(HOST, {job.token: ""})[job.token].state is JobState.PENDING
    claim.write_text(json.dumps({"pid": 1, "time": time.time() - 60}))
    assert EXECUTOR.look(HOST, {job.token: ""}) == {}
    submit(job)
    assert end(job).state is JobState.COMPLETED


def test_cancelled_before_it_came(far: str) -> None:
    job = order(far, "touch", "ran")
    EXECUTOR.cancel(HOST, {job.token: ""})
    submit(job)
    seen = end(job)
    assert seen.state is JobState.CANCELLED
    assert "cancelled by" in seen.reason
    assert not Path(job.folder, "ran").exists()


def test_its_keeper_is_killed(far: str) -> None:
    job = submit(order(far, "sleep", "30"))
    told = running(job)
    os.kill(told["keeper"][0], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while "killed" not in EXECUTOR.look(HOST, {job.token: ""})[job.token].reason:
        assert time.monotonic() < deadline
    assert EXECUTOR.look(HOST, {job.token: ""})[job.token].state is JobState.RUNNING
    EXECUTOR.cancel(HOST, {job.token: ""})
    assert end(job).state is JobState.CANCELLED
    assert gone(told["child"][0])


def test_both_are_killed(far: str) -> None:
    job = submit(order(far, "sleep", "30"))
    told = running(job)
    os.kill(told["keeper"][0], signal.SIGKILL)
    os.killpg(told["child"][0], signal.SIGKILL)
    seen = end(job)
    assert seen.state is JobState.LOST
    assert "killed" in seen.reason


def test_killed_by_somebody(far: str) -> None:
    job = submit(order(far, "sleep", "30"))
    os.kill(running(job)["child"][0], signal.SIGKILL)
    seen = end(job)
    assert (seen.state, seen.exit_code, seen.reason) == (JobState.FAILED, 137, "ended by signal SIGKILL")


def test_the_machine_was_started_again(far: str) -> None:
    job = submit(order(far, "sleep", "30"))
    told = running(job)
    os.kill(told["keeper"][0], signal.SIGKILL)
    os.killpg(told["child"][0], signal.SIGKILL)
    place = [told["place"][0], "another boot", told["place"][2]]
    file(job, "state.json").write_text(json.dumps({**told, "place": place, "beat": time.time() - 600}))
    seen = end(job)
    assert seen.state is JobState.LOST
    assert "started again" in seen.reason


def test_what_it_leaves_behind_in_its_group_ends_with_it(far: str) -> None:
    job = submit(order(far, "sh", "-c", "sleep 60 & echo $!"))
    assert end(job).state is JobState.COMPLETED
    pid = int(HOST.read(job.log))
    deadline = time.monotonic() + 10
    while not gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_outlives_who_submitted_it(far: str, tmp_path: Path) -> None:
    job = order(far, "sh", "-c", "sleep 0.7; echo done")
    program = (
        "import sys\nfrom labnb.adapters.local_host import LocalHost\n"
        "from labnb.adapters.process_executor import ProcessExecutor\nfrom labnb.ports.executor import Order\n"
        f"ProcessExecutor().submit(LocalHost(), {job!r})\n"
    )
    header = "from labnb.model.resources import Resources\n"
    first = subprocess.Popen([sys.executable, "-c", header + program], start_new_session=True)
    assert first.wait(60) == 0
    assert end(job).state is JobState.COMPLETED
    assert HOST.read(job.log) == b"done\n"


def test_a_folder_that_cannot_be_made(far: str) -> None:
    seen = end(submit(order("/proc/nowhere", "true")))
    assert seen.state is JobState.FAILED
    assert "/proc/nowhere" in seen.reason


def test_tokens_stay_in_their_folder(far: str) -> None:
    bad = Order(name="x", token="../../x", folder=far, command=("true",), log=f"{far}/log")
    with pytest.raises(ExecutorError, match="token"):
        EXECUTOR.submit(HOST, bad)


class Without(LocalHost):
    """A host where a program is not what is needed."""

    local = False

    def __init__(self, code: int, err: bytes) -> None:
        self.told = Finished(code, b"", err)

    def run(self, command: Any, stdin: bytes = b"", timeout: float = 60.0) -> Finished:
        return self.told


@pytest.mark.parametrize(
    ("code", "err", "said"),
    [
        (127, b"", "no Python on the host"),
        (1, b"Traceback ...\nAssertionError: Python 3.6", "The host has Python 3.6."),
        (1, b"Killed", "Killed"),
    ],
)
def test_a_host_without_what_is_needed(code: int, err: bytes, said: str) -> None:
    with pytest.raises(ExecutorError, match=said):
        EXECUTOR.look(Without(code, err), {"abc": ""})


def test_far_side_is_python_39() -> None:
    import ast

    import labnb.adapters.process_executor.far as package

    for path in Path(package.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        roots = {
            (node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        } | {alias.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
        assert roots <= sys.stdlib_module_names | {"labnb"}
        assert "from __future__ import annotations" in path.read_text() or len(tree.body) == 1
