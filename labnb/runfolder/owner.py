"""Whose process writes a run, and whether it still lives."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A process in another container cannot be seen from here; one that gives no sign for so long (seconds) is gone.
LONG_QUIET = 600.0


@dataclass(frozen=True)  # no slots: it travels with the runner of jobs (Python 3.9)
class Owner:
    """A process: host, pid, and when it started.

    `started` is the boot's id and the clock ticks since boot: a pid that was used again is told apart. `space` names
    the pid namespace (a container has its own). `oom` names the files in which Linux counts processes that it killed
    for lack of memory, each with the count at the start, the nearest first, a line each; "" where there are none.
    """

    host: str
    pid: int
    started: str
    space: str = ""
    oom: str = ""

    @staticmethod
    def this() -> Owner:
        pid = os.getpid()
        return Owner(socket.gethostname(), pid, _started(pid), _space(), _oom())

    @staticmethod
    def from_json(data: dict[str, Any]) -> Owner:
        """Read what `dataclasses.asdict` gave; raises TypeError or ValueError. Unknown fields are passed over."""
        known = {f.name for f in dataclasses.fields(Owner)}
        owner = Owner(**{name: value for name, value in data.items() if name in known})
        return dataclasses.replace(owner, pid=int(owner.pid))

    def lives(self, quiet: float = 0.0) -> bool:
        """Whether the process is there. One on another host is taken to live: only that host can tell.

        `quiet` are the seconds since its last sign, which decide where the process cannot be seen.
        """
        if self.host != socket.gethostname():
            return True
        if self.rebooted():
            return False
        if self.space and self.space != _space():
            return quiet < LONG_QUIET
        now = _started(self.pid)
        if now and self.started:
            return now == self.started
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:  # another user's, and /proc hides those here
            return True
        return not self.started

    def rebooted(self) -> bool:
        """Whether this machine was started again since; False where that is not known."""
        boot = self.started.partition(":")[0]
        return bool(boot) and self.host == socket.gethostname() and boot != _boot()

    def memory_ran_out(self) -> bool:
        """Whether Linux has killed a process for lack of memory since; not necessarily this one.

        The nearest counter that is still there decides: a control group goes with its job.
        """
        if self.rebooted():
            return False
        for line in self.oom.splitlines():
            file, _, before = line.rpartition(":")
            now = _oom_kills(Path(file)) if file else None
            if now is not None and before.isdigit():
                return now > int(before)
        return False


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


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _oom() -> str:
    """Name the counters that this process would be counted in: that of its control group, and the machine's."""
    found = []
    for place in (*_groups(), Path("/proc/vmstat")):
        count = _oom_kills(place)
        if count is not None:
            found.append(f"{place}:{count}")
    return "\n".join(found)


def _groups() -> list[Path]:
    """Name the files of this process's control group that may hold the count: of version 2, and of version 1."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            number, kinds, path = line.split(":", 2)
            if number == "0":
                root, name = Path("/sys/fs/cgroup"), "memory.events"
            elif "memory" in kinds.split(","):
                root, name = Path("/sys/fs/cgroup/memory"), "memory.oom_control"
            else:
                continue
            group = root / path.lstrip("/")
            # In a container the group may be the root of what is seen of them.
            found.append((group if group.is_dir() else root) / name)
    return found


def _oom_kills(file: Path) -> int | None:
    try:
        with open(file, "rb", buffering=0) as lines:
            found = re.search(rb"^oom_kill (\d+)$", lines.read(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None
