"""One recording: everything that is opened before a cell and closed after it."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labnb.capture.output import OutputRecorder
from labnb.capture.pulse import Pulse
from labnb.lab import Lab
from labnb.magics.request import LabrunRequest
from labnb.model.card import card
from labnb.model.cell import Cell
from labnb.model.dataset import FileUse
from labnb.model.errors import LabError, nearest
from labnb.model.evidence import Evidence
from labnb.model.output import terminal_text
from labnb.model.run import MetricPoint, Note, Run, RunStatus, Value
from labnb.model.values import as_number, asked_params, slice_params
from labnb.runfolder.active import ActiveRun, activate, deactivate

if TYPE_CHECKING:
    from labnb.capture.earlier_reads import EarlierReads
    from labnb.capture.session import Session
    from labnb.model.closure import Closure

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Recording:
    """The record of one cell while it runs."""

    def __init__(
        self,
        shell: Any,
        lab: Lab,
        session: Session,
        watch: Any,
        reads: EarlierReads,
        request: LabrunRequest,
        cell: Cell,
    ) -> None:
        self._shell = shell
        self._lab = lab
        self._session = session
        self._watch = watch
        self._reads = reads
        self._request = request
        self._cell = cell
        self._output = OutputRecorder(shell)
        self._join = lab.mlflow_join()
        self._held_back = ""
        self._log_failed: bool = False
        self._displays_kept: int = 0
        self._keep_at: float = 0.0
        self._announced = False
        self._in_kernel = hasattr(shell, "kernel")

    def open(self, info: Any) -> None:
        """Begin the record. Raises OSError or LabError where there can be none; the cell is untouched then."""
        stem = Path(self._cell.notebook).stem if self._cell.notebook else "cell"
        name = self._request.name or f"{stem}-{self._cell.execution_count}"
        request = self._request
        opened = self._opened = self._lab.record_run.begin(self._cell, name, request.plain_params, request.tags)
        self._display_id = f"labnb-{opened.run.uid}"
        for param, value in self._request.params.items():
            self._session.assign(param, value)
        self._show(opened.run, 0.0, update=False)
        opened.notes.extend(self._lab.notes)
        with opened.part("mlflow", "What the cell logs to MLflow itself is"):
            self._join.begin(opened.run, self._lab.paths)
        with opened.part("output", "The outputs are"):
            self._output.start()
        activate(ActiveRun(opened.folder.paths, opened.journal, opened.redactor.clean_value))
        self._pulse = Pulse(self._beat, self._tick if self._in_kernel else None, self._system)
        with opened.part("pulse", "The log and the load of the machine are"):
            self._pulse.start()
        hints = self._hints(info)
        opened.ready()
        with opened.part("files", "The files that the cell reads and writes are"):
            self._watch.open(opened.folder.paths.files, hints)
        self._started = time.time()

    def close(self, result: Any) -> Run:
        """End the record: take what was seen, write it, show the card."""
        opened, ended = self._opened, time.time()
        status = status_of(result)
        with opened.part("end", "The end of the cell was"):
            error = _error(result, ()) and _error(result, self._output.so_far())
            self._lab.record_run.cell_ended(opened, status, ended, error)
        report = None
        with opened.part("files", "The files that the cell read and wrote were"):
            report = self._watch.close()
        self._pulse.stop()
        deactivate()
        shown: tuple[dict[str, Any], ...] = ()
        with opened.part("output", "The outputs were"):
            shown = self._output.stop()
            self._write_log(last=True)
        joined = None
        with opened.part("mlflow", "What the cell logged to MLflow itself was"):
            joined = self._join.end(status)
        closure = None
        with opened.part("closure", "What the cell needs from earlier cells was"):
            closure = self._closure()
        notes = list(report.notes) if report else []
        earlier: tuple[FileUse, ...] = ()
        with opened.part("files", "The files that earlier cells read were"):
            if closure is not None:
                known = {use.path for use in (*report.inputs, *report.outputs)} if report else set()
                earlier, told = self._reads.of(closure, self._lab.root, known)
                notes.extend(told)
        points: tuple[MetricPoint, ...] = ()
        params: dict[str, Value] = {}
        with opened.part("values", "Params and metrics were"):
            points, params = self._values(closure, notes)
        if joined is not None:
            params = {**params, **joined.params}
            notes.extend(joined.notes)
        outputs = report.outputs if report else ()
        if self._request.save:
            with opened.part("save", "What was to be saved was"):
                outputs, told = self._lab.data.saved(self._request.save, opened.run, status, outputs)
                notes.extend(told)
        evidence = Evidence(
            started=self._started,
            ended=ended,
            closure=closure,
            inputs=(*(report.inputs if report else ()), *earlier),
            outputs=outputs,
            params=params,
            points=(*points, *(joined.points if joined is not None else ())),
            tags=joined.tags if joined is not None else {},
            shown=shown,
            error=_error(result, shown),
            children=joined.children if joined is not None else (),
            notes=tuple(notes),
            parts={**self._reads.parts, **(report.parts if report else {})},
        )
        run = self._lab.record_run.finish(opened, status, evidence, self._kept)
        with opened.part("publisher", "The announcement of the end was"):
            self._lab.announce(run.uid)
        self._show(run, None, update=not self._output.cleared)
        return run

    def _kept(self, run: Run) -> None:
        """Large data that the cell read are kept now: publish and show it."""
        with contextlib.suppress(LabError):
            self._lab.announce(run.uid)
        self._show(run, None, update=not self._output.cleared)

    def _closure(self) -> Closure | None:
        from labnb.capture.slicing import slice_session

        *earlier, target = self._session.history
        return slice_session(earlier, target)

    def _values(self, closure: Closure | None, notes: list[Note]) -> tuple[tuple[MetricPoint, ...], dict[str, Value]]:
        """Read the metrics and params that were asked for by name, and the params of the slice."""
        names = self._shell.user_ns
        now = time.time()
        points = []
        for name in self._request.metrics:
            number = None
            try:
                number = as_number(eval(name, names, names))  # noqa: S307 - the researcher's own expression
            except Exception as error:  # noqa: BLE001
                hint = nearest(name, [key for key, value in names.items() if as_number(value) is not None])
                notes.append(Note("metric", f"The metric {name} was not recorded: {error}.", hint))
                continue
            if number is None:
                notes.append(Note("metric", f"The metric {name} was not recorded: it is no number."))
            else:
                points.append(MetricPoint(name, number, 0, now))
        params = slice_params(closure, frozenset(self._request.metrics)) if closure is not None else {}
        params.update(self._request.plain_params)
        for name in self._request.watched:
            if name in names:
                params.update(asked_params(name, names[name]))
            else:
                notes.append(Note("param", f"There is no {name} to record as a param.", nearest(name, names)))
        return tuple(points), params

    def _hints(self, info: Any) -> Iterable[str]:
        """Guess which files the cell may touch outside of the project: texts in it, and values of names in it."""
        source = getattr(info, "transformed_cell", None) or self._cell.source
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            return []
        found = []
        for node in ast.walk(tree):
            value = None
            if isinstance(node, ast.Constant):
                value = node.value
            elif isinstance(node, ast.Name):
                value = self._shell.user_ns.get(node.id)
            if isinstance(value, (str, os.PathLike)) and 0 < len(os.fspath(value)) < 4096:
                found.append(str(os.fspath(value)))
        return found

    def _show(self, run: Run, elapsed: float | None, *, update: bool) -> None:
        if self._request.quiet or (elapsed is not None and not self._in_kernel):
            return
        if not self._in_kernel:
            update = False
        self._shell.display_pub.publish(
            data=card(run, time.time(), elapsed),
            metadata={},
            transient={"display_id": self._display_id},
            update=update,
        )

    def _tick(self, elapsed: float) -> None:
        if not self._output.cleared:
            self._show(self._opened.folder.read(), elapsed, update=True)

    def _beat(self) -> None:
        """Half a second after the start, and every half second: the run goes on, others may see it."""
        if not self._announced:
            self._announced = True
            with self._opened.part("publisher", "The announcement of the run was"):
                self._lab.announce(self._opened.run.uid)
        self._write_log()
        # The sign of life by which the end of a killed run is told, to half a second.
        with contextlib.suppress(OSError):
            os.utime(self._opened.folder.paths.journal)

    def _system(self, load: dict[str, float]) -> None:
        self._opened.journal.metrics(load)

    def _write_log(self, last: bool = False) -> None:
        """Append fresh output to the log, whole lines only: a secret must not pass in two halves."""
        paths, clean = self._opened.folder.paths, self._opened.redactor.clean
        before = self._held_back
        text = before + self._output.fresh_text()
        if not last and len(text) < 100_000:
            text, newline, self._held_back = text.rpartition("\n")
            text += newline
        else:
            self._held_back = ""
        try:
            if text:
                with open(paths.log, "a", encoding="utf-8", errors="backslashreplace") as log:
                    log.write(clean(text, "the output"))
            if self._held_back != before or text:
                self._write_tail(clean(terminal_text(self._held_back), "the output"))
        except OSError as error:
            # A full disk: the log goes on where there is room; output.ipynb is written from memory.
            if not self._log_failed:
                self._log_failed = True
                self._opened.notes.append(Note("log", f"log.txt has gaps: {error.strerror or error}."))
        if not last:
            self._keep_displays()

    def _write_tail(self, text: str) -> None:
        tail = self._opened.folder.paths.log_tail
        if text:
            tail.write_text(text, encoding="utf-8", errors="backslashreplace")
        else:
            tail.unlink(missing_ok=True)

    def _keep_displays(self) -> None:
        """Keep figures and other displays too, so that they outlive the kernel; at a small part of the cell's time."""
        shown, now = self._output.displays, time.monotonic()
        if shown == self._displays_kept or now < self._keep_at:
            return
        self._displays_kept = shown
        log = self._opened.folder.paths.log
        # Text that is printed in between is told twice rather than lost.
        size = log.stat().st_size if log.exists() else 0
        with contextlib.suppress(OSError):
            self._lab.record_run.keep_output(self._opened, self._output.so_far(), size)
        self._keep_at = now + 20 * (time.monotonic() - now)


def status_of(result: Any) -> RunStatus:
    """FINISHED, FAILED where the cell raised, KILLED where the researcher interrupted it."""
    error = result.error_before_exec or result.error_in_exec if result is not None else None
    if error is None:
        return RunStatus.FINISHED
    if isinstance(error, KeyboardInterrupt):
        return RunStatus.KILLED
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return RunStatus.FINISHED
    return RunStatus.FAILED


def _error(result: Any, shown: Iterable[dict[str, Any]]) -> dict[str, str] | None:
    error = result.error_before_exec or result.error_in_exec if result is not None else None
    if error is None:
        return None
    lines = [line for item in shown if item["output_type"] == "error" for line in item["traceback"]]
    return {"type": type(error).__name__, "message": str(error), "traceback": _ANSI.sub("", "\n".join(lines))}
