"""One pass over the queue: mend what died, publish what is new, and take from the queue what is copied whole."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labnb.model.errors import LabError, NotFound
from labnb.model.run import parse_time
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published
from labnb.runfolder.queue import pending, touch
from labnb.usecases.mend_run import mend_run
from labnb.usecases.publish_run import LONGEST_RETRY, NamedStore, Progress, publish_run

# A run this young (seconds) is left alone: most cells have ended by then, and are copied in one go; and where the
# cell's own code is about to open the run in MLflow, it is not opened a second time.
YOUNG = 0.7


@dataclass(frozen=True, slots=True)
class Pass:
    """What is left after a pass: whether runs go on, and when the next attempt is due (seconds since the epoch)."""

    copied: tuple[str, ...] = ()
    running: bool = False
    again: float | None = None
    problems: tuple[str, ...] = ()


def publish_queue(lab: LabPaths, stores: Sequence[NamedStore], stopping: Callable[[], bool] = lambda: False) -> Pass:
    """Give every waiting run its turn."""
    copied, due, problems = [], [], []
    running = False
    for uid in pending(lab):
        if stopping():
            break
        try:
            progress = _turn(lab, uid, stores, stopping)
        except NotFound:  # the folder was removed: there is nothing to publish any more
            progress = Progress(True)
        except (LabError, OSError) as error:
            problems.append(f"{uid}: {error}")
            progress = Progress(False, time.time() + LONGEST_RETRY)
        if progress.done:
            _leave(lab, uid, stores)
            copied.append(uid)
        elif progress.again is None:
            running = True
        else:
            due.append(progress.again)
    return Pass(tuple(copied), running, min(due, default=None), tuple(problems))


def _turn(lab: LabPaths, uid: str, stores: Sequence[NamedStore], stopping: Callable[[], bool]) -> Progress:
    mend_run(lab, uid)
    run, _ = RunFolder(lab.run(uid)).stored()
    if not run.status.ended:
        now = time.time()
        age = now - parse_time(run.started).timestamp()
        if 0 <= age < YOUNG:  # a start in the future is that of another clock
            return Progress(False, now + YOUNG - age)
    return publish_run(lab, uid, stores, stopping)


def _leave(lab: LabPaths, uid: str, stores: Sequence[NamedStore]) -> None:
    folder = RunFolder(lab.run(uid))
    with contextlib.suppress(OSError):
        (lab.queue / uid).unlink()
    # Written and announced again between the copy and the removal: whoever writes run.json does so before he announces.
    key = folder.state_key()
    states = Published.read(folder.paths.published).stores
    if key and any(states[named.name].copied != key for named in stores if named.name in states):
        with contextlib.suppress(OSError):
            touch(lab, uid)
