"""Whether the process that wrote a run still lives."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

from labnb.runfolder.owner import Owner


def of(pid: int) -> Owner:
    from labnb.runfolder.owner import _started

    return Owner(Owner.this().host, pid, _started(pid))


def test_this_process_lives() -> None:
    assert Owner.this().lives()
    assert not Owner.this().rebooted()


def test_a_process_that_ended_does_not_live() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = of(process.pid)
    assert owner.lives()
    process.kill()
    deadline = time.monotonic() + 10
    while owner.lives() and time.monotonic() < deadline:  # dead, but nobody has collected it yet
        time.sleep(0.01)
    assert not owner.lives()
    process.communicate()
    assert not owner.lives()


def test_a_pid_used_again_is_told_apart() -> None:
    mine = Owner.this()
    boot, _, ticks = mine.started.partition(":")
    assert not dataclasses.replace(mine, started=f"{boot}:{int(ticks) + 1}").lives()
    assert not dataclasses.replace(mine, started=f"{'0' * len(boot)}:{ticks}").lives()
    assert dataclasses.replace(mine, started=f"{'0' * len(boot)}:{ticks}").rebooted()


def test_another_host_is_taken_to_live() -> None:
    assert Owner("elsewhere", 1, "x:1").lives()
    assert not Owner("elsewhere", 1, "x:1").rebooted()


def test_without_a_start_the_pid_alone_decides() -> None:
    host = Owner.this().host
    assert Owner(host, os.getpid(), "").lives()
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not Owner(host, process.pid, "").lives()


def test_the_nearest_counter_that_is_left_tells_of_a_lack_of_memory(tmp_path: Path) -> None:
    """A job's control group goes with the job; the machine's count stays. Both versions of control groups are read."""
    group, machine = tmp_path / "memory.oom_control", tmp_path / "vmstat"
    group.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    machine.write_text("pgfault 3\noom_kill 7\n")
    owner = dataclasses.replace(Owner.this(), oom=f"{group}:1\n{machine}:7")
    assert not owner.memory_ran_out()
    machine.write_text("oom_kill 8\n")  # somebody else's
    assert not owner.memory_ran_out()
    group.write_text("oom_kill 2\n")
    assert owner.memory_ran_out()
    group.unlink()
    assert owner.memory_ran_out()
    machine.write_text("oom_kill 7\n")
    assert not owner.memory_ran_out()
    assert not dataclasses.replace(owner, oom="").memory_ran_out()
    assert not dataclasses.replace(owner, oom="nonsense").memory_ran_out()


def test_this_process_knows_where_it_would_be_counted() -> None:
    files = [line.rpartition(":")[0] for line in Owner.this().oom.splitlines()]
    assert all(Path(file).is_file() for file in files)
    assert files[-1:] == (["/proc/vmstat"] if "oom_kill" in Path("/proc/vmstat").read_text() else files[-1:])
