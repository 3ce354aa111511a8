"""Brings a version of a dataset back: put together aside and checked, then put in its place in a single step."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from labnb.adapters.dvc import tree
from labnb.adapters.dvc.aside import aside, remove
from labnb.adapters.dvc.exchange import Plan, carry_out, write_plan
from labnb.adapters.dvc.ingest import State, ingest, look
from labnb.adapters.dvc.locks import locked
from labnb.adapters.dvc.objects import umask
from labnb.adapters.dvc.parallel import Advance, each
from labnb.adapters.dvc.pointing import covering, pointer_text, write_whole
from labnb.adapters.dvc.project import Project
from labnb.adapters.dvc.restoring import Way, place_object, ways
from labnb.adapters.dvc.revision import Entry
from labnb.adapters.dvc.scan import changed_since
from labnb.adapters.dvc.transfer import read_listing
from labnb.adapters.dvc.wording import counted, from_os, some
from labnb.model.data_changes import CheckedOut
from labnb.model.dataset import DatasetVersion
from labnb.model.errors import DataStoreError, NotFound
from labnb.ports.progress import Progress

#: Brings the objects that the cache lacks, and gives how many it brought; raises where some cannot be had.
Fetch = Callable[[set[str]], int]


@dataclass(frozen=True)
class Wanted:
    """A version that is to be restored: its files' md5 ("" names a lone file)."""

    version: DatasetVersion
    path: str
    files: dict[str, str]
    folder: bool


def wanted(project: Project, version: DatasetVersion, path: str, fetch: Fetch) -> tuple[Wanted, int]:
    """Find out what a version consists of, with every object of it in the cache; gives how many were fetched.

    Raises NotFound, StoreCorrupt and what `fetch` raises.
    """
    digest = version.version
    tree.check_digest(digest, version.dataset)
    folder, fetched = digest.endswith(".dir"), 0
    files = {"": digest}
    if folder:
        entry = covering(path, project.top, project.pointers)
        if entry is not None and entry.path == path and entry.md5 == digest and entry.listed:
            files = dict(entry.listed)
        else:
            if project.objects.find(digest) is None:
                fetched += fetch({digest})
            files = read_listing(project.objects, digest)
    missing = project.objects.missing(set(files.values()))
    if missing:
        fetched += fetch(missing)
    return Wanted(version, path, files, folder), fetched


def restore_to(project: Project, what: Wanted, to: str, progress: Progress) -> CheckedOut:
    """Write a version into a place of the user's, which must not exist; the files are copies of theirs."""
    if os.path.lexists(to) and not (os.path.isdir(to) and what.folder and not os.listdir(to)):
        raise DataStoreError(f"{to} is there already; nothing was changed.", "Name another place with --to.")
    try:
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with aside(project.work) as place:
            new = _beside(to, place.folder)
            write_plan(place.folder, Plan(to, new, False))
            try:
                size = _build(project, what, new, None, ways(("reflink", "copy")), progress)
                with contextlib.suppress(OSError):
                    os.rmdir(to)
                carry_out(place.folder, Plan(to, new, False))
            except BaseException:
                remove(new)
                raise
    except OSError as error:
        raise from_os(error, f"{what.version.dataset} cannot be written to {to}") from error
    return CheckedOut(to, len(what.files), size)


def restore(project: Project, what: Wanted, *, force: bool, undo: str, progress: Progress) -> CheckedOut:
    """Put a version into its dataset's place in the work tree, and have its pointer say so.

    Raises DataStoreError where that would overwrite content that no version holds, unless `force`: then the old
    files go to a folder below `undo`.
    """
    path, version = what.path, what.version
    entry = covering(path, project.top, project.pointers)
    if entry is not None and entry.path != path:
        raise DataStoreError(
            f"{version.dataset} lies in the dataset {entry.path}, which is restored as a whole.",
            "Name another place with --to.",
        )
    try:
        now = look(path, project.top, project.stat_cache, progress) if os.path.lexists(path) else None
        lost = _lost(project, now, what)
        if lost and now is not None and entry is not None and now.digest == entry.md5:
            # A recorded version that the cache has lost: what lies here may be all that there is of it.
            now, lost = ingest(path, project.top, project.objects, project.stat_cache, progress), []
        if lost and not force:
            raise DataStoreError(
                f"{version.dataset} holds {counted(len(lost), 'file')} whose content no version has: {some(lost)}. "
                "Nothing was changed.",
                "labnb data add keeps them as a version; --force puts them aside.",
            )
        pointer, text, note = _pointer(entry, what, project)
        by = os.path.join(undo, f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6:06}", os.path.basename(path))
        with aside(project.work) as place:
            new = _beside(path, place.folder)
            plan = Plan(path, new, now is not None, undo=by if lost else "", pointer=pointer, text=text)
            write_plan(place.folder, plan)
            try:
                size = _put(project, what, entry, now, plan, place.folder, progress)
            except BaseException:
                remove(new)
                raise
    except OSError as error:
        raise from_os(error, f"{version.dataset} cannot be restored") from error
    return CheckedOut(path, len(what.files), size, 0, pointer or None, by if lost else None, note)


def _put(
    project: Project,
    what: Wanted,
    entry: Entry | None,
    now: State | None,
    plan: Plan,
    folder: str,
    progress: Progress,
) -> int:
    """Build the version aside and exchange it for what lies in its place; gives its size."""
    same = now is not None and now.digest == what.version.version
    if same:
        assert now is not None
        size = now.scan.size
    else:
        program = _is_program(entry, what)
        size = _build(project, what, plan.new, now, ways(project.settings.links), progress, program)
    with locked(project.settings, (what.path,)):
        changed = list(changed_since(now.scan, project.top, linked=True)) if now is not None else []
        if changed or (now is None and os.path.lexists(what.path)):
            raise DataStoreError(
                f"{what.path} changes while it is restored: {some(changed) or what.path}. Nothing was changed.",
                "Wait until nothing writes there any more, and try again.",
            )
        if not same:
            moved = now.scan.left_out if now is not None and now.scan.folder and what.folder else ()
            carry_out(folder, replace(plan, moved=moved))
        elif plan.pointer:
            write_whole(plan.pointer, plan.text)
    return size


def _lost(project: Project, now: State | None, what: Wanted) -> list[str]:
    """Name the files of the work tree whose content would be gone: no object of the cache holds it."""
    if now is None:
        return []
    kept = set(what.files.values())
    return sorted(
        name or os.path.basename(now.scan.path)
        for name, md5 in now.files.items()
        if md5 not in kept and not project.objects.holds(md5, now.scan.files[name].size)
    )


def _pointer(entry: Entry | None, what: Wanted, project: Project) -> tuple[str, str, str]:
    """Give the pointer to rewrite and its text; or, where there is none to rewrite, what the user has to know."""
    version = what.version
    if entry is None:
        return "", "", f"No pointer records {version.dataset}: labnb data add makes it a dataset."
    if entry.md5 == version.version:
        return "", "", ""
    if entry.origin != "added":
        where = f"the stage {entry.source!r}" if entry.origin == "stage" else "an import"
        return "", "", f"{os.path.basename(entry.pointer)} still names the version of {where}."
    size = sum(os.stat(project.objects.find(md5) or "").st_size for md5 in what.files.values())
    old = Path(entry.pointer).read_text(encoding="utf-8")
    count = len(what.files) if what.folder else None
    text = pointer_text(old, entry.pointer, what.path, version.version, size, count, _is_program(entry, what))
    return entry.pointer, text, ""


def _is_program(entry: Entry | None, what: Wanted) -> bool:
    """Whether the pointer says of a file that it can be run; no version does."""
    if entry is None or what.folder or entry.path != what.path:
        return False
    with contextlib.suppress(OSError, ValueError):
        return "isexec: true" in Path(entry.pointer).read_text(encoding="utf-8")
    return False


def _build(
    project: Project,
    what: Wanted,
    new: str,
    now: State | None,
    how: tuple[Way, ...],
    progress: Progress,
    program: bool = False,
) -> int:
    """Put the files together at `new`; what the work tree has already is linked, not copied. Gives the bytes."""
    present = {} if program else _reusable(now, new)
    sizes = {name: _size(project, md5) for name, md5 in what.files.items()}
    mode = 0o666 & ~umask()
    for folder in sorted({os.path.dirname(name) for name in what.files if name} | ({""} if what.folder else set())):
        os.makedirs(os.path.join(new, folder) if folder else new, exist_ok=True)

    def place(name: str, advance: Advance) -> bool:
        target = os.path.join(new, name) if name else new
        md5 = what.files[name]
        if present.get(name) == md5 and now is not None:
            try:
                os.link(now.scan.full(name), target, follow_symlinks=False)
                advance(sizes[name])
                return True
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOENT, errno.EOPNOTSUPP):
                    raise
        place_object(project.objects, md5, target, how, mode, advance)
        return True

    each(sizes, place, f"Restoring {what.version.dataset}", progress)
    if program:
        os.chmod(new, os.stat(new).st_mode | 0o100)
    return sum(sizes.values())


def _reusable(now: State | None, new: str) -> dict[str, str]:
    if now is None or os.stat(now.scan.path).st_dev != os.stat(os.path.dirname(new)).st_dev:
        return {}
    return now.files


def _size(project: Project, md5: str) -> int:
    place = project.objects.find(md5)
    if place is None:
        raise NotFound(f"The object {md5} has gone from the cache meanwhile.", "Try again.")
    return os.stat(place).st_size


def _beside(target: str, folder: str) -> str:
    """Say where to build: in the private folder, or beside the target where that is another file system."""
    above = os.path.dirname(target)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    if os.stat(above).st_dev == os.stat(folder).st_dev:
        return os.path.join(folder, "new")
    token = os.path.basename(folder)
    return os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.labnb-{token}")
