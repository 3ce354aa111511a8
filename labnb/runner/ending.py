"""How a job ended: everything that job/end.json says, written last."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from labnb.model.job_request import JobRequest
from labnb.runfolder.job_paths import JobPaths
from labnb.runner.facts import environment
from labnb.runner.files import Files
from labnb.runner.log import Mask
from labnb.runner.pulse import Pulse
from labnb.runner.restore import NotRestored, carry_cloudpickle
from labnb.runner.script import own_lines
from labnb.runner.stop import Signals
from labnb.runner.values import keep_error, keep_values, write_whole

_CODES = {"COMPLETED": 0, "CANCELLED": 143, "TIMEOUT": 143}


class Ending:
    """Gathers the end of a job. Each part is taken on its own: one that fails becomes a note."""

    def __init__(self, paths: JobPaths, request: JobRequest, pulse: Pulse, mask: Mask, carried: str) -> None:
        self._paths = paths
        self._request = request
        self._pulse = pulse
        self._mask = mask
        self._carried = carried
        self._notes: list[dict[str, str]] = []
        self._values: dict[str, Any] = {}
        self._final = True
        self.state = "COMPLETED"
        self.cause = ""
        self.code = 0
        self.error: dict[str, Any] | None = None

    def note(self, code: str, message: str, hint: str = "") -> None:
        """Add something that the reader of the record must know."""
        self._notes.append({"code": code, "message": self._mask.text(message), "hint": hint})

    @contextlib.contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Take one part of the record; where it fails, a note says so and the rest goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a full disk, the cell's own objects: the end is still to be told
            self.note("incomplete", f"{what} could not be kept whole: {type(error).__name__}: {_message(error)}.")

    def take_error(self, error: BaseException | None, prepared: bool, signals: Signals) -> None:
        """Tell from what ended the cell how the job ended."""
        if signals.asked:
            # Slurm tells nobody whether it will start the job again; who cancels it here leaves word before.
            self._final = "SLURM_JOB_ID" not in os.environ or self._paths.cancel.exists()
            self.state = signals.word()
            self.cause = f"told to stop by {signals.asked}"
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            return
        lines, line = [f"{type(error).__name__}: {_message(error)}"], None
        with self.part("The traceback"):
            lines, line = own_lines(error, self._request.label)
        kind, message = type(error).__name__, _message(error)
        if not prepared and isinstance(error, NotRestored):
            kind, lines = "NotRestored", [message]
        self.error = {
            "type": "KeyboardInterrupt" if kind == "Stopped" else kind,
            "message": self._mask.text(message),
            "traceback": self._mask.text("\n".join(lines)),
            "line": line,
            "pickled": False,
        }
        if signals.asked:
            return
        self.state, self.cause = "FAILED", f"{kind}: {self.error['message']}" if message else kind
        if isinstance(error, SystemExit):
            self.cause = f"the cell left with exit code {error.code}"
        if isinstance(error, MemoryError):
            self.state = "OUT_OF_MEMORY"
            self.cause = self._out_of_memory(message)
        if prepared:
            digest = keep_error(error, self._paths.error, carry_cloudpickle(self._carried))
            self.error.update(pickled=bool(digest), digest=digest)

    def take_values(self, names: dict[str, Any]) -> None:
        """Keep the values that were asked for."""
        if self._request.out:
            self._values = keep_values(self._request, self._paths, names, carry_cloudpickle(self._carried))

    def list_values(self) -> None:
        """Write job/values.json: what came back, and why the rest did not."""
        if self._values:
            write_whole(self._paths.values, json.dumps(self._values, indent=1))

    def take_files(self, files: Files) -> None:
        """Tell which files the cell read and wrote."""
        late = files.write(self._paths.files)
        if late:
            some = ", ".join(late[:3]) + (f" and {len(late) - 3} more" if len(late) > 3 else "")
            self.note("files", f"The content of {some} was not digested: that would have taken too long.")

    def write(self) -> int:
        """Write job/end.json, the last file of the job, and give its exit code.

        Where a scheduler that may start the job again has stopped this start, it is job/stopped.json: the job ends
        when the scheduler says so.
        """
        self.code = _CODES.get(self.state, 1)
        used = dict(self._pulse.usage.used)
        used.pop("memory_now", None)
        state = self._pulse.state
        told = {
            "state": self.state,
            "cause": self.cause,
            "exit_code": self.code,
            "error": self.error,
            "started": state["started"],
            "ended": time.time(),
            "used": used,
            "host": state["host"],
            "node": state["node"],
            "pid": os.getpid(),
            "starts": state["starts"],
            "slurm": state["slurm"],
            "values": sorted(self._values),
            "notes": self._notes,
            "uid": self._request.uid,
            "token": self._request.token,
        }
        with self.part("The environment of the job"):
            told["environment"] = environment()
        self._told = told
        try:
            target = self._paths.end if self._final else self._paths.stopped
            write_whole(target, json.dumps(told, indent=1, default=str))
        except OSError as error:
            # Whoever started the job sees this, and the exit code.
            print(f"The end of the job ({self.state}) could not be written: {error}", file=sys.__stderr__)
        return self.code

    def notify(self) -> None:
        """Tell the address of the target that the job has ended."""
        if not self._request.notify or not self._final:
            return
        from labnb.runner.notify import notify

        name = self._request.name or self._request.uid[:8]
        where = f" on {self._request.target}" if self._request.target else ""
        text = f"{name}{where}: {self.state}" + (f" ({self.cause})" if self.cause else "")
        seconds = round(self._told["ended"] - self._told["started"], 1)
        told = {"text": text, "job": self._request.uid, "name": name, "target": self._request.target}
        failed = notify(self._request.notify, {**told, "state": self.state, "cause": self.cause, "seconds": seconds})
        if failed:
            with open(self._paths.output, "a", encoding="utf-8") as file:
                file.write(failed + "\n")

    def _out_of_memory(self, message: str) -> str:
        asked = f"{self._request.memory / 1e9:.1f} GB asked for" if self._request.memory else "no limit asked for"
        peak = self._pulse.usage.used.get("memory", 0.0)
        return f"out of memory: {asked}, {peak / 1e9:.1f} GB used at the peak ({message or 'MemoryError'})"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the researcher's own class
        return "(its text could not be made)"
