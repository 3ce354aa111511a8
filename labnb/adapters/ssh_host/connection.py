"""One connection to a host: made at first use, watched, and made again after it is lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncssh

from labnb.adapters.ssh_host.errors import translate
from labnb.model.errors import HostError, HostRefused, HostUnreachable

#: A server gives 10 sessions on one connection by default; files take one of them.
CHANNELS = 8
CONNECT = 20.0
# Seconds between two signs of life, and how many may be missed, where ~/.ssh/config says nothing.
ALIVE, MISSED = 5, 3
# Seconds that a host which did not answer is left alone: the first time, and at most.
PAUSE, LONGEST_PAUSE = 0.5, 30.0


class Connection:
    """Gives asyncssh's connection to an address. Used on the loop only."""

    def __init__(self, address: str, user: str, host: str, port: int) -> None:
        self.address = address
        self.channels = asyncio.Semaphore(CHANNELS)
        self._who: dict[str, Any] = {"host": host}
        if user:
            self._who["username"] = user
        if port:
            self._who["port"] = port
        self._lock = asyncio.Lock()
        self._made: asyncssh.SSHClientConnection | None = None
        self._files: asyncssh.SFTPClient | None = None
        self._home = ""
        self._pause = 0.0
        self._not_before = 0.0
        self._trouble: HostError | None = None

    async def get(self) -> asyncssh.SSHClientConnection:
        """Give the connection; raises HostRefused or HostUnreachable."""
        async with self._lock:
            if self._made is not None and not self._made.is_closed():
                return self._made
            self._made = self._files = None
            if self._trouble is not None and time.monotonic() < self._not_before:
                raise type(self._trouble)(self._trouble.message, self._trouble.hint)
            try:
                self._made = await self._connect()
            except (asyncssh.Error, OSError, ValueError, HostError, asyncio.TimeoutError) as error:
                self._trouble = translate(error, self.address)
                self._pause = min(LONGEST_PAUSE, max(PAUSE, self._pause * 2))
                self._not_before = time.monotonic() + self._pause
                raise self._trouble from error
            self._pause, self._trouble = 0.0, None
            return self._made

    async def files(self) -> asyncssh.SFTPClient:
        """Give the one SFTP session of the connection."""
        made = await self.get()
        async with self._lock:
            if self._files is None:
                self._files = await made.start_sftp_client()
            return self._files

    async def home(self) -> str:
        """Give the home folder there: that of commands, which SFTP need not share."""
        if not self._home:
            made = await self.get()
            async with self.channels:
                done = await made.run('printf %s "$HOME"', stdin=asyncssh.DEVNULL, check=False)
            self._home = str(done.stdout or "").strip()
            if done.exit_status is None or not self._home:
                raise HostUnreachable(f"The connection to {self.address} was lost.")
        return self._home

    async def lost(self) -> None:
        """Let go of a connection on which nothing comes any more."""
        made, self._made, self._files = self._made, None, None
        if made is not None:
            made.abort()

    async def close(self) -> None:
        """End the connection; the next use makes it anew, at once."""
        made, self._made, self._files = self._made, None, None
        self._trouble, self._pause = None, 0.0
        if made is not None:
            made.close()
            try:
                await asyncio.wait_for(made.wait_closed(), 2)
            except (asyncssh.Error, OSError, asyncio.TimeoutError):
                made.abort()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        options = await asyncssh.SSHClientConnectionOptions.construct(config=(), **self._who)
        more: dict[str, Any] = {}
        if not options.keepalive_interval:
            more = {"keepalive_interval": ALIVE, "keepalive_count_max": MISSED}
        known = _existing(options.known_hosts)
        if options.known_hosts is not None:
            more["known_hosts"] = known
        client = _Client(self.address, known, options.host_key_alias)
        try:
            made, _ = await asyncio.wait_for(
                asyncssh.create_connection(lambda: client, **self._who, **more), options.connect_timeout or CONNECT
            )
        except asyncssh.HostKeyNotVerifiable:
            if client.refusal is not None:
                raise client.refusal from None
            raise
        return made


def _existing(named: Any) -> Any:
    """Leave out the files of known hosts that are not there: asyncssh fails at one, ssh does not."""
    if isinstance(named, list):
        files = [Path(str(name)).expanduser() for name in named] or [Path.home() / ".ssh" / "known_hosts"]
        return [str(path) for path in files if path.is_file()] or b""
    return named


class _Client(asyncssh.SSHClient):
    """Looks at the key of a host that known_hosts does not vouch for, says what that means, and never accepts it."""

    def __init__(self, address: str, known: Any, alias: str | None) -> None:
        self.address, self.known, self.alias = address, known, alias
        self.refusal: HostRefused | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        named = self.alias or host
        trusted = []
        if self.known:
            trusted = list(asyncssh.match_known_hosts(self.known, named, addr, port if port != 22 else None)[0])
        print_ = key.get_fingerprint()
        name = self.address.removeprefix("ssh://")
        listed = named if port == 22 else f"[{named}]:{port}"
        if trusted:
            before = " and ".join(sorted({other.get_fingerprint() for other in trusted}))
            self.refusal = HostRefused(
                f"{self.address} is not who it was: its key is {print_}, and known_hosts has {before}.",
                "labnb told it nothing: somebody may be between you and the host. Ask its administrators whether the "
                f"key was changed; only then: ssh-keygen -R '{listed}', and `ssh {name}` once in a terminal.",
            )
        else:
            self.refusal = HostRefused(
                f"{self.address} is not known here: its key {print_} is not in known_hosts.",
                f"Do `ssh {name}` once in a terminal, compare the key with what its administrators publish, accept it.",
            )
        return False
