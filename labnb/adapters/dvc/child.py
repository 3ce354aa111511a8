"""Runs DVC's own library in a process beside this one: kernels need not load it, and it can be ended at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labnb.model.address import without_secrets
from labnb.model.errors import (
    DataStoreError,
    LabError,
    NotFound,
    StoreCorrupt,
    StoreRefused,
    StoreUnreachable,
    UsageError,
)

# The folder of the user's project is no place to import from: a random.py may lie there.
_START = (
    "import sys; sys.path[:1] = []; sys.path.append(sys.argv[1]); "
    "from labnb.adapters.dvc.worker import main; sys.exit(main())"
)
_HOME = str(Path(__file__).resolve().parents[3])
_KINDS: dict[str, type[LabError]] = {
    error.code: error for error in (NotFound, StoreCorrupt, StoreRefused, StoreUnreachable, UsageError)
}
_GRACE = 3.0


def ask(top: str, request: dict[str, Any], advance: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Have the child do one thing in the DVC project at `top`, and give its answer.

    `advance` is told bytes as they are moved. Raises the LabError that the child names. An interruption ends the
    child before it goes on; if this process is killed, the child ends by itself.
    """
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        [sys.executable, "-c", _START, _HOME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=top,
        env=environment,
        start_new_session=True,  # the terminal's Ctrl-C comes to us alone, and nobody is asked for a password there
    ) as child:
        try:
            return _talk(child, {"top": top, **request}, advance)
        finally:
            _end(child)


def _talk(
    child: subprocess.Popen[bytes], request: dict[str, Any], advance: Callable[[int], None] | None
) -> dict[str, Any]:
    assert child.stdin is not None
    assert child.stdout is not None
    complaint = _Complaint(child)
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()  # and stays open: its end tells the child that we are gone
    for line in child.stdout:
        answer = json.loads(line)
        if "moved" in answer:
            if advance is not None:
                advance(int(answer["moved"]))
        elif "error" in answer:
            error = answer["error"]
            raise _KINDS.get(error["code"], DataStoreError)(error["message"], error["hint"])
        else:
            return dict(answer)
    raise DataStoreError(f"DVC ended before its work was done: {complaint.text()}.", "Try again.")


class _Complaint:
    """What the child says on its standard error, the end of it."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._tail = b""
        self._thread = threading.Thread(target=self._read, name="labnb-dvc-stderr", daemon=True)
        self._thread.start()

    def text(self) -> str:
        code = self._child.wait()
        self._thread.join(_GRACE)
        lines = [line for line in self._tail.decode("utf-8", "replace").splitlines() if line.strip()]
        return without_secrets(lines[-1].strip(" .")) if lines else f"exit code {code}"

    def _read(self) -> None:
        assert self._child.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._child.stderr.fileno(), 8192):
                self._tail = (self._tail + chunk)[-8192:]


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()
    try:
        child.wait(0.5)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.terminate()
        try:
            child.wait(_GRACE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            child.kill()
            child.wait()
