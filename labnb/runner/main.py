"""Run a job: `python runner.pyz JOB_FOLDER`."""

from __future__ import annotations

import builtins
import contextlib
import faulthandler
import io
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from labnb.capture.output import OutputRecorder
from labnb.model.job_request import JobRequest
from labnb.model.output import output_notebook
from labnb.model.values import as_number, asked_params
from labnb.runfolder.active import ActiveRun, activate
from labnb.runfolder.checkpoint import checkpoint
from labnb.runfolder.job_paths import JobPaths
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import write_atomic
from labnb.runner.claim import Refusal, claim
from labnb.runner.door import open_door
from labnb.runner.ending import Ending
from labnb.runner.files import Files
from labnb.runner.log import Flush, Log, Mask, Pipe, Stream
from labnb.runner.mlflow_calls import hear_mlflow
from labnb.runner.pulse import Pulse
from labnb.runner.restore import NotRestored, restore
from labnb.runner.script import PlainShell, show_figures
from labnb.runner.stop import Signals, Stopped
from labnb.runner.values import Room

COMPLETED, RAISED, CLAIMED, STOPPED = 0, 1, 75, 143
USAGE = 2
#: Seconds that threads and exit functions of the cell may take after the end of the job was told.
_LINGER = 10.0


def main(arguments: list[str], carried: str) -> int:
    """Run the job of a folder; `carried` is the file that this program travelled in."""
    if len(arguments) != 1:
        print("usage: python runner.pyz JOB_FOLDER", file=sys.stderr)
        return USAGE
    paths = JobPaths(Path(os.path.abspath(arguments[0])))
    try:
        request = JobRequest.from_json(json.loads(paths.request.read_text(encoding="utf-8")))
        source = paths.cell.read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        print(f"{paths.folder} is no job folder: {error}", file=sys.stderr)
        return USAGE
    try:
        claimed = claim(paths)
    except OSError as error:
        print(f"The job cannot be claimed in {paths.folder}: {error}", file=sys.stderr)
        return RAISED
    if isinstance(claimed, Refusal):
        print(f"This start of the job does not run its cell: {claimed.why}.", file=sys.stderr)
        return CLAIMED
    try:
        for folder in (paths.folder, paths.home):
            os.chmod(folder, 0o700)
        running = Running(paths, request, source, claimed.starts, claimed.why, carried)
    except OSError as error:
        print(f"The record of the job cannot be written in {paths.folder}: {error}", file=sys.stderr)
        return RAISED
    return running.run()


class Running:
    """One run of a cell, from the claim to the end."""

    def __init__(self, paths: JobPaths, request: JobRequest, source: str, starts: int, why: str, carried: str) -> None:
        self._paths = paths
        self._request = request
        self._source = source
        self._carried = carried
        os.environ.update(request.environ)
        os.environ.setdefault("MPLBACKEND", "Agg")
        self._mask = Mask(os.environ)
        self._log = Log(paths.run, self._mask)
        self._journal = Journal(paths.run.journal)
        self._pulse = Pulse(paths, request, self._journal, starts, self._often)
        self._signals = Signals(request, self._log, lambda name: self._pulse.tell(signal=name, signal_at=time.time()))
        self._ending = Ending(paths, request, self._pulse, self._mask, carried)
        self._recorder: OutputRecorder | None = None
        self._flush = Flush()
        self._room = Room(paths.home / "room")
        self._displays = 0
        self._keep_at = 0.0
        if starts > 1:
            self._log.line(f"Start {starts} of the job: {why}.")
            self._journal.add("note", code="restarted", message=f"The cell was started {starts} times: {why}.")

    def run(self) -> int:
        """Run the cell and leave the record; give the exit code of the job."""
        mine = os.getpid()
        self._listen()
        activate(ActiveRun(self._paths.run, self._journal, self._mask.param))
        module = ModuleType("__main__")
        names = module.__dict__
        names["__builtins__"] = builtins
        sys.modules["__main__"] = module
        sys.argv[:] = [""]
        request = self._request
        root = request.project_folder or request.work_folder or os.getcwd()
        open_door(root)
        hear_mlflow(request.uid, self._journal, self._mask.param)
        files = Files(root, self._paths.folder, self._paths.run.files)
        error: BaseException | None = None
        self._shell: Any = PlainShell()
        self._prepared = False
        try:
            self._run_cell(module, files)
        except BaseException as raised:  # noqa: BLE001 - whatever ends the cell is the end of the job
            error = raised
        files.stop()
        if os.getpid() != mine:  # a child that the cell forked, and that left the cell
            os._exit(1 if error else 0)
        return self._finish(files, names, error)

    def _run_cell(self, module: ModuleType, files: Files) -> None:
        """Prepare and run the cell; a signal that ends the job interrupts it here and nowhere else."""
        self._signals.interrupt(Running._run_cell)
        if self._signals.asked:
            raise Stopped("the job was told to stop before its cell began")
        request, names = self._request, module.__dict__
        self._enter()
        if request.needs_ipython:
            from labnb.runner.interactive import interactive

            self._shell = interactive(module)
        self._recorder = OutputRecorder(self._shell)
        self._recorder.start()
        restore(request, names, self._carried)
        for name, value in request.bind.items():
            self._journal.add("param", name=name, value=self._mask.param(name, _simple(name, value)))
        self._prepared = True
        files.start()
        if request.needs_ipython:
            from labnb.runner.interactive import run_in

            run_in(self._shell, self._source, request.label)
        else:
            self._shell.run(self._source, request.label, names)

    def _finish(self, files: Files, names: dict[str, Any], error: BaseException | None) -> int:
        ending, prepared = self._ending, self._prepared
        sys.stdout, sys.stderr = self._streams  # the cell may have put others in their place
        self._room.half()
        ending.take_error(error, prepared, self._signals)
        with ending.part("The end of the output"):
            if isinstance(self._shell, PlainShell) and error is not None and ending.error is not None:
                self._shell.show_error(error, ending.error["traceback"].split("\n"))
            show_figures(self._shell.display_pub.publish)
        if prepared:
            with ending.part("Params and metrics"):
                self._record(names)
            with ending.part("The values of the cell"):
                ending.take_values(names)
        self._room.give()
        with ending.part("The list of values"):
            ending.list_values()
        with ending.part("The output"):
            self._flush()
            for pipe in self._pipes:
                pipe.stop()
            shown = self._recorder.stop() if self._recorder is not None else ()
            self._log.finish()
            self._pulse.stop()
            self._write_output(shown, None)
        if prepared:
            with ending.part("The files that the cell read and wrote"):
                ending.take_files(files)
        if not self._journal.close():
            ending.note("journal", "A part of what was logged found no room and was lost.", "Is the disk full?")
        if self._log.failed:
            ending.note("log", f"log.txt has gaps: {self._log.failed}.")
        code = ending.write()
        checkpoint.forget()
        sys.stdout, sys.stderr = self._originals
        ending.notify()
        _leave_soon(code)
        return code

    def _listen(self) -> None:
        """Take over output and input, and begin to show that the job lives."""
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        self._originals = sys.stdout, sys.stderr
        out, err = Stream("stdout", 1, self._log), Stream("stderr", 2, self._log)
        sys.stdout, sys.stderr, sys.stdin = out, err, _NoInput()
        self._streams = out, err
        # The write method is looked up at each call: the recorder of outputs replaces it for the time of the cell.
        self._pipes = [Pipe(1, lambda text: out.write(text)), Pipe(2, lambda text: err.write(text))]
        for pipe in self._pipes:
            pipe.start()
        # Where compiled code crashes, whoever started the job is told in which line.
        faulthandler.enable(self._pipes[1].original, all_threads=False)
        self._signals.listen()
        self._pulse.start()

    def _enter(self) -> None:
        """Go to the place of the cell."""
        with contextlib.suppress(ValueError):
            sys.path.remove(self._carried)
        folder = self._request.work_folder
        if folder:
            try:
                os.chdir(folder)
            except OSError as error:
                raise NotRestored(f"The working folder of the cell is not there: {error}.") from None
        sys.path[:0] = [*self._request.path, os.getcwd()]

    def _record(self, names: dict[str, Any]) -> None:
        """Record the metrics and params that were asked for by name."""
        points = {}
        for name in self._request.metrics:
            try:
                number = as_number(eval(name, names))  # noqa: S307 - the researcher's own expression
            except Exception as error:  # noqa: BLE001
                self._ending.note("metric", f"The metric {name} was not recorded: {error}.")
                continue
            if number is None:
                self._ending.note("metric", f"The metric {name} was not recorded: it is no number.")
            else:
                points[name] = number
        if points:
            self._journal.metrics(points, 0)
        for name in self._request.watched:
            if name not in names:
                self._ending.note("param", f"There is no {name} to record as a param.")
                continue
            for key, value in asked_params(name, names[name]).items():
                self._journal.add("param", name=key, value=self._mask.param(key, value))

    def _often(self) -> None:
        self._flush()
        self._log.beat()
        self._signals.warn()
        recorder, now = self._recorder, time.monotonic()
        if recorder is None:
            return
        recorder.fresh_text()  # the log has it already
        if recorder.displays != self._displays and now >= self._keep_at:
            self._displays = recorder.displays
            self._write_output(recorder.so_far(), self._log.size())
            self._keep_at = now + 20 * (time.monotonic() - now)

    def _write_output(self, shown: Any, log: int | None) -> None:
        notebook = output_notebook(self._request.source, self._mask.json(list(shown)), self._request.uid, log)
        write_atomic(self._paths.run.output, json.dumps(notebook, indent=1, ensure_ascii=False, default=str))


class _NoInput(io.TextIOBase):
    """Standard input of a job."""

    encoding = "utf-8"

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def read(self, size: int | None = -1) -> str:
        raise EOFError("nobody can answer a job that asks with input(): give the value to the cell by a name")

    readline = read  # type: ignore[assignment]


def _simple(name: str, value: Any) -> Any:
    return asked_params(name, value).get(name, repr(value))


def _leave_soon(code: int) -> None:
    """End the process although threads or exit functions of the cell would hold it for ever."""
    timer = threading.Timer(_LINGER, os._exit, (code,))
    timer.daemon = True
    timer.start()


def run_as_program(carried: str) -> None:
    """What the zipapp calls."""
    try:
        code = main(sys.argv[1:], carried)
    except BaseException:
        traceback.print_exc()
        raise
    sys.exit(code)
