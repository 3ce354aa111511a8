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
from types import FrameType

from labnb.model.errors import LabError, StoreError
from labnb.model.run import time_text
from labnb.runfolder.folder import RunFolder, all_uids
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published, StoreState
from labnb.runfolder.queue import hold_lock, pending, publish_now, queue_state, touch
from labnb.runfolder.watch import FolderWatch
from labnb.usecases.publish_queue import Pass, publish_queue
from labnb.usecases.publish_run import LONGEST_RETRY, NamedStore

# Seconds without anything to do, after which the publisher ends.
IDLE = 120.0
IDLE_VARIABLE = "LABNB_PUBLISHER_IDLE"
# Seconds between two looks at runs that go on, and at the queue where the file system may not tell of changes.
LOOK, LOOK_ANYWAY = 1.0, 30.0
# Seconds for which it goes on trying where a store does not take what is waiting.
PATIENCE = 3600.0
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
    lab = LabPaths(Path(words[0]).resolve())
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
        # Whoever announced before the lock was free counts on this process.
        if stop() or queue_state(lab) == left:
            return 3 if left else 0


def _serve(lab: LabPaths, stop: Stop) -> dict[str, int]:
    """Empty the queue until nothing came for a while; give what had to be left in it."""
    idle = float(os.environ.get(IDLE_VARIABLE) or IDLE)
    stores: list[NamedStore] | None = None
    quiet_since = time.monotonic()
    untidy = False
    with contextlib.suppress(OSError):
        lab.queue.mkdir(exist_ok=True)
    with FolderWatch(lab.queue) as watch:
        while not stop() and lab.home.is_dir():  # a project that was deleted needs nobody
            result = Pass()
            if pending(lab):
                if stores is None:
                    stores = _open_or_say(lab)
                if stores is not None:
                    result = publish_queue(lab, stores, stop)
                    _say(*result.problems)
                else:
                    result = Pass(again=time.time() + LONGEST_RETRY)
            untidy = untidy or bool(result.copied)
            if result.copied or result.running:
                quiet_since = time.monotonic()
            if stop():
                break
            state = queue_state(lab)
            left = quiet_since + (max(idle, PATIENCE) if state else idle) - time.monotonic()
            if left <= 0:
                return state
            watch.wait(_pause(result, left), (stop.pipe[0],))
            if untidy and not pending(lab):
                _tidy(stores)
                untidy = False
    return queue_state(lab)


def _pause(result: Pass, left: float) -> float:
    pause = min(left, LOOK if result.running else LOOK_ANYWAY)
    if result.again is not None:
        pause = min(pause, max(result.again - time.time(), 0.01))
    return pause


def open_stores(lab: LabPaths) -> list[NamedStore]:
    """Open the stores that runs are published to: the embedded one first. Raises StoreError; imports MLflow."""
    from labnb.adapters.mlflow.prepare import prepare_store
    from labnb.adapters.mlflow.store import MlflowResultStore
    from labnb.config import load_config

    try:
        experiment = load_config(lab.root).experiment
    except LabError as error:  # a setting that cannot be read must not keep runs from being published
        _say(str(error))
        experiment = lab.root.name or "labnb"
    uri = prepare_store(lab, experiment)
    return [NamedStore("embedded", MlflowResultStore(uri, lab.artifacts.as_uri(), experiment, own=True))]


def _open_or_say(lab: LabPaths) -> list[NamedStore] | None:
    try:
        return open_stores(lab)
    except LabError as error:
        problem = error
    except Exception as error:  # noqa: BLE001 - a broken installation of MLflow can raise anything
        problem = StoreError(f"MLflow cannot be used: {type(error).__name__}: {error}.", "Try `import mlflow`.")
    _say(str(problem))
    for uid in pending(lab):
        _mark_failing(lab, uid, problem)
    return None


def _mark_failing(lab: LabPaths, uid: str, error: LabError) -> None:
    """Let the faces say why a run is not published, where no store could be opened at all."""
    path = lab.run(uid).published
    published = Published.read(path)
    state = published.stores.setdefault("embedded", StoreState())
    state.failures += 1
    state.error = str(error)
    with contextlib.suppress(OSError):
        published.write(path)


def _tidy(stores: Sequence[NamedStore] | None) -> None:
    for named in stores or ():
        tidy: Callable[[], None] | None = getattr(named.store, "tidy", None)
        if tidy is not None:
            tidy()


def sync(lab: LabPaths, watch: bool = False, timeout: float = 600.0) -> int:
    """Publish everything that is not published yet: `labnb sync`.

    Works through the publisher, so that it may be called while one lives. Runs that are not wholly in the embedded
    store as it is now are announced again. Gives 0 when all that ended is copied, 3 when something is left after
    `timeout` seconds; with `watch` it goes on until it is interrupted.
    """
    if not lab.runs.is_dir():
        return 0
    announce_unpublished(lab)
    while True:
        done = publish_now(lab, timeout)
        if not watch:
            return 0 if done or _only_running(lab) else 3
        try:
            time.sleep(LOOK)
        except KeyboardInterrupt:
            return 0 if not pending(lab) else 3


def announce_unpublished(lab: LabPaths) -> list[str]:
    """Put every run that is not copied whole into the queue, and forget how long failed ones were to wait."""
    from labnb.adapters.mlflow.embedded import identity

    now = identity(lab)
    found = []
    for uid in all_uids(lab):
        folder = RunFolder(lab.run(uid))
        published = Published.read(folder.paths.published)
        state = published.stores.get("embedded")
        if state is not None and state.copied == folder.state_key() and state.store == now:
            continue
        found.append(uid)
        if state is not None and state.retry_at:
            state.retry_at = 0.0
            with contextlib.suppress(OSError):
                published.write(folder.paths.published)
        touch(lab, uid)
    return found


def _only_running(lab: LabPaths) -> bool:
    for uid in pending(lab):
        with contextlib.suppress(LabError):
            if RunFolder(lab.run(uid)).read().status.ended:
                return False
    return True


def _say(*lines: str) -> None:
    for line in lines:
        print(f"{time_text(time.time())} {line}", file=sys.stderr, flush=True)
    with contextlib.suppress(OSError, ValueError):
        if os.fstat(sys.stderr.fileno()).st_size > LOG_LIMIT:
            os.ftruncate(sys.stderr.fileno(), 0)


if __name__ == "__main__":
    raise SystemExit(main())
