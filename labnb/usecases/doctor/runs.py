"""The checks of the run folders, the queue and the publisher."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from labnb.model.errors import LabError, StoreMisplaced
from labnb.model.health import Check, State
from labnb.model.run import parse_time
from labnb.runfolder.folder import RunFolder, all_uids
from labnb.runfolder.gate import failing_stores
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published
from labnb.runfolder.queue import publisher_lives, queue_state
from labnb.usecases.doctor.leftovers import leftovers
from labnb.usecases.mend_run import dead_runs

FIX = "labnb doctor --fix"
# Seconds after which a run that ended should be in the store, and a publisher should have moved.
LATE = 600.0
SHOWN = 3


@dataclass
class _Seen:
    runs: int = 0
    broken: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)


def check_runs(lab: LabPaths) -> list[Check]:
    """Look at every run folder, at the queue and at the publisher; changes nothing."""
    if not lab.runs.is_dir():
        return []
    now = time.time()
    seen = _look(lab, now)
    return [
        *_folders(lab, seen),
        *_stores(lab),
        *_published(seen),
        *_publisher(lab, now),
        *_leftovers(lab),
    ]


def _look(lab: LabPaths, now: float) -> _Seen:
    seen = _Seen()
    for uid in all_uids(lab):
        seen.runs += 1
        folder = RunFolder(lab.run(uid))
        try:
            run, _ = folder.stored()
            begun = parse_time(run.started).timestamp()
            ended = parse_time(run.ended).timestamp() if run.ended else None
        except (LabError, ValueError, TypeError, AttributeError) as error:
            seen.broken.append(f"{uid}: {error.message if isinstance(error, LabError) else error}")
            continue
        if begun > now + 60:
            seen.future.append(uid)
        if not run.status.ended:
            continue
        published = Published.read(folder.paths.published)
        if published.word != "published" and (ended is None or now - ended > LATE):
            seen.unpublished.append(uid)
            seen.reasons |= {state.error for state in published.stores.values() if state.error}
    return seen


def _folders(lab: LabPaths, seen: _Seen) -> Iterator[Check]:
    for text in seen.broken:
        yield Check("runs", State.FAILING, text, f"{FIX} puts it together from the rest of its folder.")
    dead = dead_runs(lab)
    if dead:
        message = f"{_count(dead)} ended without an end in the record (killed, or no room): {_names(dead)}."
        yield Check("runs", State.FAILING, message, FIX)
    if seen.future:
        message = f"{_count(seen.future)} began in the future, by this machine's clock: {_names(seen.future)}."
        yield Check("runs", State.WARNING, message, "Set the clocks by NTP.")
    if not (seen.broken or dead or seen.future):
        yield Check("runs", State.OK, f"{seen.runs} recorded, all can be read.")


def _stores(lab: LabPaths) -> Iterator[Check]:
    for failure in failing_stores(lab):
        if failure.code == StoreMisplaced.code:  # where the store lies is a check of its own
            continue
        message = f"{failure.store} failed {failure.failures} times in a row: {failure.error}"
        yield Check("publishing to", State.FAILING, message, "labnb sync asks it again at once.")


def _published(seen: _Seen) -> Iterator[Check]:
    if not seen.unpublished:
        yield Check("published", State.OK, "Every run that ended is in the store, or will be in some minutes.")
        return
    why = f" {min(seen.reasons)}" if seen.reasons else ""
    message = f"{_count(seen.unpublished)} ended long ago, but not published: {_names(seen.unpublished)}.{why}"
    yield Check("published", State.FAILING, message, f"{FIX} announces them again, labnb sync waits for them.")


def _publisher(lab: LabPaths, now: float) -> Iterator[Check]:
    waiting = queue_state(lab)
    oldest = min(waiting.values(), default=0) / 1e9
    try:
        lives = publisher_lives(lab)
    except OSError as error:
        yield Check("publisher", State.FAILING, f"Its lock cannot be used: {error}.", f"Is {lab.home} writable?")
        return
    ended = []
    for uid in waiting:
        with contextlib.suppress(LabError):
            if RunFolder(lab.run(uid)).stored()[0].status.ended:
                ended.append(uid)
    if ended and not lives and now - oldest > LATE:
        yield Check(
            "publisher",
            State.FAILING,
            f"{_count(ended)} to publish, and no publisher is at work.",
            f"{FIX}, or labnb sync",
        )
    elif ended and now - oldest > LATE:
        yield Check(
            "publisher",
            State.WARNING,
            f"It is at work, but {_count(ended)} waited for more than {LATE / 60:.0f} minutes.",
            f"{lab.publisher_log} tells why.",
        )
    elif lives:
        yield Check("publisher", State.OK, f"It is at work; {_count(list(waiting))} in its queue.")
    else:
        yield Check("publisher", State.OK, "Not needed at present; the next run starts it.")


def _leftovers(lab: LabPaths) -> Iterator[Check]:
    found = leftovers(lab)
    if found:
        names = ", ".join(path.name for path in found[:SHOWN])
        more = " …" if len(found) > SHOWN else ""
        yield Check("leftovers", State.WARNING, f"{len(found)} files of processes that ended: {names}{more}.", FIX)


def _count(uids: list[str]) -> str:
    return "1 run" if len(uids) == 1 else f"{len(uids)} runs"


def _names(uids: list[str]) -> str:
    more = " …" if len(uids) > SHOWN else ""
    return ", ".join(uid[:8] for uid in sorted(uids)[:SHOWN]) + more
