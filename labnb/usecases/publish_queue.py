"""The queue: mend what died, give every store what waits for it, and take away what is copied whole everywhere.

Stores take their turns apart, each with its own thread in the publisher: one that does not answer holds up no other.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labnb.model.errors import (
    LabError,
    NotFound,
    StoreCorrupt,
    StoreError,
    StoreLocked,
    StoreMisplaced,
    StoreRefused,
    StoreUnreachable,
)
from labnb.model.run import Run, parse_time
from labnb.ports.result_store import ResultStore
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.gate import LONGEST_RETRY, Failure, Gate
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published, StoreState
from labnb.runfolder.queue import queue_state, touch
from labnb.usecases.mend_run import mend_run
from labnb.usecases.publish_run import NamedStore, Progress, fail, publish_run

# A run this young (seconds) is left alone: most cells have ended by then, and are copied in one go; and where the
# cell's own code is about to open the run in MLflow, it is not opened a second time.
YOUNG = 0.7

# Waiting longer does not help: somebody has to say something else first.
FINAL = (StoreRefused, StoreMisplaced)

# These say something about the store, not about the run: then no other run is tried there either.
ABOUT_THE_STORE = (StoreUnreachable, StoreRefused, StoreCorrupt, StoreLocked)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run in the queue: when it was announced (ns), whether it goes on, and the stores that it goes to."""

    uid: str
    announced: int
    running: bool
    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """What is left after a pass: whether runs go on, and when the next attempt is due (seconds since the epoch).

    `refused` says that a store does not let this process in, or may not be opened: waiting longer will not help.
    """

    copied: tuple[str, ...] = ()
    running: bool = False
    again: float | None = None
    problems: tuple[str, ...] = ()
    refused: bool = False

    def __add__(self, other: Pass) -> Pass:
        due = [moment for moment in (self.again, other.again) if moment is not None]
        return Pass(
            (*self.copied, *other.copied),
            self.running or other.running,
            min(due, default=None),
            (*self.problems, *other.problems),
            self.refused or other.refused,
        )


class Desk:
    """Looks through the queue for all stores. `stores_of` names those that a run goes to."""

    def __init__(self, lab: LabPaths, stores_of: Callable[[Run], Sequence[str]]) -> None:
        self._lab = lab
        self._stores_of = stores_of
        self._known: dict[str, Waiting] = {}

    def look(self) -> tuple[list[Waiting], Pass]:
        """Give the runs that wait, the longest waiting first; runs whose process died are mended."""
        waiting: list[Waiting] = []
        found = Pass()
        state = queue_state(self._lab)
        for uid in sorted(state, key=lambda uid: (state[uid], uid)):
            known = self._known.get(uid)
            if known is None or known.announced != state[uid] or known.running:
                try:
                    known, again = self._read(uid, state[uid])
                except NotFound:  # the folder was removed: there is nothing to publish any more
                    known, again = Waiting(uid, state[uid], False, ()), None
                except (LabError, OSError) as error:
                    found += Pass(problems=(f"{uid}: {error}",), again=time.time() + LONGEST_RETRY)
                    continue
                if again is not None:
                    found += Pass(again=again)
                    continue
                self._known[uid] = known
            waiting.append(known)
        for uid in [uid for uid in self._known if uid not in state]:
            del self._known[uid]
        return waiting, found + Pass(running=any(one.running for one in waiting))

    def _read(self, uid: str, announced: int) -> tuple[Waiting, float | None]:
        mend_run(self._lab, uid)
        folder = RunFolder(self._lab.run(uid))
        run, _ = folder.stored()
        running = not run.status.ended
        if running:
            now = time.time()
            age = now - parse_time(run.started).timestamp()
            if 0 <= age < YOUNG:  # a start in the future is that of another clock
                return Waiting(uid, announced, True, ()), now + YOUNG - age
        names = tuple(self._stores_of(run))
        Published.expect(folder.paths.published, *names)
        return Waiting(uid, announced, running, names), None

    def leave(self, one: Waiting) -> None:
        """Take a run that is copied whole from the queue."""
        folder = RunFolder(self._lab.run(one.uid))
        with contextlib.suppress(OSError):
            (self._lab.queue / one.uid).unlink()
        self._known.pop(one.uid, None)
        # It may have been written and announced again before the removal: run.json is always written first.
        key = folder.state_key()
        states = Published.read(folder.paths.published).stores
        if key and any(states[name].copied != key for name in one.stores if name in states):
            with contextlib.suppress(OSError):
                touch(self._lab, one.uid)


@dataclass
class StoreQueue:
    """What one store has yet to take. `open` makes the store at the first turn; it may raise LabError."""

    lab: LabPaths
    name: str
    open: Callable[[], ResultStore]
    settled: dict[str, int] = field(default_factory=dict)
    store: ResultStore | None = None
    told: dict[str, tuple[int, str]] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def has(self, one: Waiting) -> bool:
        """Whether the store holds the run as it was announced, whole."""
        return self.settled.get(one.uid) == one.announced

    def turn(self, waiting: Iterable[Waiting], stopping: Callable[[], bool] = lambda: False) -> Pass:
        """Give every run its turn; where the store itself fails, the others are told why they wait."""
        gate = Gate(self.lab, self.name)
        mine = [one for one in waiting if self.name in one.stores]
        self.settled = {one.uid: one.announced for one in mine if self.has(one)}
        # Where one run alone makes the server stumble, the others come first next time.
        mine.sort(key=lambda one: self.failed.get(one.uid, 0))
        uids = {one.uid for one in mine}
        self.told = {uid: told for uid, told in self.told.items() if uid in uids}
        self.failed = {uid: count for uid, count in self.failed.items() if uid in uids}
        found = Pass()
        for one in mine:
            if self.has(one):
                continue
            if stopping():
                break
            failure = gate.closed()
            if failure is not None:
                self._tell(mine, failure)
                return found + Pass(again=failure.retry_at, refused=failure.code in [kind.code for kind in FINAL])
            found += self._publish(one, gate, stopping)
        return found

    def _publish(self, one: Waiting, gate: Gate, stopping: Callable[[], bool]) -> Pass:
        try:
            if self.store is None:
                self.store = self.open()
            named = NamedStore(self.name, self.store)
            progress = publish_run(self.lab, one.uid, [named], stopping, announced=one.announced / 1e9)
        except NotFound:  # removed meanwhile
            progress = Progress(True)
        except OSError as error:
            return Pass(problems=(f"{one.uid}: {error}",), again=time.time() + LONGEST_RETRY)
        except LabError as error:
            if self.store is not None:
                return Pass(problems=(f"{one.uid}: {error}",), again=time.time() + LONGEST_RETRY)
            return _shut(gate, error, 0.0 if isinstance(error, FINAL) else LONGEST_RETRY)
        if isinstance(progress.error, ABOUT_THE_STORE):
            wait = LONGEST_RETRY if isinstance(progress.error, StoreCorrupt) else progress.error.retry_after
            self.failed[one.uid] = self.failed.get(one.uid, 0) + 1
            return _shut(gate, progress.error, wait)
        if progress.asked and progress.error is None and gate.failure() is not None:
            gate.open()
        if progress.done:
            self.settled[one.uid] = one.announced
            return Pass(copied=(one.uid,))
        problems = (f"{one.uid}: {progress.error}",) if progress.error else ()
        return Pass(again=progress.again, problems=problems)

    def _tell(self, waiting: Iterable[Waiting], failure: Failure) -> None:
        """Let the faces say of every run that waits why it does."""
        for one in waiting:
            if self.has(one) or self.told.get(one.uid) == (one.announced, failure.error):
                continue
            self.told[one.uid] = one.announced, failure.error
            folder = RunFolder(self.lab.run(one.uid))
            state = Published.read(folder.paths.published).stores.get(self.name, StoreState())
            if state.error != failure.error and folder.state_key():
                with contextlib.suppress(OSError):
                    fail(folder, self.name, state, StoreError(failure.error), failure.retry_at)


def _shut(gate: Gate, error: LabError, wait: float) -> Pass:
    failure = gate.fail(error.code, str(error), wait)
    return Pass(problems=(str(error),), again=failure.retry_at, refused=isinstance(error, FINAL))


def publish_queue(lab: LabPaths, stores: Sequence[NamedStore], stopping: Callable[[], bool] = lambda: False) -> Pass:
    """Make one pass over the queue, for all stores one after the other."""
    desk = Desk(lab, lambda run: [named.name for named in stores])
    waiting, found = desk.look()
    queues = {named.name: StoreQueue(lab, named.name, lambda named=named: named.store) for named in stores}  # type: ignore[misc]
    for queue in queues.values():
        found += queue.turn(waiting, stopping)
    left = take_away(desk, waiting, queues)
    return Pass(left, found.running, found.again, found.problems, found.refused)


def take_away(desk: Desk, waiting: Iterable[Waiting], queues: Mapping[str, StoreQueue]) -> tuple[str, ...]:
    """Take from the queue what all its stores have, and give it."""
    found = []
    for one in waiting:
        if all(name in queues and queues[name].has(one) for name in one.stores):
            desk.leave(one)
            found.append(one.uid)
    return tuple(found)
