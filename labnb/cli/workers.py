"""A thread per store besides the embedded one: a server that does not answer holds up nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from labnb.usecases.publish_queue import Pass, StoreQueue, Waiting


class Worker:
    """Gives one store its turns. `wake` is called when a run was copied; `say` takes lines for the log."""

    def __init__(self, queue: StoreQueue, wake: Callable[[], None], say: Callable[..., None]) -> None:
        self.queue = queue
        self._wake = wake
        self._say = say
        self._waiting: Sequence[Waiting] | None = None
        self._result = Pass()
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"labnb {queue.name}", daemon=True)
        self._thread.start()

    def give(self, waiting: Sequence[Waiting]) -> None:
        """Hand over what the queue holds now."""
        with self._changed:
            self._waiting = waiting
            self._changed.notify()

    def take(self) -> Pass:
        """Give what came of it since the last time."""
        with self._changed:
            result, self._result = self._result, Pass(refused=self._result.refused)
            return result

    def ask_to_stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _work(self) -> None:
        waiting: Sequence[Waiting] = ()
        again: float | None = None
        while True:
            with self._changed:
                while self._waiting is None and not self._stopping:
                    left = None if again is None else again - time.time()
                    if left is not None and left <= 0:
                        break
                    self._changed.wait(left)
                if self._stopping:
                    return
                waiting, self._waiting = waiting if self._waiting is None else self._waiting, None
            result = self._turn(waiting)
            again = result.again
            self._say(*(f"{self.queue.name}: {text}" for text in result.problems))
            with self._changed:
                copied = (*self._result.copied, *result.copied)
                self._result = Pass(copied, refused=result.refused)
            if result.copied:
                self._wake()

    def _turn(self, waiting: Sequence[Waiting]) -> Pass:
        try:
            return self.queue.turn(waiting, lambda: self._stopping)
        except Exception as error:  # noqa: BLE001 - the thread must not die of one run
            return Pass(again=time.time() + 60, problems=(f"{type(error).__name__}: {error}",))
