"""The signals of whoever ends a job, and the time that it was given."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType
from typing import Any

from labnb.model.job_request import JobRequest
from labnb.runfolder.checkpoint import checkpoint
from labnb.runner.log import Log

#: How close to the end of its time (seconds, beyond the grace) a job that is told to stop is out of time.
_CLOSE = 45.0
#: Seconds after which an interrupt has come to the cell, or never will.
_ARRIVES = 0.1


class Stopped(KeyboardInterrupt):
    """The job was told to end; code that cleans up after an interrupt does so."""


class Signals:
    """USR2: the end is near, the cell saves and goes on. TERM and INT: it saves and stops."""

    def __init__(self, request: JobRequest, log: Log, tell: Callable[[str], None]) -> None:
        self._request = request
        self._log = log
        self._tell = tell
        self._began = time.time()
        self._warned = False
        self._cell: CodeType | None = None
        self._raised: Stopped | None = None
        self._again = False
        self.asked = ""

    def listen(self) -> None:
        """Take the signals from now on. A blocked main thread is no matter for noting that one came."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        threading.Thread(target=self._note, args=(read,), name="labnb-signals", daemon=True).start()
        sys.unraisablehook = self._unraisable
        signal.signal(signal.SIGUSR2, self._near)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def interrupt(self, function: Callable[..., object]) -> None:
        """Only what runs below this function is interrupted: the end of the job is written in peace."""
        self._cell = function.__code__

    def word(self) -> str:
        """Say how a job ended that was told to: TIMEOUT where its time was nearly over, else CANCELLED."""
        limit = self._request.time
        if limit and time.time() - self._began >= limit - self._request.grace - _CLOSE:
            return "TIMEOUT"
        return "CANCELLED"

    def warn(self) -> None:
        """Say once in the log that the time is nearly over."""
        limit = self._request.time
        if limit is None or self._warned:
            return
        left = self._began + limit - time.time()
        if left <= min(max(2 * self._request.grace, 0.1 * limit), 900, 0.5 * limit):
            self._warned = True
            self._log.line(f"{_span(left)} of the {_span(limit)} that were asked for are left.")

    def _note(self, read: int) -> None:
        while True:
            if select.select([read], [], [], _ARRIVES if self._raised is not None else 1.0)[0]:
                for number in os.read(read, 64):
                    if number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2) and not self._again:
                        self._tell(signal.Signals(number).name)
            elif self._lost() and not self._again:
                self._again = True
                signal.pthread_kill(threading.main_thread().ident or 0, signal.Signals[self.asked])

    def _lost(self) -> bool:
        """Whether the interrupt never came to the cell: Python drops what is raised while an object is finalised.

        In code of Python that is told as unraisable; in C it is dropped without a word, and nobody has seen it but the
        handler (before Python 3.12 not even that).
        """
        if self._raised is None:
            return False
        seen = self._raised.__traceback__
        return seen is None or seen.tb_next is None

    def _unraisable(self, what: Any) -> None:
        if isinstance(what.exc_value, Stopped):
            what.exc_value.__traceback__ = None
        else:
            sys.__unraisablehook__(what)

    def _near(self, number: int, frame: Any) -> None:
        self._log.line("The job will be stopped soon.")
        self._save()

    def _stop(self, number: int, frame: Any) -> None:
        name = signal.Signals(number).name
        if self.asked and not self._again:
            return
        again, self._again = self._again, False
        if again and not self._lost():
            return  # it came to the cell meanwhile
        if not again:
            self.asked = name
            self._log.line(f"The job was told to stop ({name}).")
            self._save()
        while frame is not None:
            if frame.f_code is self._cell:
                self._raised = Stopped(f"the job was told to stop ({name})")
                raise self._raised
            frame = frame.f_back

    def _save(self) -> None:
        try:
            if checkpoint.save():
                self._log.line("Its checkpoint was saved.")
        except Exception as error:  # noqa: BLE001 - the researcher's function; the last checkpoint stays
            self._log.line(f"Its checkpoint could not be saved: {type(error).__name__}: {error}")
            sys.stderr.flush()


def _span(seconds: float) -> str:
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    if whole < 120:
        return f"{whole} s"
    return f"{hours}:{minutes:02}:{whole % 60:02}"
