"""A machine over SSH as a host."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import re
import shlex
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import asyncssh

from labnb.adapters.ssh_host import files
from labnb.adapters.ssh_host.connection import Connection
from labnb.adapters.ssh_host.errors import translate
from labnb.adapters.ssh_host.loop import loop, wait_for
from labnb.model.errors import ConfigError, HostUnreachable
from labnb.ports.host import Finished

T = TypeVar("T")
_ADDRESS = re.compile(
    r"ssh://(?:(?P<user>[^@/\s]+)@)?(?P<host>\[[^\]\s]+\]|[^-:/@\[\]\s][^:/@\[\]\s]*)(?::(?P<port>\d{1,5}))?/?"
)
# Seconds that moving files may take without anything being moved; a connection that died is noticed much earlier.
MOVING = 3600.0


class SshHost:
    """A machine at `ssh://[user@]name[:port]`; the name may be one of ~/.ssh/config."""

    local = False

    def __init__(self, address: str) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise ConfigError(f"A host cannot be {address!r}.", "Write ssh://name or ssh://user@name:22.")
        self.address = address.rstrip("/")
        self._who = (unquote(found["user"] or ""), found["host"].strip("[]"), int(found["port"] or 0))
        self._connection: tuple[asyncio.AbstractEventLoop, Connection] | None = None
        _open.add(self)

    def run(self, command: Sequence[str], stdin: bytes = b"", timeout: float = 60.0) -> Finished:
        """Run a command, on a connection that stays open for the next one."""
        return wait_for(self._run(command_line(command), stdin, timeout, command[0]))

    def put(self, files_: Mapping[str, Path | bytes]) -> None:
        """Write files over SFTP."""
        self._move(files.put(self._connected(), files_))

    def get(self, paths: Mapping[str, Path]) -> None:
        """Fetch files over SFTP."""
        self._move(files.get(self._connected(), paths))

    def read(self, path: str, offset: int = 0, limit: int = 1_000_000) -> bytes:
        """Read a part of a file over SFTP."""
        return self._move(files.read(self._connected(), path, offset, limit))

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None and self._connection[0] is loop():
            wait_for(self._connection[1].close())

    def _connected(self) -> Connection:
        here = loop()
        if self._connection is None or self._connection[0] is not here:
            self._connection = (here, Connection(self.address, *self._who))
        return self._connection[1]

    def _move(self, work: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            try:
                return await asyncio.wait_for(work, MOVING)
            except asyncio.TimeoutError:
                raise HostUnreachable(f"{self.address} did not take the files in time.") from None

        return wait_for(bounded())

    async def _run(self, line: str, stdin: bytes, timeout: float, name: str) -> Finished:
        connection = self._connected()
        give = {"input": stdin} if stdin else {"stdin": asyncssh.DEVNULL}
        async with connection.channels:
            for attempt in (1, 2, 3):
                made = await connection.get()
                try:
                    done = await made.run(line, encoding=None, check=False, timeout=timeout, **give)
                    break
                except asyncssh.ChannelOpenError as error:
                    # The command has not begun: the connection went, or others have all its channels.
                    if attempt == 3:
                        raise translate(error, self.address) from error
                    await (connection.lost() if made.is_closed() or attempt == 2 else asyncio.sleep(0.2))
                except asyncssh.TimeoutError:
                    raise HostUnreachable(f"{name} on {self.address} did not answer within {timeout:g} s.") from None
                except (asyncssh.Error, OSError) as error:
                    raise translate(error, self.address) from error
        out, err = bytes(done.stdout or b""), bytes(done.stderr or b"")  # type: ignore[arg-type]
        if done.returncode is None:
            raise HostUnreachable(f"The connection to {self.address} was lost while {name} ran.")
        return Finished(done.returncode if done.returncode >= 0 else 128 - done.returncode, out, err)


def command_line(command: Sequence[str]) -> str:
    """Write the one line that SSH hands to the user's own shell, whichever that is.

    Words in single quotes mean the same to sh, fish and csh, unless they hold line ends or "!": then each odd sign is
    spelled as a number, and a plain shell takes it from there.
    """
    line = " ".join(shlex.quote(word) for word in command)
    if not re.search(r"[\n!\\]", line):
        return line
    spelled = "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\0{byte:03o}"
        for byte in line.encode(errors="surrogateescape")
    )
    return f"exec sh -c 'eval \"$(printf %b \"$1\")\"' sh '{spelled}'"


_open: weakref.WeakSet[SshHost] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for host in list(_open):
        with contextlib.suppress(Exception):
            host.close()
