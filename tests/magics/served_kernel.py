"""A kernel as JupyterLab has it: the child of a Jupyter server, which may be killed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from queue import Empty
from types import TracebackType

from jupyter_client.blocking.client import BlockingKernelClient

from tests.magics.jobs_project import JobKernel, end_follower
from tests.services.mlflow_server import free_port


class ServedKernel(JobKernel):
    """Started through the server's own API; `kill` ends the server, and with it the kernel."""

    def __enter__(self) -> ServedKernel:
        private = self.folder.parent / "jupyter"
        folders = {f"JUPYTER_{name.upper()}_DIR": str(private / name) for name in ("config", "data", "runtime")}
        env = {**os.environ, "LABNB_PUBLISHER": "0", "LABNB_FOLLOWER_IDLE": "30", **folders, **self._env}
        port, token = free_port(), secrets.token_hex(8)
        words = [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
            *(f"--port={port}", "--port-retries=0", f"--IdentityProvider.token={token}"),
            f"--ServerApp.root_dir={self.folder}",
        ]
        # What makes it JupyterLab takes its time to load, and has no part in this.
        known = Path(sys.prefix, "etc", "jupyter", "jupyter_server_config.d").glob("*.json")
        off = {
            name: False for file in known for name in json.loads(file.read_text())["ServerApp"]["jpserver_extensions"]
        }
        (private / "config").mkdir(parents=True)
        settings = {"ServerApp": {"jpserver_extensions": off}}
        (private / "config" / "jupyter_server_config.json").write_text(json.dumps(settings))
        with open(private / "log", "wb") as log:
            self.server = subprocess.Popen(words, env=env, cwd=self.folder, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/api/kernels?token={token}"
            found = _ask_until_up(url, self.server, private / "log")
            self.client = BlockingKernelClient(connection_file=str(private / "runtime" / f"kernel-{found['id']}.json"))
            self.client.load_connection_file()
            self.client.start_channels(hb=False)  # its server watches its heart
            self._wait_for_ready()
            self.kernel_pid = int(self.run("import os; print(os.getpid())").stdout)
        except BaseException:
            self.kill()
            raise
        return self

    def _wait_for_ready(self, seconds: float = 60) -> None:
        """Ask until the kernel answers, and is heard on both channels."""
        deadline = time.monotonic() + seconds
        answered = heard = False
        while not (answered and heard):
            assert time.monotonic() < deadline
            self.client.kernel_info()
            with contextlib.suppress(Empty):
                self.client.get_shell_msg(timeout=1)
                answered = True
            with contextlib.suppress(Empty):
                self.client.get_iopub_msg(timeout=0.2)
                heard = True

    def kill(self) -> None:
        """SIGKILL the server; the kernel ends by itself once it sees that."""
        self.server.kill()
        self.server.wait()

    def kill_kernel(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.kernel_pid, signal.SIGKILL)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.stop_channels()
        self.kill()
        self.kill_kernel()
        end_follower(self.folder)


def _ask_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    """Start a kernel as soon as the server listens."""
    deadline = time.monotonic() + 60
    while True:
        request = urllib.request.Request(url, b'{"name": "python3"}', {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found: dict[str, str] = json.load(answer)
                return found
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert server.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.05)
