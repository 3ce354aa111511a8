"""The process in which DVC's own library works for labnb: one request on standard input, one answer on standard output.

Lines of JSON. `{"moved": bytes}` tells progress; the last line is the answer, or `{"error": {code, message, hint}}`.
The end of standard input means that nobody waits for the answer any more.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from labnb.model.errors import DataStoreError, LabError

Tell = Callable[[int], None]


def main() -> int:
    """Answer the request on standard input."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What libraries print is no answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    logging.disable(logging.ERROR)
    try:
        answer = _answer(request, _Told(out))
    except LabError as error:
        answer = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
    print(json.dumps(answer), file=out, flush=True)
    out.close()
    # Event loops of file systems would keep us here; there is nothing left to write.
    os._exit(0)


def _leave_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


class _Told:
    """Sums up what is moved, and tells it ten times a second."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._lock = out, threading.Lock()
        self._sum, self._last = 0, 0.0

    def __call__(self, size: int) -> None:
        with self._lock:
            self._sum += size
            now = time.monotonic()
            if now - self._last > 0.1 and self._sum:
                self._last = now
                print(json.dumps({"moved": self._sum}), file=self._out, flush=True)
                self._sum = 0


def _answer(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    if request["do"] == "claim":
        return _claim(request["top"], request["path"])
    from labnb.adapters.dvc import moving

    return moving.answer(request, tell)


def _claim(top: str, path: str) -> dict[str, Any]:
    """See that nothing of the project stands against `path` as a dataset, and have git ignore it, as `dvc add` does."""
    from dvc.exceptions import DvcException
    from dvc.output import OutputAlreadyTrackedError
    from dvc.repo import Repo
    from dvc.repo.add import get_or_create_stage, translate_graph_error
    from dvc.stage.exceptions import StageExternalOutputsError

    written: list[str] = []
    try:
        with contextlib.closing(Repo(top)) as repo, repo.scm_context(quiet=True) as context:
            stage, _ = get_or_create_stage(repo, path)
            with translate_graph_error([stage]):
                repo.check_graph(stages=[stage])
            out = stage.outs[0]
            out.ignore()
            written += [os.path.join(os.getcwd(), name) for name in context.files_to_track]
            context.files_to_track = set()  # the caller stages with the pointer, where that is wanted
            return {"pointer": stage.path, "import": bool(stage.deps), "written": written}
    except OutputAlreadyTrackedError as error:
        raise DataStoreError(
            f"{path} is tracked by git: DVC and git cannot both have it.",
            f"git rm -r --cached {os.path.relpath(path, top)}, commit that, and add it then.",
        ) from error
    except StageExternalOutputsError as error:
        raise DataStoreError(
            f"{path} lies outside the DVC project {top}.", "Move it there, or add it there."
        ) from error
    except DvcException as error:
        lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
        raise DataStoreError(lines[0] if lines else type(error).__name__, " ".join(lines[1:])) from error


if __name__ == "__main__":
    sys.exit(main())
