"""Listens to the shell: follows every cell, and records those with `%%labrun`."""

from __future__ import annotations

import contextlib
import os
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labnb.magics.request import find_line, parse_request
from labnb.model.errors import LabError
from labnb.runfolder.active import asked_outside

if TYPE_CHECKING:
    from labnb.capture.earlier_reads import EarlierReads
    from labnb.capture.session import Session
    from labnb.lab import Lab
    from labnb.magics.recording import Recording
    from labnb.magics.returning import Returning
    from labnb.model.run import Run


#: Seconds that a cell which is no run waits for the digests of the files that it read.
PATIENCE = 0.05


class Recorder:
    """One per shell. Whatever fails here is told on a card; the cell runs all the same."""

    def __init__(self, shell: Any) -> None:
        from labnb.capture.session import Session

        self._shell = shell
        self._pid = os.getpid()
        self._depth = 0
        self._recording: Recording | None = None
        self._recording_depth = 0
        self._lab: Lab | None = None
        self._watch: Any = None
        self._making = threading.RLock()
        self.session: Session = Session(shell)
        notebook = notebook_path(shell)
        self._start = Path(notebook).parent if notebook and Path(notebook).parent.is_dir() else Path.cwd()
        self.last: Run | None = None
        self._kept: EarlierReads | None = None
        #: What follows the jobs of this session, once there are any.
        self.returning: Returning | None = None
        # What the first record needs is loaded beside the cells before it.
        threading.Thread(target=self._warm_up, name="labnb-warm-up", daemon=True).start()

    def lab(self) -> Lab:
        """Give the project of the folder that the session began in, wherever the cells have gone since.

        With its settings as they stand now; as they were, where these cannot be read.
        """
        from labnb.lab import open_lab

        with self._making:
            if self._lab is None:
                self._lab = open_lab(self._start)
            self._lab = self._lab.current()
            return self._lab

    def before(self, info: Any) -> None:
        """IPython's `pre_run_cell`."""
        self._depth += 1
        try:
            if self._depth == 1:
                if self.returning is not None:
                    self.returning.deliver()
                self.session.before(info)
            self._begin(info)
            if self._depth == 1 and self._recording is None:
                self._file_watch().open(None)
        except Exception as error:  # noqa: BLE001 - the record never breaks the work
            self._recording = None
            self._tell(error)

    def after(self, result: Any) -> None:
        """IPython's `post_run_cell`."""
        if os.getpid() != self._pid:
            return  # a forked child that left the cell; the record is its parent's
        depth, self._depth = self._depth, max(0, self._depth - 1)
        try:
            if depth <= 1:
                self.session.after(result)
                if self._recording is None:
                    self._keep_reads()
            if self._recording is not None and depth == self._recording_depth:
                recording, self._recording = self._recording, None
                self.last = recording.close(result)
        except Exception as error:  # noqa: BLE001
            self._tell(error)

    def close(self) -> None:
        """The extension is unloaded."""
        self._recording = None
        if self._watch is not None:
            self._watch.stop()

    def _begin(self, info: Any) -> None:
        line = find_line(info.raw_cell)
        if line is None or self._recording is not None:
            return
        try:
            request = parse_request(line)
        except LabError:
            return  # the magic itself answers
        if request.job.elsewhere:
            return  # the magic submits it
        from labnb.magics.recording import Recording
        from labnb.model.cell import Cell

        lab = self.lab()
        cell = Cell(
            source=info.raw_cell,
            notebook=notebook_path(self._shell),
            cell_id=getattr(info, "cell_id", None),
            execution_count=self._shell.execution_count - (1 if info.store_history else 0),
        )
        recording = Recording(self._shell, lab, self.session, self._file_watch(), self._reads, request, cell)
        recording.open(info)
        self._recording, self._recording_depth = recording, self._depth

    @property
    def _reads(self) -> EarlierReads:
        from labnb.capture.earlier_reads import EarlierReads

        if self._kept is None:
            self._kept = EarlierReads()
        return self._kept

    def _keep_reads(self) -> None:
        from labnb.model.dataset import FileUse

        if self._watch is not None and self.session.history:
            report = self._watch.close(seconds=PATIENCE)
            asked = [FileUse.from_json(file) for file in asked_outside]
            asked_outside.clear()
            self._reads.keep(self.session.history[-1].cell, report, self.lab().root, asked)

    def _warm_up(self) -> None:
        from labnb.capture.files import aside

        with aside():  # what labnb reads here is read by no cell
            with contextlib.suppress(Exception):  # the first record meets the same error, and tells it
                self._file_watch().prepare()
                import labnb.magics.recording  # noqa: F401

                self.lab().record_run.warm_up()
            with contextlib.suppress(Exception):  # the first submission meets the same error, and tells it
                self._warm_up_jobs()
            with contextlib.suppress(Exception):  # what cannot be mended now is mended by the publisher or by hand
                self._mend()

    def _warm_up_jobs(self) -> None:
        """Load what a submission needs where there are targets, and have jobs followed that others left."""
        lab = self.lab()
        if lab.jobs.index.active():
            lab.jobs.index.follower.see_to_it()
        if targets := lab.config.targets:
            import_module("labnb.magics.jobs")
            lab.jobs.warm_up(targets)

    def _mend(self) -> None:
        """Write the ends of runs whose kernels died."""
        lab = self.lab()
        if lab.paths.runs.is_dir():
            from labnb.usecases.mend_run import mend_runs

            for run in mend_runs(lab.paths):
                lab.announce(run.uid)
        lab.keep_left()

    def _file_watch(self) -> Any:
        """Give the watch of the project, armed once and kept from cell to cell."""
        from labnb.capture.files import FileWatch, StatCache

        with self._making:
            if self._watch is None:
                lab = self.lab()
                self._watch = FileWatch(lab.root, stat_cache=StatCache(lab.paths.cache / "stat.db"))
            return self._watch

    def _tell(self, error: Exception) -> None:
        from labnb.model.card import failure

        hint = getattr(error, "hint", "")
        message = error.message if isinstance(error, LabError) else f"{type(error).__name__}: {error}."
        if isinstance(error, OSError):
            hint = hint or "labnb writes to the folder .labnb of the project; is it writable, and is there room?"
        with contextlib.suppress(Exception):  # there is nobody left to tell
            self._shell.display_pub.publish(data=failure(message, hint), metadata={})


def notebook_path(shell: Any) -> str | None:
    """Tell the notebook's path as the front end told it: Jupyter's session, or VS Code's variable."""
    session = os.environ.get("JPY_SESSION_NAME")
    if session:
        return session
    code = shell.user_ns.get("__vsc_ipynb_file__")
    return code if isinstance(code, str) else None
