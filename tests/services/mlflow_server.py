"""Real MLflow servers on loopback: started, killed, started again on the same port and the same data."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

# Seconds; twelve of them are usual.
START = 120.0
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
_CLOCK = """
import time
now, ns = time.time, time.time_ns
time.time = lambda: now() + {0}
time.time_ns = lambda: ns() + {0} * 10**9
"""


class MlflowServer:
    """`mlflow server` with the backend at `backend` and artifacts below `folder`.

    `ahead` sets its clock wrong, in seconds.
    """

    def __init__(
        self, folder: Path, backend: str, *words: str, env: Mapping[str, str] | None = None, ahead: int = 0
    ) -> None:
        self.folder = folder
        self.backend = backend
        self.port = free_port()
        self._words = words
        self._env = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "_MLFLOW_"))}
        self._env |= {**_QUIET, **(env or {})}
        self._env.pop("PYTHONDONTWRITEBYTECODE", None)
        if ahead:
            site = folder / "clock"
            site.mkdir()
            (site / "sitecustomize.py").write_text(_CLOCK.format(ahead))
            self._env["PYTHONPATH"] = str(site)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, wait: bool = True) -> MlflowServer:
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
            "--backend-store-uri", self.backend, "--artifacts-destination", (self.folder / "artifacts").as_uri(),
            *self._words,
        ]  # fmt: skip
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._env, start_new_session=True,
                cwd=self.folder,
            )  # fmt: skip
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        deadline = time.monotonic() + START
        while not self.healthy():
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
            assert time.monotonic() < deadline, (self.folder / "server.log").read_text()[-3000:]
            time.sleep(0.1)

    def healthy(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """As a power cut does it: at once, with all of its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def ensure(self) -> None:
        if not self.lives:
            self.start()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
