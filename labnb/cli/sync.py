"""`labnb sync`: publish everything that is not published yet, and say how far it has come."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from labnb.adapters.mlflow.embedded import identity
from labnb.cli.stores import Stores
from labnb.model.errors import LabError, StoreRefused
from labnb.runfolder.folder import RunFolder, all_uids
from labnb.runfolder.gate import Gate, failing_stores
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import EMBEDDED, Published
from labnb.runfolder.queue import SWITCH, pending, publish_now, stop_publisher, touch

LOOK = 1.0


@dataclass
class Standing:
    """How far the runs in the queue are: how many go on, and of the ended ones how many wait for which store.

    `failing` gives per store why it does not take them, `untried` counts those that no failed attempt explains.
    """

    running: int = 0
    ended: int = 0
    waiting: dict[str, int] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    untried: int = 0

    def text(self) -> str:
        """Say it on one line."""
        if not self.ended:
            return "everything that ended is published"
        parts = [f"{self.ended} runs to publish" if self.ended != 1 else "1 run to publish"]
        parts += [f"{count} wait for {name}" for name, count in self.waiting.items()]
        parts += [f"{self.running} still going on"] if self.running else []
        return ", ".join(parts)


def sync(lab: LabPaths, watch: bool = False, timeout: float = 600.0, say: Callable[[str], None] | None = None) -> int:
    """Publish everything that is not published yet.

    Works through the publisher, so that it may be called while one lives. Runs that are not wholly in their stores
    are announced again. Gives 0 when all that ended is copied, 3 when a store does not take what is left, or something
    is left after `timeout` seconds; with `watch` it goes on until it is interrupted.
    """
    if not lab.runs.is_dir():
        return 0
    say = say or _print
    os.environ.pop(SWITCH, None)  # whoever calls this wants it done
    began = time.time()
    found = announce_unpublished(lab)
    said, problems = "", ""
    deadline = time.monotonic() + timeout
    try:
        while True:
            empty = publish_now(lab, LOOK if found or watch else 0.0)
            standing = Standing() if empty else standing_of(lab, began)
            text = standing.text()
            if text != said and (standing.ended or said):
                say(text)
                said = text
            trouble = "\n".join(f"labnb: {name}: {why}" for name, why in standing.failing.items())
            if trouble and trouble != problems and (watch or not standing.untried):
                print(trouble, file=sys.stderr, flush=True)
                problems = trouble
            if watch:
                if standing.ended == 0:
                    problems = ""
                    time.sleep(LOOK)
                continue
            if not standing.ended:
                return 0
            if not standing.untried or time.monotonic() > deadline:
                return 3
    except KeyboardInterrupt:
        return 0 if not pending(lab) else 3


def standing_of(lab: LabPaths, since: float) -> Standing:
    """See how far the runs in the queue are; only attempts made after `since` (seconds since the epoch) count."""
    found = Standing()
    # A first failure may be that of an attempt that was under way before.
    failures = {failure.store: failure.error for failure in failing_stores(lab) if failure.failures > 1}
    stores = Stores(lab)
    for uid in pending(lab):
        folder = RunFolder(lab.run(uid))
        try:
            run = folder.read()
            wanted = stores.of(run)
        except LabError:
            continue
        if not run.status.ended:
            found.running += 1
            continue
        found.ended += 1
        states = Published.read(folder.paths.published).stores
        key = folder.state_key()
        missing = [name for name in wanted if name not in states or states[name].copied != key]
        for name in missing:
            found.waiting[name] = found.waiting.get(name, 0) + 1
            state = states.get(name)
            tried = state is not None and state.failures > 1 and state.tried >= since
            if name in failures:
                found.failing[name] = failures[name]
            elif tried and state is not None:
                found.failing.setdefault(name, state.error)
            else:
                found.untried += 1
        if not missing:
            found.untried += 1  # about to leave the queue
    return found


def announce_unpublished(lab: LabPaths) -> list[str]:
    """Put every run that is not copied whole into the queue, and have stores that failed asked at once."""
    stores, now = Stores(lab), identity(lab)
    found = []
    for failure in failing_stores(lab):
        if failure.code == StoreRefused.code:
            stop_publisher(lab)  # the next one has the environment of this process, and so perhaps the right password
        Gate(lab, failure.store).open()
    for uid in all_uids(lab):
        folder = RunFolder(lab.run(uid))
        try:
            run, _ = folder.stored()
            wanted = stores.of(run)
        except LabError:
            wanted = (EMBEDDED,)
        states = Published.read(folder.paths.published).stores
        key = folder.state_key()
        missing = [name for name in wanted if name not in states or states[name].copied != key]
        own = states.get(EMBEDDED)
        if not missing and (own is None or lab.misplaced or own.store in ("", now)):
            continue
        found.append(uid)
        with contextlib.suppress(OSError):
            touch(lab, uid)
    return found


def _print(text: str) -> None:
    print(text, flush=True)
