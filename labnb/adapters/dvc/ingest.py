"""Puts the present content of a dataset into the cache: hashed while it is copied, in parallel, each state once."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from labnb.adapters.dvc import tree
from labnb.adapters.dvc.aside import aside
from labnb.adapters.dvc.objects import FileChanged, Objects, digest_of
from labnb.adapters.dvc.parallel import Advance, each
from labnb.adapters.dvc.scan import Scan, changed_since, scan
from labnb.adapters.dvc.wording import from_os, some
from labnb.model.errors import DataStoreError
from labnb.model.wording import size_text
from labnb.ports.progress import Progress
from labnb.runfolder.stat_cache import Signature, StatCache

_ROUNDS = 3
_SPARE = 1 << 20

# What was read in this call already: a file that did not change is not read again in the next round.
Seen = dict[tuple[str, Signature], str]


@dataclass(frozen=True)
class State:
    """The content of a dataset: its files with their states, its digest, the files' md5 ("" names a lone file)."""

    scan: Scan
    digest: str
    files: dict[str, str]


def ingest(path: str, top: str, objects: Objects, stat_cache: StatCache, progress: Progress) -> State:
    """Put the content of a file or folder into the cache, and give its digest.

    What changes while it is read is read again, up to three times. Raises NotFound and DataStoreError, naming the
    file; what was put in by then stays, as objects that nothing names.
    """

    def read(found: Scan, todo: dict[str, int]) -> dict[str, str]:
        if todo:
            _check_room(objects, sum(todo.values()), path, found.full(next(iter(todo))))
        with aside(objects.above) as place:

            def take(name: str, advance: Advance) -> str | None:
                try:
                    return objects.take(found.full(name), found.files[name], place, advance)
                except (FileChanged, FileNotFoundError):
                    if not os.path.isdir(place.folder):
                        raise
                    return None  # the next round sees how it is now

            return each(todo, take, f"Reading {os.path.basename(path)}", progress)

    try:
        state = _settled(path, top, stat_cache, read, lambda md5, size: objects.holds(md5, size))
        if state.scan.folder:
            content = tree.listing_bytes(state.files)
            if not objects.holds(state.digest, len(content)):
                with aside(objects.above) as place:
                    objects.put(content, state.digest, place)
    except OSError as error:
        raise from_os(error, f"{path} cannot be kept in {objects.cache}") from error
    return state


def look(path: str, top: str, stat_cache: StatCache, progress: Progress) -> State:
    """Give the digest of a file or folder; only reads. Raises NotFound and DataStoreError, naming the file."""

    def read(found: Scan, todo: dict[str, int]) -> dict[str, str]:
        def hash_one(name: str, advance: Advance) -> str | None:
            try:
                return digest_of(found.full(name), advance)
            except (FileChanged, FileNotFoundError):
                return None

        return each(todo, hash_one, f"Comparing {os.path.basename(path)}", progress)

    try:
        return _settled(path, top, stat_cache, read, lambda md5, size: True)
    except OSError as error:
        raise from_os(error, f"{path} cannot be read") from error


def _settled(
    path: str,
    top: str,
    stat_cache: StatCache,
    read: Callable[[Scan, dict[str, int]], dict[str, str]],
    enough: Callable[[str, int], bool],
) -> State:
    """Read what is not known, until nothing has changed between the first look and the last."""
    seen: Seen = {}
    found = scan(path, top)
    changed: list[str] = []
    for _ in range(_ROUNDS):
        files, todo = _known(found, seen, stat_cache, enough)
        if todo:
            begun = time.time_ns()
            fresh = read(found, todo)
            stat_cache.put(((found.full(name), found.files[name], md5) for name, md5 in fresh.items()), begun)
            seen.update({(name, found.files[name]): md5 for name, md5 in fresh.items()})
            files.update(fresh)
            changed = [*(name for name in found.files if name not in files), *changed_since(found, top)]
        else:
            changed = []  # all of it is as it was before the look at it
        if not changed:
            return State(found, tree.listing_digest(files) if found.folder else files[""], files)
        found = scan(path, top)
    shown = some(sorted({found.full(name) for name in changed}))
    raise DataStoreError(
        f"{path} changes while it is read: {shown}.", "Wait until nothing writes there any more, and try again."
    )


def _known(
    found: Scan, seen: Seen, stat_cache: StatCache, enough: Callable[[str, int], bool]
) -> tuple[dict[str, str], dict[str, int]]:
    """Give the md5 of the files that are known, and the sizes of those that must be read."""
    fresh = {found.full(name): sign for name, sign in found.files.items() if (name, sign) not in seen}
    known = stat_cache.get(fresh.items())
    files: dict[str, str] = {}
    todo: dict[str, int] = {}
    for name, sign in found.files.items():
        md5 = seen.get((name, sign)) or known.get(found.full(name))
        if md5 is not None and enough(md5, sign.size):
            files[name] = md5
        else:
            todo[name] = sign.size
    return files, todo


def _check_room(objects: Objects, size: int, path: str, one: str) -> None:
    above = objects.cache
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    try:
        free = shutil.disk_usage(above).free
    except OSError:
        return
    if size + _SPARE > free and objects.copies(one):
        raise DataStoreError(
            f"{path} needs {size_text(size)} in DVC's cache {objects.cache}, where {size_text(free)} are free. "
            "Nothing was changed.",
            "labnb data gc frees what nothing uses; dvc cache dir PATH puts the cache elsewhere.",
        )
