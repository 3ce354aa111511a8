"""Processes that record cells as a kernel does, at a part of a kernel's cost: IPython's shell alone.

Such a session tells on a pipe what it did, right after it did it: a witness that does not pass through labnb.
`did("step", n=3)` in a cell adds to it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass
class Session:
    """A process that runs cells; `told` are the lines of its witness."""

    pid: int
    pipe: int
    told: list[dict[str, Any]] = field(default_factory=list)
    rest: bytes = b""
    status: int | None = None

    def listen(self, seconds: float, until: str | None = None) -> bool:
        """Read what it tells, for so long or until it tells of this kind; False at its end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self.pipe], [], [], left)
            if not ready:
                return True
            data = os.read(self.pipe, 65536)
            if not data:
                return False
            *lines, self.rest = (self.rest + data).split(b"\n")
            fresh = [json.loads(line) for line in lines]
            self.told.extend(fresh)
            if until is not None and any(item["did"] == until for item in fresh):
                return True
        return True

    def kill(self) -> float:
        """kill -9; gives the moment, in seconds since the epoch."""
        moment = time.time()
        os.kill(self.pid, signal.SIGKILL)
        self.end()
        return moment

    def end(self, seconds: float = 120) -> int:
        """Wait for its end; gives the exit code, negative for a signal."""
        while self.listen(seconds):
            pass
        os.close(self.pipe)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def of(self, did: str) -> list[dict[str, Any]]:
        return [item for item in self.told if item["did"] == did]


# Runs in the session: `did` tells the witness.
_CHILD = """
import json as _json, os as _os, time as _time
def did(what, **facts):
    _os.write(WITNESS, (_json.dumps({"did": what, "t": _time.time(), **facts}) + chr(10)).encode())
"""


def play(folder: Path, cells: Sequence[str], witness: int) -> int:
    """Run cells in a new shell of this process; an exit code of 1 tells that a cell failed."""
    os.chdir(folder)
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell

    HistoryManager.enabled = False
    shell = InteractiveShell()
    shell.user_ns["WITNESS"] = witness
    shell.run_cell(_CHILD, store_history=False)
    did = shell.user_ns["did"]
    code = 0
    result = shell.run_cell("%load_ext labnb")
    did("load")
    for cell in cells:
        result = shell.run_cell(cell, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        did("cell", ok=result.success, error=repr(error) if error else None, result=repr(result.result))
        code = code or int(not result.success)
    return code


def start(folder: Path, cells: Sequence[str], log: Path, wrap: Sequence[str] = (), **env: str) -> Session:
    """Start a session that runs the cells, perhaps through another command (`setpriv`, `prlimit`)."""
    ours, theirs = os.pipe()
    command = [*wrap, sys.executable, "-m", "tests.driver", str(folder), str(theirs), json.dumps(list(cells))]
    with open(log, "ab") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            pass_fds=(theirs,),
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **env},
        )
    os.close(theirs)
    process.returncode = 0  # it is waited for by its pid, here
    return Session(process.pid, ours)


if __name__ == "__main__":
    raise SystemExit(play(Path(sys.argv[1]), json.loads(sys.argv[3]), int(sys.argv[2])))
