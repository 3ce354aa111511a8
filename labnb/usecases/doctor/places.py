"""The checks of where `.labnb` and the embedded store lie."""

from __future__ import annotations

from collections.abc import Iterator

from labnb.model.health import Check, Facts, PlaceFacts, StoreFacts
from labnb.runfolder.mounts import ELSEWHERE, is_shared
from labnb.usecases.doctor.lines import fail, ok, warn

GB = 1_000_000_000
LITTLE, LITTLE_SHARE, NONE = 1 * GB, 0.05, 50_000_000
# Seconds by which the clocks of a file system and of this machine may differ.
SKEW = 2.0


def check_places(facts: Facts) -> Iterator[Check]:
    """Say how the folder, its disk, its file system and the store in it are."""
    yield from _home(facts.place)
    yield from _disk("disk", facts.place)
    yield from _file_system(facts)
    yield from _clock(facts.place)
    if facts.store_place is not None:
        yield from _elsewhere(facts.store_place, facts.store)
    yield _store(facts)


def _home(facts: PlaceFacts) -> Iterator[Check]:
    if facts.home == "file":
        yield fail(
            ".labnb", "In the place of the folder .labnb there is a file.", "Move it away: nothing can be recorded."
        )
    elif facts.problem:
        yield fail(
            ".labnb", f"The folder of the project cannot be written: {facts.problem}.", "Nothing can be recorded here."
        )
    elif facts.closed:
        yield fail(
            ".labnb",
            f"Not yours to write in .labnb: {', '.join(facts.closed[:5])}.",
            "sudo chown -R $USER .labnb; a notebook was perhaps run as another user.",
        )
    elif facts.home == "missing":
        yield ok(".labnb", "Nothing is recorded yet; the folder can be made.")
    else:
        yield ok(".labnb", "It can be written.")


def _disk(check: str, facts: PlaceFacts) -> Iterator[Check]:
    free = f"{facts.free / GB:,.1f} GB of {facts.total / GB:,.0f} GB are free"
    if facts.free < NONE:
        yield fail(check, f"The disk is full: {free}.", "Make room, then: labnb doctor --fix")
    elif facts.free < LITTLE or facts.free < LITTLE_SHARE * facts.total:
        yield warn(check, f"There is little room: {free}.", "Make room before a run needs it.")
    else:
        yield ok(check, f"{free}.")


def _file_system(facts: Facts) -> Iterator[Check]:
    kind, where = facts.place.file_system, facts.place.mount_point
    if kind and is_shared(kind):
        yield ok("file system", f"{kind}, mounted at {where}: the run folders need no locks and are safe there.")
    elif kind:
        yield ok("file system", f"{kind}, mounted at {where}.")


def _clock(facts: PlaceFacts) -> Iterator[Check]:
    if facts.skew is None:
        return
    if abs(facts.skew) > SKEW:
        side = "ahead of" if facts.skew > 0 else "behind"
        yield warn(
            "clock",
            f"The clock of the file system is {abs(facts.skew):.0f} s {side} this machine's.",
            "Set both by NTP (timedatectl set-ntp true): digests of files are remembered by their times.",
        )
    else:
        yield ok("clock", "The clocks of the file system and of this machine agree.")


def _elsewhere(place: PlaceFacts, store: StoreFacts) -> Iterator[Check]:
    if store.misplaced:  # it is not looked at then
        return
    if place.home == "file" or place.problem or place.closed:
        why = place.problem or ("there is a file" if place.home == "file" else f"not yours: {place.closed[0]}")
        hint = "Make the folder, or name another one: [store] path in labnb.toml."
        yield fail("store place", f"{store.folder} cannot be written: {why}.", hint)
    else:
        yield ok("store place", f"{store.folder}, on {place.file_system or 'a disk'}.")
    yield from _disk("store disk", place)


def _store(facts: Facts) -> Check:
    store = facts.store
    if store.misplaced:
        if facts.servers:
            return warn("store", f"{store.misplaced} They are published to the server alone.", ELSEWHERE)
        return fail("store", store.misplaced, ELSEWHERE)
    if not store.exists:
        return ok("store", "The embedded MLflow store is made when the first run is published.")
    if store.problem:
        return fail(
            "store",
            f"The embedded MLflow store is damaged: {store.problem.rstrip('.')}.",
            f"The runs are safe in .labnb/runs. Move {store.folder} away, then `labnb sync` writes it anew from them.",
        )
    if not store.known:
        return fail(
            "store",
            f"A newer MLflow has changed the embedded store (revision {store.revision}).",
            "Update MLflow here, or use one version of it for the project.",
        )
    old = store.newest is not None and store.revision != store.newest
    later = "; it is migrated at the next publishing" if old else ""
    return ok("store", f"The embedded MLflow store is whole, {store.size / 1e6:,.1f} MB{later}.")
