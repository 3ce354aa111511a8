"""Whose process writes a run, and whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: host, pid, and when it started.

    `started` is the boot's id and the clock ticks since boot: a pid that was used again is told apart.
    """

    host: str
    pid: int
    started: str

    @staticmethod
    def this() -> Owner:
        pid = os.getpid()
        return Owner(socket.gethostname(), pid, _started(pid))

    def lives(self) -> bool:
        """Whether the process is there. One on another host is taken to live: only that host can tell."""
        if self.host != socket.gethostname():
            return True
        if self.started:
            return _started(self.pid) == self.started
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def rebooted(self) -> bool:
        """Whether this machine was started again since; False where that is not known."""
        boot = self.started.partition(":")[0]
        return bool(boot) and self.host == socket.gethostname() and boot != _boot()


def _started(pid: int) -> str:
    try:
        boot = _boot()
        # The command name may hold spaces and brackets: the fields are counted after the last one.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    if fields[0] == "Z":
        return ""
    return f"{boot}:{fields[19]}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
