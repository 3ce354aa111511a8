"""Slurm when things go wrong: a controller that forgets, answers that are lost, nodes that die, time that is up."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from labnb.adapters.local_host import LocalHost
from labnb.adapters.slurm import SlurmExecutor, executor
from labnb.model.errors import ExecutorError, HostUnreachable
from labnb.model.job import JobState
from labnb.model.resources import Resources
from labnb.ports.executor import Order, Sight
from labnb.testing.executor import order, until
from tests.services.slurm import SlurmCluster
from tests.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]
HOST = LocalHost()
SLURM = SlurmExecutor()
SLURM_WITH = SlurmExecutor()


@pytest.fixture
def far(tmp_path: Path, slurm: SlurmCluster) -> str:
    return str(tmp_path / "far")


def started(job: Order) -> str:
    handle = SLURM.submit(HOST, job)
    until(SLURM, HOST, {job.token: handle}, JobState.RUNNING)
    return handle


def end(job: Order) -> Sight:
    return until(SLURM, HOST, {job.token: ""})[job.token]


def test_a_controller_that_forgot_gives_the_number_to_another(far: str, slurm: SlurmCluster) -> None:
    slurm.stop_controller(signal.SIGKILL)
    slurm.start_controller("-c")
    lost = order(far, "sleep", "60")
    first = SLURM.submit(HOST, lost)
    slurm.stop_controller(signal.SIGKILL)
    slurm.start_controller("-c")
    other = order(far, "sh", "-c", "sleep 1; echo whole")
    second = SLURM.submit(HOST, other)
    assert first == second  # otherwise this test shows nothing
    both = {lost.token: first, other.token: second}
    assert lost.token not in SLURM.look(HOST, both)
    SLURM.cancel(HOST, {lost.token: first})
    assert end(other).state is JobState.COMPLETED
    assert HOST.read(other.log) == b"whole\n"
    # Nobody knows it any more: submitting it again is a new job.
    again = SLURM.submit(HOST, lost)
    assert again != second
    SLURM.cancel(HOST, {lost.token: ""})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_controller_that_ends_just_after_the_submission(far: str, slurm: SlurmCluster, number: int) -> None:
    job = order(far, "sh", "-c", "echo ran >> count; sleep 1")
    handle = SLURM.submit(HOST, job)
    slurm.stop_controller(number)
    if number == signal.SIGKILL:
        with pytest.raises(HostUnreachable, match="controller"):
            SLURM.look(HOST, {job.token: handle})
    slurm.start_controller()
    seen = SLURM.look(HOST, {job.token: handle}).get(job.token)
    if number == signal.SIGTERM:
        assert seen is not None
    if seen is None:  # forgotten, for it was not yet on disk: whoever submitted it submits it again
        handle = SLURM.submit(HOST, job)
    assert end(job).state is JobState.COMPLETED
    starts = HOST.read(f"{job.folder}/count").decode().split()
    assert starts == ["ran"] or (number == signal.SIGKILL and starts == ["ran", "ran"])


def test_the_answer_of_sbatch_is_lost(
    far: str, slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = order(far, "sh", "-c", "echo ran >> count; sleep 0.5")
    slow = tmp_path / "bin" / "sbatch"
    slow.parent.mkdir()
    slow.write_text('#!/bin/sh\n/usr/bin/sbatch "$@" >/dev/null\nsleep 30\n')
    slow.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
        patch.setattr(executor, "SUBMITTING", 1.0)
        with pytest.raises(HostUnreachable) as caught:
            SLURM.submit(HOST, job)
    assert "submitted again" in caught.value.hint
    handle = SLURM.submit(HOST, job)
    assert handle == SLURM.submit(HOST, job)
    assert end(job).state is JobState.COMPLETED
    assert HOST.read(f"{job.folder}/count") == b"ran\n"
    assert slurm.run("squeue", "-h", "-t", "all", "-o", "%k").split().count(f"labnb:{job.token}") == 1


def test_sbatch_says_no_although_the_job_is_there(
    far: str, slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = order(far, "sleep", "0.2")
    liar = tmp_path / "bin" / "sbatch"
    liar.parent.mkdir()
    said = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
    liar.write_text(f'#!/bin/sh\n/usr/bin/sbatch "$@" >/dev/null\necho "{said}" >&2; exit 1\n')
    liar.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{liar.parent}:{os.environ['PATH']}")
        handle = SLURM.submit(HOST, job)
    assert handle.isdigit()
    assert end(job).state is JobState.COMPLETED


def test_a_site_that_writes_comments_of_its_own(far: str, slurm: SlurmCluster) -> None:
    job = order(far, "sleep", "60")
    handle = SLURM.submit(HOST, job)
    slurm.run("scontrol", "update", f"jobid={handle}", "comment=billed to biology")
    assert SLURM.submit(HOST, job) == handle
    assert SLURM.look(HOST, {job.token: ""})
    SLURM.cancel(HOST, {job.token: ""})
    assert end(job).state is JobState.CANCELLED


def test_the_daemon_of_a_node_is_killed(far: str, slurm: SlurmCluster) -> None:
    job = order(far, "sh", "-c", "echo begun; sleep 0.5; echo done", resources=Resources(partition="short"))
    handle = started(job)
    # Slurm says "running" before the daemon has begun with it.
    wait_until(lambda: HOST.run(["cat", job.log]).out == b"begun\n", 30)
    slurm.kill_node_daemon("n2")
    wait_until(lambda: HOST.run(["cat", job.log]).out == b"begun\ndone\n", 30)
    slurm.ensure_nodes()
    assert until(SLURM, HOST, {job.token: handle})[job.token].state is JobState.COMPLETED


def test_a_node_goes_down(far: str, slurm: SlurmCluster) -> None:
    final = order(far, "sleep", "60", resources=Resources(partition="short", options=("--no-requeue",)))
    again = order(far, "sleep", "60", resources=Resources(partition="short"))
    handles = {each.token: started(each) for each in (final, again)}
    slurm.run("scontrol", "update", "nodename=n2", "state=down", "reason=test")
    until(SLURM, HOST, {final.token: handles[final.token]}, JobState.NODE_FAIL)
    seen = until(SLURM, HOST, {again.token: handles[again.token]}, JobState.PENDING)[again.token]
    assert seen.restarts == 1
    SLURM.cancel(HOST, {again.token: ""})
    assert end(again).state is JobState.CANCELLED


def test_somebody_else_cancels_it(far: str, slurm: SlurmCluster) -> None:
    job = order(far, "sleep", "60")
    slurm.run("scancel", started(job))
    assert end(job).state is JobState.CANCELLED


def test_slurm_takes_no_such_job(far: str, slurm: SlurmCluster) -> None:
    wrong = order(far, "true", resources=Resources(partition="nowhere"))
    with pytest.raises(ExecutorError, match="nowhere"):
        SLURM.submit(HOST, wrong)


def test_a_job_gets_a_clean_environment(far: str, slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("SBATCH_PARTITION", "short")  # a site's or a user's default still counts
    job = order(far, "sh", "-c", 'env; test -n "$HOME" && test -n "$USER$LOGNAME"')
    handle = SLURM.submit(HOST, job)
    assert end(job).state is JobState.COMPLETED
    log = HOST.read(job.log).decode()
    assert "secret" not in log
    assert "SLURM_JOB_PARTITION=short" in log
    assert "secret" not in slurm.run("scontrol", "show", "job", handle)


def test_accounting_tells_what_the_controller_has_forgotten(
    slurm_with_accounting: SlurmCluster, tmp_path: Path
) -> None:
    far = str(tmp_path / "far")
    jobs = [order(far, "sh", "-c", "exit 3"), order(far, "true"), order(far, "sleep", "60")]
    handles = {job.token: SLURM_WITH.submit(HOST, job) for job in jobs}
    until(SLURM_WITH, HOST, {jobs[2].token: handles[jobs[2].token]}, JobState.RUNNING)
    SLURM_WITH.cancel(HOST, {jobs[2].token: ""})
    before = until(SLURM_WITH, HOST, handles)
    deadline = time.monotonic() + 60
    while slurm_with_accounting.run("squeue", "-h", "-t", "all").strip():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    after = SLURM_WITH.look(HOST, handles)
    assert {token: seen.state for token, seen in after.items()} == {token: seen.state for token, seen in before.items()}
    assert [after[job.token].exit_code for job in jobs[:2]] == [3, 0]
    assert "CANCELLED by" in after[jobs[2].token].reason
    # The number alone is not enough.
    assert SLURM_WITH.look(HOST, {"f" * 32: handles[jobs[0].token]}) == {}
    notes = SLURM_WITH.check(HOST, Resources(account="bilogy"))
    assert notes[0].hint == "Did you mean biology?"


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_soak_time_is_up_and_a_requeued_job_goes_on_in_its_log(far: str, slurm: SlurmCluster) -> None:
    words = "trap 'echo saved' USR2; echo up; while :; do sleep 0.1; done"
    timed = order(far, "sh", "-c", words, resources=Resources(time=60), grace=60)
    again = order(
        far, "sh", "-c", 'echo "start ${SLURM_RESTART_COUNT:-0}"; sleep 3', resources=Resources(partition="short")
    )
    handles = {each.token: started(each) for each in (timed, again)}
    slurm.run("scontrol", "update", "nodename=n2", "state=down", "reason=test")
    slurm.run("scontrol", "update", "nodename=n2", "state=resume", check=False)
    seen = until(SLURM, HOST, handles, seconds=200)
    assert seen[timed.token].state is JobState.TIMEOUT
    assert b"saved" in HOST.read(timed.log)
    assert seen[again.token].state is JobState.COMPLETED
    assert seen[again.token].restarts == 1
    assert HOST.read(again.log).count(b"start ") == 2


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_soak_controllers_killed_at_random(far: str, slurm: SlurmCluster) -> None:
    seed = int(os.environ.get("LABNB_SEED", time.time_ns() % 10**6))
    print(f"\nLABNB_SEED={seed}", file=sys.stderr)
    _controllers_killed_at_random(far, slurm, random.Random(seed), jobs=60, kills=12)


def _controllers_killed_at_random(far: str, slurm: SlurmCluster, chance: random.Random, jobs: int, kills: int) -> None:
    """Submit and follow as a caller does: who is unreachable is asked again, who is forgotten is submitted again."""
    orders = {job.token: job for job in (order(far, "sh", "-c", "echo ran >> count") for _ in range(jobs))}
    waiting, handles, ended = list(orders), {}, {}
    moments = sorted(chance.sample(range(1, 3 * kills + jobs), kills))
    step = 0
    deadline = time.monotonic() + 60 + 20 * kills
    while len(ended) < jobs:
        assert time.monotonic() < deadline, (waiting, handles)
        step += 1
        if moments and step >= moments[0]:
            moments.pop(0)
            time.sleep(chance.uniform(0, 0.3))
            slurm.stop_controller(chance.choice([signal.SIGTERM, signal.SIGKILL]))
            slurm.start_controller()
        try:
            if waiting:
                handles[waiting[0]] = SLURM.submit(HOST, orders[waiting[0]])
                waiting.pop(0)
            seen = SLURM.look(HOST, handles)
        except (HostUnreachable, ExecutorError):
            continue
        for token in list(handles):
            if token not in seen:
                del handles[token]
                waiting.append(token)
            elif seen[token].state.ended:
                ended[token] = seen[token]
                del handles[token]
    assert {seen.state for seen in ended.values()} == {JobState.COMPLETED}
    counts = [len(Path(job.folder, "count").read_text().split()) for job in orders.values()]
    # Slurm itself starts a job twice when it forgot it: never silently, since the runner's claim sees it.
    assert all(1 <= count <= 1 + kills for count in counts)
    print(f"\nstarted more than once: {sum(count > 1 for count in counts)} of {jobs}", file=sys.stderr)
