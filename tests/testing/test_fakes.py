"""The fakes that labnb ships do what their ports say, as far as they go."""

from __future__ import annotations

from pathlib import Path

import pytest

from labnb.model.errors import HostUnreachable, NotFound
from labnb.model.job import JobState
from labnb.ports.host import Finished
from labnb.testing.executor import MemoryExecutor, order, until
from labnb.testing.host import MemoryHost


def test_a_host_in_memory(tmp_path: Path) -> None:
    host = MemoryHost()
    host.put({"~/a": b"0123", "/b": b""})
    assert host.read("~/a", 1, 2) == b"12"
    with pytest.raises(NotFound):
        host.get({"/none": tmp_path / "none", "~/a": tmp_path / "near" / "a"})
    assert (tmp_path / "near" / "a").read_bytes() == b"0123"
    host.answer = lambda command, stdin: Finished(3, stdin, command[0].encode())
    assert host.run(["x"], stdin=b"in") == Finished(3, b"in", b"x")
    assert host.commands == [("x",)]

    def away(call: str) -> None:
        raise HostUnreachable(f"{call}: nobody there.")

    host.before = away
    with pytest.raises(HostUnreachable, match="read"):
        host.read("~/a")


def test_an_executor_in_memory() -> None:
    executor, host = MemoryExecutor(), MemoryHost()
    first, second = order("/far", "true"), order("/far", "true")
    assert executor.submit(host, first) == executor.submit(host, first) == "1"
    handles = {first.token: "1", second.token: executor.submit(host, second)}
    executor.see(first.token, JobState.COMPLETED, exit_code=0)
    executor.cancel(host, handles)
    seen = until(executor, host, handles)
    assert [seen[token].state for token in handles] == [JobState.COMPLETED, JobState.CANCELLED]
    assert executor.look(host, {"unknown": "9"}) == {}
    assert executor.calls[:3] == ["submit", "submit", "submit"]
