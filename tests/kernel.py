"""A real IPython kernel that runs cells as a front end would."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_client.manager import KernelManager

from labnb.lab import Lab, open_lab
from labnb.model.card import MIME
from labnb.model.run import Run


@dataclass
class Reply:
    """What a front end got for one cell."""

    status: str
    count: int
    outputs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def stdout(self) -> str:
        return "".join(o["text"] for o in self.outputs if o.get("name") == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(o["text"] for o in self.outputs if o.get("name") == "stderr")

    @property
    def result(self) -> str | None:
        return next((o["data"]["text/plain"] for o in self.outputs if o["output_type"] == "execute_result"), None)

    @property
    def error(self) -> dict[str, Any] | None:
        return next((o for o in self.outputs if o["output_type"] == "error"), None)

    @property
    def card(self) -> dict[str, Any] | None:
        cards = [o["data"] for o in self.outputs if MIME in o.get("data", {})]
        return cards[-1] if cards else None

    @property
    def run(self) -> dict[str, Any]:
        assert self.card is not None, f"no card: {self.outputs}"
        data: dict[str, Any] = self.card[MIME]
        return data

    def without_card(self) -> list[dict[str, Any]]:
        return [o for o in self.outputs if MIME not in o.get("data", {})]


class Kernel:
    """Starts in a folder; `run` executes a cell and waits for its end."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self._env = env

    def __enter__(self) -> Kernel:
        env = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", **self._env}
        # Most tests ask the run folder; those that ask MLflow set this to 1.
        env.setdefault("LABNB_PUBLISHER", "0")
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(self.folder), env=env)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    @property
    def lab(self) -> Lab:
        return open_lab(self.folder)

    @property
    def pid(self) -> int:
        pid = self.manager.provisioner.pid  # type: ignore[union-attr]
        assert isinstance(pid, int)
        return pid

    def load(self) -> None:
        reply = self.run("%load_ext labnb")
        assert reply.status == "ok", reply.outputs

    def recorded(self, source: str, line: str = "") -> tuple[Reply, Run]:
        """Run a cell below `%%labrun` and give the run as it was recorded."""
        reply = self.run(f"%%labrun {line}\n{source}")
        return reply, self.lab.browse.run(reply.run["uid"])

    def send(self, source: str, cell_id: str | None = None) -> str:
        """Ask for a cell and do not wait."""
        content = {
            "code": source, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": True,
        }  # fmt: skip
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run(self, source: str, cell_id: str | None = None, timeout: float = 90) -> Reply:
        return self.wait(self.send(source, cell_id), timeout)

    def wait(self, msg_id: str, timeout: float = 90) -> Reply:
        """Collect the outputs of a cell until the kernel is idle, with updates applied as a front end applies them."""
        outputs: list[dict[str, Any]] = []
        by_id: dict[str, list[dict[str, Any]]] = {}
        clear = False
        end = time.monotonic() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, end - time.monotonic()))
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind == "clear_output":
                clear = content["wait"]
                if not clear:
                    outputs.clear()
                continue
            if kind not in ("stream", "display_data", "execute_result", "error", "update_display_data"):
                continue
            display_id = content.get("transient", {}).get("display_id")
            if kind == "update_display_data":
                for output in by_id.get(display_id, []):
                    output.update(data=content["data"], metadata=content["metadata"])
                continue
            if clear:
                outputs.clear()
                clear = False
            if kind == "stream" and outputs and outputs[-1].get("name") == content["name"]:
                outputs[-1]["text"] += content["text"]
                continue
            output = {"output_type": kind, **content}
            outputs.append(output)
            if display_id:
                by_id.setdefault(display_id, []).append(output)
        reply = self.client.get_shell_msg(timeout=10)
        while reply["parent_header"].get("msg_id") != msg_id:
            reply = self.client.get_shell_msg(timeout=10)
        return Reply(reply["content"]["status"], reply["content"].get("execution_count", 0), outputs)
