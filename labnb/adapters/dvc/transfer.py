"""Moves versions between the cache and a remote: what is there is not moved again, what arrives is checked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from labnb.adapters.dvc import tree
from labnb.adapters.dvc.aside import Aside, left_behind, remove
from labnb.adapters.dvc.child import ask
from labnb.adapters.dvc.objects import FileChanged, Objects, digest_of
from labnb.adapters.dvc.parallel import Advance, Count, each
from labnb.adapters.dvc.project import Project
from labnb.adapters.dvc.settings import Settings
from labnb.adapters.dvc.wording import counted, from_os, some
from labnb.model.address import without_secrets
from labnb.model.data_changes import Transferred
from labnb.model.dataset import DatasetVersion
from labnb.model.errors import NotFound, StoreCorrupt, nearest
from labnb.ports.progress import Progress


def choose(settings: Settings, remote: str) -> tuple[str, str]:
    """Give the name and address of a remote, by default DVC's own default; raises NotFound listing the others."""
    name = remote or settings.remote
    if not name:
        if not settings.remotes:
            raise NotFound(f"The DVC project {settings.top} has no remote.", "labnb data remote add NAME URL --default")
        if len(settings.remotes) > 1:
            raise NotFound(
                f"None of the remotes of {settings.top} is the default one.",
                f"Name one of {', '.join(sorted(settings.remotes))}, or: dvc remote default NAME.",
            )
        name = next(iter(settings.remotes))
    if name not in settings.remotes:
        raise NotFound(f"There is no remote {name!r} in {settings.top}.", nearest(name, settings.remotes))
    return name, settings.remotes[name]


def push(project: Project, versions: Iterable[DatasetVersion], remote: str, progress: Progress) -> Transferred:
    """Copy the objects of versions to a remote; raises NotFound where the cache lacks some, and what remotes raise."""
    name, url = choose(project.settings, remote)
    wanted: dict[str, list[object]] = {}
    for version in versions:
        for md5 in _objects_of(project.objects, version):
            place = project.objects.find(md5)
            assert place is not None
            wanted[md5] = [md5, place, os.stat(place).st_size]
    _check(project.objects, wanted, progress)
    total = sum(int(str(item[2])) for item in wanted.values())
    count = Count(f"Pushing to {name}", total, progress)
    answer = ask(
        project.top, {"do": "push", "remote": name, "url": url, "objects": list(wanted.values())}, count.advance
    )
    sent = answer["sent"]
    size = sum(int(str(wanted[md5][2])) for md5 in sent)
    return Transferred(name, len(sent), size, len(wanted) - len(sent))


def pull(project: Project, versions: Iterable[DatasetVersion], remote: str, progress: Progress) -> Transferred:
    """Copy the objects of versions into the cache, listings first; raises NotFound where the remote lacks some."""
    name, _ = choose(project.settings, remote)
    wanted = [version.version for version in versions]
    for version in wanted:
        tree.check_digest(version, "a dataset")
    listings = {version for version in wanted if version.endswith(".dir")}
    fresh = project.objects.missing(listings)
    size = fetch(project, fresh, name, progress)
    files = {version for version in wanted if not version.endswith(".dir")}
    for listing in listings:
        files.update(read_listing(project.objects, listing).values())
    missing = project.objects.missing(files)
    size += fetch(project, missing, name, progress)
    moved = len(fresh) + len(missing)
    return Transferred(name, moved, size, len(files) + len(listings) - moved)


def fetch(project: Project, objects: set[str], remote: str, progress: Progress) -> int:
    """Bring objects from a remote into the cache, each checked before it is one; gives their bytes.

    What arrived stays when the rest fails or is interrupted. Raises NotFound naming what the remote lacks, StoreCorrupt
    for content that is not what its name says, and what remotes raise.
    """
    if not objects:
        return 0
    name, url = choose(project.settings, remote)
    try:
        place = Aside(project.objects.above)
    except OSError as error:
        raise from_os(error, f"Nothing can be put into the cache {project.objects.cache}") from error
    count = Count(f"Pulling from {name}", None, progress)
    bad: list[str] = []
    size = 0
    try:
        request = {"do": "fetch", "remote": name, "url": url, "objects": sorted(objects), "into": place.folder}
        missing = set(ask(project.top, request, count.advance)["missing"])
    finally:
        try:
            arrived, bad = _adopt(project.objects, place.folder, objects, progress)
            size += arrived
        finally:
            place.close()
    if bad:
        raise StoreCorrupt(
            f"Remote {name!r} holds {counted(len(bad), 'object')} whose content is not what the name says: "
            f"{some(bad)}. None of it was taken.",
            "Remove them there, and push them again from where the data are.",
        )
    lacking = sorted((missing & objects) | project.objects.missing(objects))
    if lacking:
        raise NotFound(
            f"Remote {name!r} ({without_secrets(url)}) does not have {counted(len(lacking), 'object')}: "
            f"{some(lacking)}.",
            "Whoever has the data can push them: labnb data push.",
        )
    return size


def salvage(objects: Objects, progress: Progress) -> None:
    """Take what a killed process had fetched whole, and remove the rest of what it left."""
    for folder in left_behind(objects.above):
        with contextlib.suppress(OSError, StoreCorrupt):
            names = {name for name in os.listdir(folder) if tree.is_digest(name)}
            _adopt(objects, folder, names, progress)
        remove(folder)
    with contextlib.suppress(OSError):
        os.rmdir(objects.above)


def _adopt(objects: Objects, folder: str, names: set[str], progress: Progress) -> tuple[int, list[str]]:
    """Make objects of the files whose content has their name; gives their bytes, and the others' names."""
    here = {name: os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder) if name in names}
    bad: list[str] = []

    def take(md5: str, advance: Advance) -> bool:
        part = os.path.join(folder, md5)
        try:
            good = digest_of(part, advance) == md5.removesuffix(".dir")
        except FileChanged:
            good = False
        if good:
            objects.adopt(part, md5, here[md5])
        else:
            bad.append(md5)
        return good

    taken = each(here, take, "Checking what arrived", progress)
    return sum(here[md5] for md5, good in taken.items() if good), sorted(bad)


def read_listing(objects: Objects, digest: str) -> dict[str, str]:
    """Map the files of a folder version to their md5; raises NotFound where the cache lacks the listing."""
    place = objects.find(digest)
    if place is None:
        raise NotFound(f"The listing {digest} is not in the cache {objects.cache}.", "labnb data pull fetches it.")
    if not objects.intact(digest):
        raise StoreCorrupt(
            f"The listing {place} is damaged: its content is not what its name says.",
            "Remove that file; labnb data pull then fetches it again from a remote.",
        )
    with open(place, "rb") as file:
        return tree.parse_listing(file.read(), place)


def _objects_of(objects: Objects, version: DatasetVersion) -> list[str]:
    """Name the objects of a version; raises NotFound where the cache lacks some of them."""
    tree.check_digest(version.version, version.dataset)
    if objects.find(version.version) is None:
        raise NotFound(
            f"{version.dataset}@{version.version[:8]} is not in the cache {objects.cache}.",
            f"labnb data pull {version.dataset} fetches it from a remote that has it.",
        )
    names = [version.version]
    if version.version.endswith(".dir"):
        names += set(read_listing(objects, version.version).values())
    missing = objects.missing(set(names))
    if missing:
        raise NotFound(
            f"{version.dataset}@{version.version[:8]}: the cache lacks {counted(len(missing), 'file')} of it, so "
            "that it cannot be pushed whole.",
            "labnb data pull fetches them from a remote that has them; labnb data add records what is there now.",
        )
    return names


def _check(objects: Objects, wanted: dict[str, list[object]], progress: Progress) -> None:
    """See that what is sent is what its name says: a remote believes it."""

    def check(md5: str, advance: Advance) -> bool:
        good = objects.intact(md5)
        advance(sizes[md5])
        return good

    sizes = {md5: int(str(item[2])) for md5, item in wanted.items()}
    bad = sorted(md5 for md5, good in each(sizes, check, "Checking what is sent", progress).items() if not good)
    if bad:
        raise StoreCorrupt(
            f"The cache {objects.cache} holds {counted(len(bad), 'damaged object')}: {some(bad)}. Nothing was pushed.",
            "Remove them; labnb data add or labnb data pull brings them back.",
        )
