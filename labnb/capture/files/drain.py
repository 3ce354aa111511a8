"""The thread beside the kernel that keeps the system's queue of events from running over."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from labnb.capture.files.audit import aside
from labnb.capture.files.events import Watcher
from labnb.capture.files.folders import Folders

_PAUSE: Final = 0.01  # the queue holds 16,384 events: enough for this long, and few enough turns not to be felt
_CHILD_LOOK: Final = 0.05
_ARM_SLICE: Final = 0.003


class Drain:
    """Calls `take` soon after events arrive while a record is open, and arms folders that still wait.

    `take` returns whether children run: then it is called again soon, to learn when they have ended.
    """

    def __init__(self, watcher: Watcher, take: Callable[[], bool], folders: Folders) -> None:
        self._watcher = watcher
        self._take = take
        self._folders = folders
        self._active = False
        self._stopped = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name="labnb-files", daemon=True)

    def start(self) -> None:
        """Start the thread; it sleeps until it is woken."""
        self._thread.start()

    def begin(self) -> None:
        """A record is open."""
        self._active = True
        self.wake()

    def end(self) -> None:
        """No record is open: events may wait. The thread notices by itself."""
        self._active = False

    def wake(self) -> None:
        """Make the thread look around now."""
        with suppress(OSError):
            os.write(self._wake_write, b".")

    def stop(self) -> None:
        """End the thread."""
        self._stopped = True
        self.wake()
        self._thread.join(2.0)
        if not self._thread.is_alive():
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _run(self) -> None:
        with aside(), suppress(Exception):  # without this thread the queue is still drained when the cell ends
            while not self._stopped:
                self._turn()

    def _turn(self) -> None:
        children = self._active and self._take()
        if not self._folders.complete:
            self._folders.work(time.perf_counter() + _ARM_SLICE)
            time.sleep(_ARM_SLICE)
            return
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if self._active:
            poll.register(self._watcher.fileno(), select.POLLIN)
        ready = poll.poll(_CHILD_LOOK * 1000 if children else None)
        if any(number == self._wake_read for number, _ in ready):
            with suppress(OSError):
                os.read(self._wake_read, 4096)
        if self._active and ready:
            time.sleep(_PAUSE)
