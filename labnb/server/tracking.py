"""The process that reads the lab's MLflow server for this one: started when runs are first asked for, ended with it."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from labnb.config import load_config
from labnb.model.address import without_secrets
from labnb.model.api import Tracking
from labnb.model.errors import LabError, StoreUnreachable
from labnb.model.run import MetricPoint, time_text

#: Seconds after which a question has the MLflow server asked again, where it answered and where it did not.
AGAIN, AGAIN_FAILED = 30.0, 120.0
Tell = Callable[[Sequence[str], Sequence[str]], None]


class TrackingReader:
    """Asks the other process, one question at a time, never on the way of who asks for runs."""

    def __init__(self, root: Path, count: Callable[[], int], tell: Tell, log: logging.Logger) -> None:
        self._root, self._count, self._tell, self._log = root, count, tell, log
        self._process: subprocess.Popen[str] | None = None
        self._asking = threading.Lock()
        self._busy = threading.Lock()
        self._asked: float | None = None
        self._reachable: bool | None = None
        self._message = ""
        self._next = 0.0
        self._uri = ""

    def state(self) -> Tracking | None:
        """Say how the MLflow server fares, and have it asked where that is long ago; None where none is named."""
        try:
            uri = load_config(self._root).tracking_uri
        except LabError:
            return None
        if not uri:
            return None
        if uri != self._uri:  # labnb.toml was changed: what is known is of another one
            self._uri, self._next, self._asked, self._reachable, self._message = uri, 0.0, None, None, ""
        if time.monotonic() >= self._next and self._busy.acquire(blocking=False):
            self._next = time.monotonic() + AGAIN
            threading.Thread(target=self._refresh, name="labnb-tracking", daemon=True).start()
        asked = time_text(self._asked) if self._asked else None
        return Tracking(without_secrets(uri), self._reachable, asked, self._count(), self._message)

    def points(self, run_id: str, names: Sequence[str]) -> list[MetricPoint]:
        """Ask for the points of some metrics of a run. Raises StoreUnreachable."""
        answer = self._ask({"ask": "points", "run_id": run_id, "names": list(names)})
        if "failed" in answer:
            raise StoreUnreachable(str(answer["failed"]))
        return [MetricPoint(**point) for point in answer["points"]]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def _refresh(self) -> None:
        uri = self._uri
        try:
            answer = self._ask({"ask": "refresh"})
            if uri != self._uri:
                return
            failed = str(answer.get("failed", ""))
            self._asked, self._reachable, self._message = time.time(), not failed, failed
            self._next = time.monotonic() + (AGAIN_FAILED if failed else AGAIN)
            if answer.get("changed") or answer.get("gone"):
                self._tell(answer["changed"], answer["gone"])
        except StoreUnreachable as error:
            self._reachable, self._message = False, str(error)
        finally:
            self._busy.release()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._asking:
            try:
                process = self._started()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(question) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
                answer = json.loads(line) if line else None
            except (OSError, ValueError) as error:
                answer = None
                self._log.debug("labnb: the reader of the MLflow server: %s", error)
            if not isinstance(answer, dict):
                self.close()
                raise StoreUnreachable("The lab's MLflow server could not be read.", "The server's log may say why.")
            return answer

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "labnb.cli.tracking_reader", str(self._root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                cwd=self._root,
            )
        return self._process
