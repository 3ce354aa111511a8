"""How Slurm's answers are read, and how often it is asked, without a cluster."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from labnb.adapters.slurm import SlurmExecutor
from labnb.adapters.slurm.commands import COLUMNS
from labnb.adapters.slurm.limits import objections, parse
from labnb.adapters.slurm.states import from_sacct, from_squeue
from labnb.model.errors import ExecutorError, HostUnreachable
from labnb.model.job import JobState
from labnb.model.resources import Resources
from labnb.ports.host import Finished
from labnb.testing.host import MemoryHost

TOKEN = "0123456789abcdef0123456789abcdef"


def row(**given: str) -> str:
    usual = {
        "JobID": "7",
        "State": "RUNNING",
        "exit_code": "0",
        "RestartCnt": "0",
        "SubmitTime": "1700000000",
        "StartTime": "1700000005",
        "EndTime": "1700000105",
        "Reason": "None",
        "NodeList": "n1",
        "Name": f"fit.{TOKEN[-12:]}",
        "Comment": f"labnb:{TOKEN}",
    }
    return "".join({**usual, **given}[name].ljust(width) for name, width in COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("state", "meant"),
    [
        ("PENDING", JobState.PENDING),
        ("CONFIGURING", JobState.PENDING),
        ("REQUEUE_HOLD", JobState.PENDING),
        ("RUNNING", JobState.RUNNING),
        ("COMPLETING", JobState.RUNNING),
        ("SUSPENDED", JobState.RUNNING),
        ("COMPLETED", JobState.COMPLETED),
        ("FAILED", JobState.FAILED),
        ("CANCELLED", JobState.CANCELLED),
        ("PREEMPTED", JobState.CANCELLED),
        ("TIMEOUT", JobState.TIMEOUT),
        ("DEADLINE", JobState.TIMEOUT),
        ("OUT_OF_MEMORY", JobState.OUT_OF_MEMORY),
        ("NODE_FAIL", JobState.NODE_FAIL),
        ("BOOT_FAIL", JobState.NODE_FAIL),
        ("A_WORD_OF_TOMORROW", JobState.RUNNING),
    ],
)
def test_states(state: str, meant: JobState) -> None:
    assert from_squeue(row(State=state), {TOKEN: "7"})[TOKEN].state is meant


def test_a_row() -> None:
    seen = from_squeue(row(State="FAILED", exit_code="768", Reason="NonZeroExitCode", RestartCnt="2"), {TOKEN: ""})[
        TOKEN
    ]
    assert (seen.exit_code, seen.reason, seen.restarts, seen.node) == (3, "NonZeroExitCode", 2, "n1")
    assert (seen.submitted, seen.started, seen.ended) == (1700000000.0, 1700000005.0, 1700000105.0)
    waiting = from_squeue(row(State="PENDING", Reason="Priority", NodeList="", StartTime="N/A"), {TOKEN: ""})[TOKEN]
    assert (waiting.reason, waiting.started, waiting.ended, waiting.node) == ("Priority", None, None, "")
    assert from_squeue(row(State="PREEMPTED"), {TOKEN: ""})[TOKEN].reason == "PREEMPTED"


def test_a_number_that_another_job_has_is_not_ours() -> None:
    text = row(Comment="labnb:another") + row(JobID="8", Comment="(null)", Name="fit.v2")
    assert from_squeue(text, {TOKEN: "7"}) == {}


def test_a_site_that_writes_comments_of_its_own() -> None:
    assert from_squeue(row(Comment="project 12 of biology"), {TOKEN: ""})[TOKEN].state is JobState.RUNNING


def test_accounting() -> None:
    text = (
        f"7|FAILED|3:0|1700000000|1700000005|1700000105|n1||00:00:10|fit.{TOKEN[-12:]}|\n"
        "7.batch|FAILED|3:0|1700000005|1700000005|1700000105|n1|2048K|01:02.500|batch|\n"
        "7.extern|COMPLETED|0:0|1700000005|1700000005|1700000105|n1|1M|00:00.001|extern|\n"
    )
    seen = from_sacct(text, {TOKEN: "7"})[TOKEN]
    assert (seen.state, seen.exit_code, seen.used) == (JobState.FAILED, 3, {"memory": 2 << 20, "cpu": 62.5})
    other = text.replace(TOKEN[-12:], "f" * 12)
    assert from_sacct(other, {TOKEN: "7"}) == {}
    by_somebody = f"7|CANCELLED by 1001|0:15|1|2|3|n1|||x|labnb:{TOKEN}|with a bar\n".replace("|with a bar", "")
    seen = from_sacct(by_somebody, {TOKEN: "7"})[TOKEN]
    assert (seen.state, seen.reason) == (JobState.CANCELLED, "CANCELLED by 1001")


def test_accounting_of_a_requeued_job_counts_its_starts() -> None:
    one = f"7|NODE_FAIL|0:0|1|2|3|n1|||x.{TOKEN[-12:]}|\n"
    seen = from_sacct(one + one.replace("NODE_FAIL", "COMPLETED"), {TOKEN: "7"})[TOKEN]
    assert (seen.state, seen.restarts) == (JobState.COMPLETED, 1)


class Slurm:
    """Answers as commands would: `squeue`, `sacct` are what these say."""

    def __init__(self, squeue: Finished, sacct: Finished) -> None:
        self.host = MemoryHost()
        self.squeue, self.sacct = squeue, sacct
        self.host.answer = self.answer
        self.asked: list[str] = []

    def answer(self, command: Sequence[str], stdin: bytes) -> Finished:
        self.asked.append("sacct" if "exec sacct" in command[2] else "squeue")
        return self.sacct if "exec sacct" in command[2] else self.squeue


def test_one_question_for_all_jobs() -> None:
    tokens = {f"{number:032x}": str(number) for number in range(500)}
    text = "".join(row(JobID=handle, Comment=f"labnb:{token}") for token, handle in tokens.items())
    slurm = Slurm(Finished(0, text.encode(), b""), Finished(1, b"", b"Slurm accounting storage is disabled"))
    executor = SlurmExecutor()
    assert len(executor.look(slurm.host, tokens)) == 500
    assert slurm.asked == ["squeue"]
    # Of those that it has forgotten, accounting is asked: once, where there is none.
    more = {**tokens, "f" * 32: "600", "e" * 32: ""}
    assert len(executor.look(slurm.host, more)) == 500
    assert len(executor.look(slurm.host, more)) == 500
    assert slurm.asked == ["squeue", "squeue", "sacct", "squeue"]
    # Another host is another cluster.
    other = Slurm(slurm.squeue, slurm.sacct)
    executor.look(other.host, more)
    assert other.asked == ["squeue", "sacct"]


def test_accounting_that_is_away_is_no_answer() -> None:
    slurm = Slurm(Finished(0, b"", b""), Finished(1, b"", b"sacct: error: Problem talking to the database: refused"))
    with pytest.raises(ExecutorError, match="Problem talking"):
        SlurmExecutor().look(slurm.host, {TOKEN: "7"})


def test_a_controller_that_is_away() -> None:
    away = b"slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    slurm = Slurm(Finished(1, b"", away), Finished(1, b"", b""))
    with pytest.raises(HostUnreachable, match="controller"):
        SlurmExecutor().look(slurm.host, {TOKEN: "7"})


def test_a_host_without_slurm() -> None:
    slurm = Slurm(Finished(127, b"", b"sh: squeue: not found"), Finished(1, b"", b""))
    with pytest.raises(ExecutorError, match="no Slurm on the host"):
        SlurmExecutor().look(slurm.host, {TOKEN: "7"})


CLUSTER = parse(
    "PartitionName=cpu AllowAccounts=ALL Default=YES MaxNodes=UNLIMITED MaxTime=2-00:00:00 State=UP\n"
    "PartitionName=gpu AllowAccounts=bio,chem Default=NO MaxNodes=1 MaxTime=08:00:00 State=UP\n"
    "PartitionName=old AllowAccounts=ALL Default=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED State=DOWN\n"
    "==\n"
    "cpu|64|256000|(null)|10|(null)\ngpu|32|512000|gpu:a100:4(S:0-1)|2|a100,nvme\ngpu|128|128000|(null)|1|big\n"
    "==\n"
    "bio|normal,high\nphysics|normal\n"
)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, []),
        ({"cpus": 64, "memory": "200G", "time": "2d", "account": "bio", "qos": "high"}, []),
        ({"partition": "gpu", "gpus": 4, "account": "bio", "constraint": "a100"}, []),
        ({"partition": "gpu,cpu", "time": "24h"}, []),
        ({"partition": "gpus"}, ["There is no partition 'gpus'."]),
        ({"gpus": 1}, ["gpus: 1 asked for, and a node of cpu has at most 0."]),
        ({"partition": "gpu", "time": "9h"}, ["time: 9:00:00 asked for, and partition gpu gives at most 8:00:00."]),
        ({"partition": "gpu", "nodes": 2}, ["nodes: 2 asked for, and partition gpu gives at most 1."]),
        (
            {"partition": "gpu", "gpus": 2, "cpus": 100},
            ["No node of partition gpu has all that is asked for at once."],
        ),
        ({"partition": "gpu", "account": "physics"}, ["Partition gpu is not open to account physics."]),
        ({"partition": "old"}, ["Partition old takes no jobs at present."]),
        ({"account": "boi"}, ["You have no account 'boi'."]),
        ({"qos": "higher"}, ["You have no qos 'higher'."]),
        ({"memory": "1T"}, ["memory: 1e+03 GB asked for, and a node of cpu has at most 268 GB."]),
    ],
)
def test_limits(asked: dict[str, object], said: list[str]) -> None:
    notes = list(objections(CLUSTER, Resources.parse(asked)))
    assert [note.message for note in notes] == said
    assert all(note.hint for note in notes)


def test_a_job_that_a_node_did_not_start_is_released_a_few_times() -> None:
    host, slurm = MemoryHost(), SlurmExecutor()
    held = row(JobID="9", State="PENDING", Reason="launch_failed_requeued_held")
    other = row(JobID="8", State="PENDING", Reason="launch_failed_requeued_held", Name="x", Comment="mine")
    host.answer = lambda command, stdin: Finished(0, (held + other).encode(), b"")
    for _ in range(5):
        assert slurm.look(host, {TOKEN: "9"})[TOKEN].reason == "launch_failed_requeued_held"
    asked = [command for command in host.commands if "scontrol release" in command[2]]
    assert [command[-1] for command in asked] == ["9"] * 3, "and nobody else's is touched"
