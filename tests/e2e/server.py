"""A JupyterLab, or Notebook 7, of its own for the tests: private folders, a free port, no news."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Saving asks for no name.
    "@jupyterlab/docmanager-extension/plugin": {"renameUntitledFileOnSave": False},
    # Cells out of sight stay in the page, so that tests find them.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True)
class Front:
    """What shows notebooks: the module that starts it, and its name in the configuration."""

    module: str
    app: str


JUPYTERLAB = Front("jupyterlab", "LabApp")
NOTEBOOK = Front("notebook", "JupyterNotebookApp")


@dataclass(frozen=True)
class LabServer:
    """A running JupyterLab or Notebook, and the folder that it serves."""

    url: str
    token: str
    root: Path
    log: Path

    def address(self, path: str = "lab") -> str:
        return f"{self.url}/{path}?token={self.token}&reset"


@contextmanager
def running_lab(folder: Path, front: Front = JUPYTERLAB, packages: Path | None = None) -> Iterator[LabServer]:
    """Start JupyterLab, or what is named, with everything it writes inside `folder`; stop it at the end.

    It imports from `packages` too, as if they were installed.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = LabServer(f"http://127.0.0.1:{port}", secrets.token_hex(16), folder / "work", folder / "log")
    server.root.mkdir()
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command(server, port, front), env=environment(folder, packages), cwd=server.root, stdout=log, stderr=log
        )
    try:
        wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def command(server: LabServer, port: int, front: Front) -> list[str]:
    return [
        *(sys.executable, "-m", front.module),
        *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--port-retries=0"),
        f"--ServerApp.root_dir={server.root}",
        f"--IdentityProvider.token={server.token}",
        "--LabApp.extension_manager=readonly",
        f"--{front.app}.expose_app_in_browser=True",
    ]


def environment(folder: Path, packages: Path | None) -> dict[str, str]:
    private = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for plugin, values in SETTINGS.items():
        path = folder / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    path = {} if packages is None else {"PYTHONPATH": str(packages)}
    return {**os.environ, **path, **{name: str(folder / place) for name, place in private.items()}}


def wait_until_up(server: LabServer, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{server.url}/api?token={server.token}", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise AssertionError(f"The server did not come up:\n{server.log.read_text(errors='replace')}")
