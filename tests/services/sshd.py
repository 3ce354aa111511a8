"""An SSH server of one's own: on loopback, with its own keys, and a home that is not that of the tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.needs import need
from tests.services.mlflow_server import free_port
from tests.services.slurm import end_with_parent, listens

_SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
PidFile {root}/sshd.pid
AuthorizedKeysFile {root}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
LogLevel VERBOSE
MaxStartups 100
SetEnv {env}
"""
_CLIENT = """\
Host lab
  HostName 127.0.0.1
  Port {port}
  IdentityFile {root}/id
  IdentitiesOnly yes
  UserKnownHostsFile {root}/known_hosts
  ServerAliveInterval 1
  ServerAliveCountMax 2
"""


class Sshd:
    """Started on entry, gone on exit; the host is `ssh://lab` for whoever has `home` as HOME.

    `home` is the near side's (with .ssh/config), `far` the far side's HOME. `env` is set for whatever runs there.
    """

    address = "ssh://lab"

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._program = need("sshd")
        self.port = free_port()
        self._given = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sshd:
        self.root = Path(tempfile.mkdtemp(prefix="labnb-sshd-"))
        self.home, self.far = self.root / "home", self.root / "far"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.far.mkdir(mode=0o700)
        for name in ("host_key", "id", "other_key"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "labnb-test", "-f", str(self.root / name)]
            subprocess.run(words, check=True)
        shutil.copy(self.root / "id.pub", self.root / "authorized_keys")
        self.know("host_key")
        # A value may hold no blanks here; HOME is what makes this another machine in all but the kernel.
        env = {**self._given, "HOME": str(self.far)}
        settings = " ".join(f'"{name}={text}"' for name, text in env.items())
        (self.root / "sshd_config").write_text(_SERVER.format(port=self.port, root=self.root, env=settings))
        (self.home / ".ssh" / "config").write_text(_CLIENT.format(port=self.port, root=self.root))
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def know(self, key: str) -> None:
        """Write the client's known_hosts: the server has this key ("" for none at all)."""
        text = f"[127.0.0.1]:{self.port} {(self.root / f'{key}.pub').read_text()}" if key else ""
        (self.root / "known_hosts").write_text(text)

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where the server separates its privileges
        with open(self.root / "sshd.log", "ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", "-e", "-f", str(self.root / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        deadline = time.monotonic() + 20
        while not listens(self.port):
            assert self._process.poll() is None, (self.root / "sshd.log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def ensure(self) -> None:
        """Bring back what a test stopped or changed."""
        self.signal_sessions(signal.SIGCONT)
        self.know("host_key")
        if self._process is None or self._process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """End the server and its connections."""
        if self._process is None:
            return
        self.signal_sessions(signal.SIGCONT)
        self.signal_sessions(signal.SIGKILL)
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def die(self) -> None:
        """Have the machine die: the server, its connections, and every command that they run."""
        assert self._process is not None
        dying, todo = [], [self._process.pid]
        while todo:
            dying.append(todo.pop())
            todo += _children(dying[-1])
        for pid in dying:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None

    def cut(self) -> None:
        """Cut every connection."""
        self.signal_sessions(signal.SIGKILL)

    def freeze(self) -> None:
        """Have every connection hang, as a network that drops packets does."""
        self.signal_sessions(signal.SIGSTOP)

    def signal_sessions(self, number: int) -> list[int]:
        """Signal the processes that serve connections; gives their pids."""
        pids = self.sessions()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    def sessions(self) -> list[int]:
        """The pids of the processes that serve connections: those below the listener that are sshd."""
        found, todo = [], [self._process.pid] if self._process else []
        while todo:
            for child in _children(todo.pop()):
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{child}/comm").read_text().strip().startswith("sshd"):
                        found.append(child)
                        todo.append(child)
        return found


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
