"""The publisher: a helper process that copies run folders into the result stores, one per project at a time.

`python -m labnb.cli.publisher ROOT` takes the lock of the project, or ends at once where another one has it. It wakes
when a run is announced, looks after runs that go on once a second, and ends when nothing was to do for a while.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

from labnb.cli.stores import Stores
from labnb.cli.sync import announce_unpublished
from labnb.cli.workers import Worker
from labnb.lab import lab_paths
from labnb.model.run import time_text
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import EMBEDDED
from labnb.runfolder.queue import hold_lock, pending, queue_state
from labnb.runfolder.watch import FolderWatch
from labnb.usecases.publish_queue import Desk, Pass, take_away

# Seconds without anything to do, after which the publisher ends.
IDLE = 120.0
IDLE_VARIABLE = "LABNB_PUBLISHER_IDLE"
# Seconds between two looks at runs that go on, and at the queue where the file system may not tell of changes.
LOOK, LOOK_ANYWAY = 1.0, 30.0
# Seconds for which it goes on trying where a store does not take what is waiting.
PATIENCE = 3600.0
# Seconds that calls to stores may still take when the publisher ends.
STOPPING = 5.0
# Lower than the cell, but not so low that live metrics are late on a machine whose processors are all busy.
NICE = 5
# The log starts anew above this size, in bytes.
LOG_LIMIT = 1_000_000


@dataclass
class Stop:
    """Whether the process was asked to end, and a descriptor that wakes a waiting `select` then."""

    asked: bool = False
    pipe: tuple[int, int] = field(default_factory=os.pipe)

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        self.asked = True
        with contextlib.suppress(OSError):
            os.write(self.pipe[1], b".")

    def __call__(self) -> bool:
        return self.asked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until idle or told to stop. 0: everything was copied, or another publisher lives; 3: something is left."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) != 1:
        print("usage: python -m labnb.cli.publisher ROOT", file=sys.stderr)
        return 2
    root = Path(words[0]).resolve()
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.ask)
    signal.signal(signal.SIGINT, stop.ask)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(NICE)
    with contextlib.suppress(OSError):
        os.chdir("/")  # the folder it was started in may be removed while it lives
    while True:
        lab = lab_paths(root)
        try:
            lock = hold_lock(lab)
        except OSError as error:
            _say(f"{lab.home} cannot be used: {error}")
            return 3
        if lock is None:
            return 0
        try:
            left = _serve(lab, stop)
        finally:
            os.close(lock)
        # Whoever announced before the lock was free counts on this process; new settings are read by starting anew.
        if stop() or queue_state(lab) == left:
            return 3 if left else 0


def _serve(lab: LabPaths, stop: Stop) -> dict[str, int]:
    """Empty the queue until nothing came for a while, or the settings changed; give what had to be left in it."""
    idle = float(os.environ.get(IDLE_VARIABLE) or IDLE)
    quiet_since = time.monotonic()
    untidy = False
    with contextlib.suppress(OSError):
        lab.queue.mkdir(exist_ok=True)
    with FolderWatch(lab.queue) as watch, _Counter(lab, stop) as counter:
        while not stop() and lab.queue.is_dir():  # a project that was deleted needs nobody
            if counter.stores.changed():
                return {}
            result = counter.serve()
            _say(*result.problems)
            untidy = untidy or bool(result.copied)
            if result.copied or result.running:
                quiet_since = time.monotonic()
            state = queue_state(lab)
            if stop():
                break
            # A store that lets nobody in may let in who starts the next publisher.
            patience = max(idle, PATIENCE) if state and not result.refused else idle
            left = quiet_since + patience - time.monotonic()
            if left <= 0:
                return state
            watch.wait(_pause(result, left), (stop.pipe[0], counter.bell[0]))
            counter.hush()
            if untidy and not pending(lab):
                counter.tidy()
                untidy = False
    return queue_state(lab)


def _pause(result: Pass, left: float) -> float:
    pause = min(left, LOOK if result.running else LOOK_ANYWAY)
    if result.again is not None:
        pause = min(pause, max(result.again - time.time(), 0.01))
    return pause


class _Counter:
    """Serves the embedded store itself and every other by a thread; `bell` is readable when one of them is done."""

    def __init__(self, lab: LabPaths, stop: Stop) -> None:
        self.stores = Stores(lab)
        self.bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stop = stop
        self._desk = Desk(lab, self.stores.of)
        self._embedded = self.stores.queue(EMBEDDED)
        self._workers: dict[str, Worker] = {}
        if self.stores.problem:
            _say(self.stores.problem)

    def serve(self) -> Pass:
        """Make one pass over the queue."""
        waiting, found = self._desk.look()
        others = {name for one in waiting for name in one.stores if name != EMBEDDED}
        for name in others - set(self._workers):
            self._workers[name] = Worker(self.stores.queue(name), self._ring, _say)
        for name in others:
            self._workers[name].give([one for one in waiting if name in one.stores])
        found += self._embedded.turn(waiting, self._stop)
        queues = {EMBEDDED: self._embedded, **{name: worker.queue for name, worker in self._workers.items()}}
        take_away(self._desk, waiting, queues)
        for name in others:
            found += self._workers[name].take()
        return found

    def tidy(self) -> None:
        """Let the embedded store put itself in order while nothing waits."""
        tidy: Callable[[], None] | None = getattr(self._embedded.store, "tidy", None)
        if tidy is not None:
            tidy()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # a full pipe rings as well
            os.write(self.bell[1], b".")

    def hush(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(self.bell[0], 4096):
                pass

    def __enter__(self) -> _Counter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers.values():
            worker.ask_to_stop()
        deadline = time.monotonic() + STOPPING
        for worker in self._workers.values():
            worker.join(max(deadline - time.monotonic(), 0))
        if not any(worker.alive for worker in self._workers.values()):  # who lives may still ring
            os.close(self.bell[0])
            os.close(self.bell[1])


def _say(*lines: str) -> None:
    for line in lines:
        print(f"{time_text(time.time())} {line}", file=sys.stderr, flush=True)
    with contextlib.suppress(OSError, ValueError):
        if os.fstat(sys.stderr.fileno()).st_size > LOG_LIMIT:
            os.ftruncate(sys.stderr.fileno(), 0)


__all__ = ["announce_unpublished", "main"]


if __name__ == "__main__":
    raise SystemExit(main())
