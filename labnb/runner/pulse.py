"""What happens beside the cell while it runs: the job's sign of life, its log, displays and use of the machine."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from labnb.model.job_request import JobRequest
from labnb.runfolder.job_paths import JobPaths
from labnb.runfolder.journal import Journal
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import write_atomic
from labnb.runner.usage import Usage

TICK = 0.5
BEAT_EVERY = 2.0
SYSTEM_EVERY = 5.0


class Pulse:
    """A thread that lives as long as the job. Each failing listener is tried again at the next beat."""

    def __init__(
        self, paths: JobPaths, request: JobRequest, journal: Journal, starts: int, often: Callable[[], None]
    ) -> None:
        self._paths = paths
        self._journal = journal
        self._often = often
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="labnb-pulse", daemon=True)
        self.usage = Usage()
        self.state: dict[str, Any] = {
            "state": "RUNNING",
            "uid": request.uid,
            "token": request.token,
            "host": socket.gethostname(),
            "node": os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
            "pid": os.getpid(),
            "owner": dataclasses.asdict(Owner.this()),
            "python": platform.python_version(),
            "slurm": {name: os.environ[name] for name in _SLURM if name in os.environ},
            "started": time.time(),
            "starts": starts,
        }

    def start(self) -> None:
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, with a last look at what is used."""
        self._done.set()
        self._thread.join(timeout=10)
        with contextlib.suppress(Exception):
            self.usage.look()

    def tell(self, **facts: Any) -> None:
        """Add facts to job/state.json at once."""
        with self._lock:
            self.state.update(facts)
        self.beat()

    def beat(self) -> None:
        """Write job/state.json."""
        with self._lock, contextlib.suppress(OSError):
            self.state.update(beat=time.time(), used=dict(self.usage.used))
            write_atomic(self._paths.state, json.dumps(self.state))

    def _run(self) -> None:
        began = time.monotonic()
        beat_at = system_at = BEAT_EVERY
        while not self._done.wait(TICK):
            elapsed = time.monotonic() - began + TICK / 2
            beat, system = elapsed >= beat_at, elapsed >= system_at
            beat_at += BEAT_EVERY if beat else 0
            system_at += SYSTEM_EVERY if system else 0
            with contextlib.suppress(Exception):
                self._often()
            if beat or system:
                with contextlib.suppress(Exception):
                    load = self.usage.look()
                    if system:
                        self._journal.metrics({**load, **self.usage.gpus()})
                self.beat()
            # The sign of life by which the end of a killed run is told.
            with contextlib.suppress(OSError):
                os.utime(self._paths.run.journal)


_SLURM = ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_PARTITION", "SLURM_RESTART_COUNT")
