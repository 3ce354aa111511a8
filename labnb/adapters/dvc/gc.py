"""Frees the objects of the cache that nothing uses: no recorded run, tagged version, pointer or git revision."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from labnb.adapters.dvc import tree, used
from labnb.adapters.dvc.locks import locked
from labnb.adapters.dvc.project import Project
from labnb.adapters.dvc.transfer import read_listing
from labnb.adapters.dvc.wording import counted, from_os
from labnb.model.data_changes import Freed
from labnb.model.errors import DataStoreError, NotFound, StoreCorrupt
from labnb.ports.progress import Progress

#: Seconds for which an object is spared that nothing names yet: a run may be about to.
YOUNG = 86400.0


def free(project: Project, keep: Iterable[str], code: Path, *, dry: bool, young: float, progress: Progress) -> Freed:
    """Free what is unused; with `dry`, only tell it. `code` is where labnb keeps repositories of its own.

    Raises DataStoreError where it cannot be known what is used, with nothing freed.
    """
    cache = os.path.realpath(project.settings.cache)
    if not cache.startswith(os.path.realpath(project.top) + os.sep):
        raise DataStoreError(
            f"The cache {project.settings.cache} lies outside the project {project.top}, where other projects may use "
            "it. Nothing was freed.",
            "dvc gc --projects PATH … frees what none of the named projects uses.",
        )
    try:
        with locked(project.settings):
            in_use = _in_use(project, keep, code)
            return _free(project, in_use, dry, young, progress)
    except OSError as error:
        raise from_os(error, f"The cache {project.settings.cache} cannot be cleared up") from error


def _in_use(project: Project, keep: Iterable[str], code: Path) -> set[str]:
    found = {digest.removeprefix("md5:") for digest in keep}
    found |= used.in_work_tree(project.git or project.top, project.settings.cache)
    if project.git:
        found |= used.in_git(project.git)
    for repository in used.repositories(str(code)):
        found |= used.in_git(repository, bare=True)
    for listing in [digest for digest in found if digest.endswith(".dir")]:
        with contextlib.suppress(NotFound):
            try:
                found |= set(read_listing(project.objects, listing).values())
            except StoreCorrupt as error:
                raise DataStoreError(
                    f"{error.message} Nobody knows which files it uses: nothing was freed.", error.hint
                ) from error
    return found


def _unlisted(project: Project, in_use: set[str]) -> list[str]:
    """Name the folder versions in use whose listing the cache lacks: their files look as if nothing used them."""
    return sorted(digest for digest in in_use if digest.endswith(".dir") and project.objects.find(digest) is None)


def _free(project: Project, in_use: set[str], dry: bool, young: float, progress: Progress) -> Freed:
    unused: list[tuple[str, str, int]] = []
    kept = spared = 0
    now = time.time()
    for digest, path in _objects(project.settings.cache):
        if digest in in_use:
            kept += 1
            continue
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue
        if now - status.st_ctime < young:
            spared += 1
        else:
            unused.append((digest, path, status.st_size))
    lost = _unlisted(project, in_use)
    if lost and unused:
        raise DataStoreError(
            f"The listings of {counted(len(lost), 'folder version')} in use are not in the cache ({lost[0]}), so that "
            "nobody knows which files they use. Nothing was freed.",
            "labnb data pull --all fetches them where a remote has them.",
        )
    if not dry:
        # Listings first: DVC takes the files of a listing that is there to be there as well.
        unused.sort(key=lambda item: not item[0].endswith(".dir"))
        for number, (_, path, _) in enumerate(unused, 1):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            if number % 100 == 0 or number == len(unused):
                progress("Freeing", number, len(unused), "files")
    return Freed(len(unused), sum(size for _, _, size in unused), kept, spared, dry)


def _objects(cache: str) -> Iterator[tuple[str, str]]:
    store = os.path.join(cache, "files", "md5")
    try:
        starts = sorted(name for name in os.listdir(store) if len(name) == 2)
    except FileNotFoundError:
        return
    for start in starts:
        for name in os.listdir(os.path.join(store, start)):
            if tree.is_digest(start + name):
                yield start + name, os.path.join(store, start, name)
