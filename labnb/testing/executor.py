"""An executor in memory, and the contract that every executor keeps.

The contract is a class of tests: derive from `ExecutorContract` in a test module and give it the fixtures `executor`,
`host`, and `far` (a folder on that host which nobody else uses, as text; jobs must see it under the same name).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from labnb.model.job import JobState
from labnb.model.resources import Resources
from labnb.model.run import Note
from labnb.ports.executor import Executor, Order, Sight
from labnb.ports.host import Host
from labnb.testing.host import ODD


class MemoryExecutor:
    """Starts nothing: `see` says what becomes of a job. `before` is called with each call's name, and may raise."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.sights: dict[str, Sight] = {}
        self.notes: tuple[Note, ...] = ()
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda call: None

    def see(self, token: str, state: JobState, **more: Any) -> None:
        """Let a job have this state from now on."""
        self.sights[token] = replace(self.sights.get(token, Sight(state)), state=state, **more)

    def check(self, host: Host, resources: Resources) -> tuple[Note, ...]:
        """Give `notes`."""
        self._call("check")
        return self.notes

    def submit(self, host: Host, order: Order) -> str:
        """Keep the order."""
        self._call("submit")
        self.orders.setdefault(order.token, order)
        self.sights.setdefault(order.token, Sight(JobState.PENDING, submitted=time.time()))
        return str(1 + list(self.orders).index(order.token))

    def look(self, host: Host, tokens: Mapping[str, str]) -> dict[str, Sight]:
        """Give what was let be seen."""
        self._call("look")
        return {token: self.sights[token] for token in tokens if token in self.sights}

    def cancel(self, host: Host, tokens: Mapping[str, str]) -> None:
        """End jobs."""
        self._call("cancel")
        for token in tokens:
            if token in self.sights and not self.sights[token].state.ended:
                self.see(token, JobState.CANCELLED, ended=time.time())

    def _call(self, name: str) -> None:
        self.before(name)
        self.calls.append(name)


def order(far: str, *command: str, **more: Any) -> Order:
    """Make an order with a token of its own, in a folder of its own below `far`."""
    token = uuid.uuid4().hex
    folder = more.pop("folder", f"{far}/{token}")
    more = {"name": "a job", "log": f"{folder}/log.txt", **more}
    return Order(token=token, folder=folder, command=command, **more)


def until(
    executor: Executor, host: Host, tokens: Mapping[str, str], wanted: JobState | None = None, seconds: float = 60
) -> dict[str, Sight]:
    """Look until all jobs have ended, or have the state that is wanted; fails when that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        seen = executor.look(host, tokens)
        if len(seen) == len(tokens) and all(
            sight.state is wanted if wanted else sight.state.ended for sight in seen.values()
        ):
            return seen
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)


class ExecutorContract:
    """What every executor does; `executor`, `host` and `far` are fixtures of the deriving class's module."""

    def test_how_jobs_end(self, executor: Executor, host: Host, far: str) -> None:
        good = order(far, "sh", "-c", "echo out; echo err >&2; pwd")
        bad = order(far, "sh", "-c", "echo before; exit 3")
        dead = order(far, "sh", "-c", "kill -SEGV $$")
        none = order(far, "labnb-no-such-command")
        began = time.time()
        handles = {each.token: executor.submit(host, each) for each in (good, bad, dead, none)}
        assert all(handles.values())
        seen = until(executor, host, handles)
        assert seen[good.token].state is JobState.COMPLETED
        assert seen[good.token].exit_code == 0
        assert {seen[each.token].state for each in (bad, dead, none)} == {JobState.FAILED}
        assert [seen[each.token].exit_code for each in (bad, dead, none)] == [3, 139, 127]
        sight = seen[good.token]
        assert sight.submitted is not None
        assert sight.started is not None
        assert sight.ended is not None
        assert began - 2 < sight.submitted <= sight.started + 1 <= sight.ended + 2 < time.time() + 4
        assert sight.node
        assert host.read(good.log).decode().splitlines() == ["out", "err", good.folder]
        assert host.read(bad.log) == b"before\n"

    def test_twice_is_once(self, executor: Executor, host: Host, far: str) -> None:
        once = order(far, "sh", "-c", "echo ran >> count; sleep 0.2")
        handles = {executor.submit(host, once) for _ in range(3)}
        assert len(handles) == 1
        until(executor, host, {once.token: handles.pop()})
        executor.submit(host, once)
        until(executor, host, {once.token: ""})
        assert host.read(f"{once.folder}/count") == b"ran\n"

    def test_odd_names(self, executor: Executor, host: Host, far: str) -> None:
        odd = order(far, "printf", "%s\\n", ODD, "$HOME", folder=f"{far}/{ODD}", name=ODD)
        seen = until(executor, host, {odd.token: executor.submit(host, odd)})
        assert seen[odd.token].state is JobState.COMPLETED, seen
        assert host.read(odd.log).decode() == f"{ODD}\n$HOME\n"
        assert host.run(["ls", odd.folder]).out == b"log.txt\n"

    def test_setup_goes_before(self, executor: Executor, host: Host, far: str) -> None:
        given = order(far, "sh", "-c", 'echo "$COLOUR"', setup=("COLOUR='dark  red'", "export COLOUR"))
        failing = order(far, "echo", "never", setup=("exit 9",))
        handles = {each.token: executor.submit(host, each) for each in (given, failing)}
        seen = until(executor, host, handles)
        assert host.read(given.log) == b"dark  red\n"
        assert seen[failing.token].exit_code == 9

    def test_cancelling(self, executor: Executor, host: Host, far: str) -> None:
        kind = order(far, "sh", "-c", "trap 'echo saved; exit 143' TERM; echo up; while :; do sleep 0.05; done")
        deaf = order(far, "sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done", grace=1)
        handles = {each.token: executor.submit(host, each) for each in (kind, deaf)}
        for each in (kind, deaf):
            _until_log(host, each, b"up\n")
        waits = order(far, "echo", "never", after=(handles[kind.token],))
        handles[waits.token] = executor.submit(host, waits)
        # By token alone: whoever cancels may never have learnt the handle.
        executor.cancel(host, dict.fromkeys(handles, ""))
        seen = until(executor, host, handles)
        assert {sight.state for sight in seen.values()} == {JobState.CANCELLED}
        assert host.read(kind.log).startswith(b"up\nsaved\n") or b"saved" in host.read(kind.log)
        executor.cancel(host, handles)
        assert until(executor, host, handles) == seen

    def test_one_after_another(self, executor: Executor, host: Host, far: str) -> None:
        first = order(far, "sh", "-c", "sleep 0.3; date +%s%N")
        bad = order(far, "false")
        handles = {each.token: executor.submit(host, each) for each in (first, bad)}
        second = order(far, "date", "+%s%N", after=(handles[first.token],))
        never = order(far, "echo", "never", after=(handles[first.token], handles[bad.token]))
        handles |= {each.token: executor.submit(host, each) for each in (second, never)}
        seen = until(executor, host, handles)
        assert seen[second.token].state is JobState.COMPLETED
        assert int(host.read(first.log)) < int(host.read(second.log))
        assert seen[never.token].state is JobState.CANCELLED
        assert "Dependency" in seen[never.token].reason

    def test_nobody_knows_it(self, executor: Executor, host: Host) -> None:
        assert executor.look(host, {}) == {}
        assert executor.look(host, {"0" * 32: "", "1" * 32: "987654321"}) == {}
        executor.cancel(host, {})

    def test_what_can_be_had(self, executor: Executor, host: Host) -> None:
        assert executor.check(host, Resources(cpus=1, memory=10_000_000)) == ()
        notes = executor.check(host, Resources(cpus=100_000))
        assert "100000" in notes[0].message
        assert notes[0].hint


def _until_log(host: Host, job: Order, start: bytes, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while host.run(["cat", job.log]).out[: len(start)] != start:
        assert time.monotonic() < deadline
        time.sleep(0.05)
