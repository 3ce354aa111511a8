"""A host in memory, and the contract that every host keeps.

The contract is a class of tests: derive from `HostContract` in a test module and give it the fixtures `host` and `far`
(a folder on that host which nobody else uses, as text).
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from labnb.model.errors import HostUnreachable, LabError, NotFound
from labnb.ports.host import Finished, Host

ODD = "a b'c\"d $(touch x) `id` \\ ; & | * ? #! %j ä\nsecond line"


class MemoryHost:
    """Keeps files in memory and runs nothing: `answer` says what a command gives.

    `before` is called with the name of each call, and may raise to make it fail.
    """

    def __init__(self, local: bool = False) -> None:
        self.local = local
        self.files: dict[str, bytes] = {}
        self.commands: list[tuple[str, ...]] = []
        self.answer: Callable[[Sequence[str], bytes], Finished] = lambda command, stdin: Finished(0, b"", b"")
        self.before: Callable[[str], None] = lambda call: None

    def run(self, command: Sequence[str], stdin: bytes = b"", timeout: float = 60.0) -> Finished:
        """Note the command and answer it."""
        self.before("run")
        self.commands.append(tuple(command))
        return self.answer(command, stdin)

    def put(self, files: Mapping[str, Path | bytes]) -> None:
        """Keep files."""
        self.before("put")
        for name, content in files.items():
            self.files[name] = content if isinstance(content, bytes) else content.read_bytes()

    def get(self, paths: Mapping[str, Path]) -> None:
        """Give files."""
        self.before("get")
        for name, path in paths.items():
            if name in self.files:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.files[name])
        for name in paths:
            self._held(name)

    def read(self, path: str, offset: int = 0, limit: int = 1_000_000) -> bytes:
        """Give a part of a file."""
        self.before("read")
        return self._held(path)[offset : offset + limit]

    def close(self) -> None:
        """Do nothing."""

    def _held(self, name: str) -> bytes:
        if name not in self.files:
            raise NotFound(f"There is no file {name}.")
        return self.files[name]


def raised(call: Callable[[], object]) -> LabError:
    """Give the error that a call raises."""
    try:
        call()
    except LabError as error:
        return error
    raise AssertionError("nothing was raised")


class HostContract:
    """What every host does; `host` and `far` are fixtures of the deriving class's module."""

    def test_words_arrive_as_they_are(self, host: Host) -> None:
        words = [ODD, "", "  ", "-n", "~/x", "${HOME}", "it's", "!x", "\\0101"]
        done = host.run(["printf", "%s\\0", *words])
        assert done.code == 0, done.err
        assert done.out.decode().split("\0")[:-1] == words

    def test_bytes_in_and_out(self, host: Host) -> None:
        given = bytes(range(256)) * 4000
        assert host.run(["cat"], stdin=given) == Finished(0, given, b"")
        assert host.run(["cat"]).out == b""
        assert host.run(["sh", "-c", "echo wrong >&2; exit 7"]) == Finished(7, b"", b"wrong\n")

    def test_codes(self, host: Host) -> None:
        assert host.run(["sh", "-c", "kill -9 $$"]).code == 137
        assert host.run(["labnb-no-such-command"]).code == 127

    def test_one_that_takes_too_long(self, host: Host) -> None:
        began = time.monotonic()
        error = raised(lambda: host.run(["sleep", "30"], timeout=0.3))
        assert isinstance(error, HostUnreachable)
        assert "sleep" in error.message
        assert time.monotonic() - began < 10
        assert host.run(["true"]).code == 0

    def test_files_there_and_back(self, host: Host, far: str, tmp_path: Path) -> None:
        large = tmp_path / "large"
        large.write_bytes(os.urandom(3_000_000))
        odd = f"{far}/deep/er/{ODD}"
        host.put({odd: b"\x00\xff", f"{far}/large": large, f"{far}/empty": b""})
        assert host.read(odd) == b"\x00\xff"
        host.put({odd: b"again"})
        host.get({odd: tmp_path / "near" / "odd", f"{far}/large": tmp_path / "near" / "large"})
        assert (tmp_path / "near" / "odd").read_bytes() == b"again"
        assert (tmp_path / "near" / "large").read_bytes() == large.read_bytes()
        assert host.read(f"{far}/empty") == b""
        assert host.run(["ls", "-A", far]).out.split() == [b"deep", b"empty", b"large"]

    def test_files_are_the_users_own(self, host: Host, far: str, tmp_path: Path) -> None:
        host.put({f"{far}/new/file": b"x"})
        assert host.run(["stat", "-c", "%a", f"{far}/new", f"{far}/new/file"]).out.split() == [b"700", b"600"]
        host.get({f"{far}/new/file": tmp_path / "fetched"})
        assert stat.S_IMODE((tmp_path / "fetched").stat().st_mode) == 0o600

    def test_parts_of_files(self, host: Host, far: str) -> None:
        host.put({f"{far}/log": b"0123456789"})
        assert host.read(f"{far}/log", 3, 4) == b"3456"
        assert host.read(f"{far}/log", 8) == b"89"
        assert host.read(f"{far}/log", 10) == b""
        assert host.read(f"{far}/log", 99) == b""

    def test_what_is_not_there(self, host: Host, far: str, tmp_path: Path) -> None:
        host.put({f"{far}/here": b"x"})
        both = {f"{far}/nowhere": tmp_path / "a", f"{far}/here": tmp_path / "b"}
        for call in (lambda: host.read(f"{far}/nowhere"), lambda: host.get(both)):
            error = raised(call)
            assert isinstance(error, NotFound)
            assert "nowhere" in error.message
        assert (tmp_path / "b").read_bytes() == b"x"
        assert not (tmp_path / "a").exists()

    def test_home(self, host: Host) -> None:
        host.put({"~/.labnb-contract": b"home"})
        assert host.read("~/.labnb-contract") == b"home"
        assert host.run(["sh", "-c", 'cat "$HOME/.labnb-contract"; rm "$HOME/.labnb-contract"']).out == b"home"

    def test_many_at_once(self, host: Host, far: str) -> None:
        told: dict[int, bytes] = {}

        def work(number: int) -> None:
            host.put({f"{far}/{number}": str(number).encode()})
            told[number] = host.run(["cat", f"{far}/{number}"]).out + host.read(f"{far}/{number}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == {number: f"{number}{number}".encode() for number in range(20)}

    def test_it_can_be_used_after_it_was_closed(self, host: Host) -> None:
        assert host.run(["true"]).code == 0
        host.close()
        host.close()
        assert host.run(["true"]).code == 0
