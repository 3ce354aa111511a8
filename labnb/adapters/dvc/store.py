"""Names the DVC dataset and version that each file belongs to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from labnb.adapters.dvc import cache
from labnb.adapters.dvc.out import LOCK, Out, is_pointer
from labnb.model.dataset import FileUse

#: Where versions lie that were brought for reading, and the file that says of which dataset each is.
BROUGHT = ".labnb/cache/data"
MARK = "dataset.json"

_ORDER = ("open", "watch", "args")

# Stat of a file: modification time (ns), size, inode; None where there is none.
Key = tuple[int, int, int] | None


@dataclass
class _Call:
    """What one call has found out already: nothing is looked at twice in it."""

    parts: Mapping[str, Mapping[str, str]]
    projects: dict[str, str | None] = field(default_factory=dict)
    folders: dict[str, list[Out]] = field(default_factory=dict)
    listings: dict[tuple[str, str], Mapping[str, str] | None] = field(default_factory=dict)
    heaps: dict[str, tuple[Out, str, Mapping[str, str]] | None] = field(default_factory=dict)


class DvcDataStore:
    """The data store of one project (`ports.data_store.DataStore`), from DVC's own files.

    A pointer counts when it lies in a folder above the file it tracks (as `dvc add` and pipelines put it). Folders
    and pointers are read again only when they changed. Nothing is locked, nothing written; DVC is not imported.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root.resolve())
        self._materialised = f"{self._root.rstrip('/')}/{BROUGHT}/"
        self._known_brought: dict[str, Out] = {}
        self._names: dict[str, tuple[Key, list[str]]] = {}
        self._pointers: dict[str, tuple[tuple[Key, Key], list[Out]]] = {}
        self._caches: dict[str, tuple[tuple[Key, ...], str]] = {}
        self._listings: dict[tuple[str, str], Mapping[str, str]] = {}

    def resolve(
        self, uses: Iterable[FileUse], parts: Mapping[str, Mapping[str, str]] | None = None
    ) -> tuple[FileUse, ...]:
        """Fill in `dataset` and `version` where a dataset covers the file; see the port.

        Several files of one folder dataset come back as one entry when each is as it was recorded. Raises
        DataStoreError, naming the file, where a pointer, listing or setting of DVC cannot be read.
        """
        call = _Call(parts or {})
        return self._together([(use, *self._cover(use, call)) for use in uses])

    def _cover(self, use: FileUse, call: _Call) -> tuple[Out | None, str | None]:
        """Find the output that covers a file, best one whose recorded content it has."""
        folder, _, name = use.path.rpartition("/")
        if folder not in call.heaps:
            call.heaps[folder] = self._heap(folder, call)
        heap = call.heaps[folder]
        if heap is not None and name and use.digest and heap[2].get(heap[1] + name) == use.digest[4:]:
            return heap[0], heap[0].md5
        path = os.path.normpath(os.path.join(self._root, use.path))
        first: Out | None = None
        for tracked in self._candidates(path, call):
            if path != tracked.path and not path.startswith(tracked.path + os.sep):
                continue
            if self._matches(use, path, tracked, call):
                return tracked, tracked.md5
            first = first or tracked
        return first, None

    def _heap(self, folder: str, call: _Call) -> tuple[Out, str, Mapping[str, str]] | None:
        """Give the folder dataset that a folder lies in, its path inside that, and the recorded files.

        Asked once for all files in it: there may be a hundred thousand.
        """
        place = os.path.normpath(os.path.join(self._root, folder))
        for tracked in self._candidates(os.path.join(place, "x"), call):
            if tracked.folder and f"{place}/".startswith(tracked.path + os.sep):
                listing = self._listing(tracked, call)
                start = f"{place}/"[len(tracked.path) + 1 :].replace(os.sep, "/")
                return (tracked, start, listing) if listing is not None else None
        return None

    def _candidates(self, path: str, call: _Call) -> Iterable[Out]:
        folder = os.path.dirname(path)
        brought = self._brought(path)
        if brought is not None:
            yield brought
            return
        project = self._project(folder, call)
        while project is not None:
            yield from self._outs(folder, project, call)
            if folder == project:
                break
            folder = os.path.dirname(folder)

    def _brought(self, path: str) -> Out | None:
        """Tell a version that `labnb.path` brought: what it is of stands beside it."""
        if not path.startswith(self._materialised):
            return None
        place = self._materialised + path[len(self._materialised) :].partition("/")[0]
        if place not in self._known_brought:
            try:
                with open(os.path.join(place, MARK), encoding="utf-8") as file:
                    told = json.load(file)
                out = Out(os.path.join(place, str(told["path"])), str(told["version"]), self._root,
                          files=dict(told.get("files") or {}), name=str(told["dataset"]))  # fmt: skip
            except (OSError, ValueError, KeyError, TypeError):
                return None
            self._known_brought[place] = out
        return self._known_brought[place]

    def _matches(self, use: FileUse, path: str, tracked: Out, call: _Call) -> bool:
        digest = (use.digest or "").removeprefix("md5:")
        if not digest:
            return False
        part = call.parts.get(use.digest or "")
        if part is not None and tracked.folder:
            start = path[len(tracked.path) + 1 :].replace(os.sep, "/")
            return self._holds(tracked, f"{start}/" if start else "", part, call)
        if path == tracked.path:
            return digest == tracked.md5 or (tracked.legacy and cache.unix_digest(path) == tracked.md5)
        listing = self._listing(tracked, call)
        inner = path[len(tracked.path) + 1 :].replace(os.sep, "/")
        if listing is None:
            return False
        if digest.endswith(".dir"):
            part = {name[len(inner) + 1 :]: md5 for name, md5 in listing.items() if name.startswith(f"{inner}/")}
            return bool(part) and cache.listing_digest(part) == digest
        listed = listing.get(inner)
        if listed is None or listed == digest:
            return listed == digest
        return tracked.legacy and cache.unix_digest(path) == listed

    def _holds(self, tracked: Out, start: str, part: Mapping[str, str], call: _Call) -> bool:
        """Whether files of a folder are as they were recorded."""
        listing = self._listing(tracked, call)
        return listing is not None and all(listing.get(start + name) == md5 for name, md5 in part.items())

    def _together(self, found: list[tuple[FileUse, Out | None, str | None]]) -> tuple[FileUse, ...]:
        """Make one entry of the files of a folder dataset, unless one of them differs from what was recorded."""
        groups: dict[Out, list[FileUse]] = {}
        differ: set[Out] = set()
        for use, tracked, version in found:
            if tracked is not None and tracked.folder:
                groups.setdefault(tracked, []).append(use)
                if version is None:
                    differ.add(tracked)
        whole = {
            tracked: self._joined(tracked, group)
            for tracked, group in groups.items()
            if len(group) > 1 and (tracked not in differ or self._is_whole(tracked, group))
        }
        result: list[FileUse] = []
        told: set[Out] = set()
        names = {
            tracked: self._name(tracked) for tracked in {tracked for _, tracked, _ in found if tracked is not None}
        }
        for use, tracked, version in found:
            if tracked is None:
                result.append(use)
            elif tracked not in whole:
                result.append(replace(use, dataset=names[tracked], version=version))
            elif tracked not in told:
                told.add(tracked)
                result.append(whole[tracked])
        return tuple(result)

    def _joined(self, tracked: Out, group: list[FileUse]) -> FileUse:
        return FileUse(
            path=self._shown(tracked.path) + "/",
            digest=f"md5:{tracked.md5}",
            size=sum(use.size for use in group),
            files=sum(use.files for use in group),
            dataset=self._name(tracked),
            version=tracked.md5,
            seen=min({use.seen for use in group}, key=lambda seen: _ORDER.index(seen) if seen in _ORDER else 9),
        )

    def _is_whole(self, tracked: Out, group: list[FileUse]) -> bool:
        """Whether the files are all that was recorded: their own listing then has the recorded digest.

        This needs no cache: a folder that was brought without its listing is still recognised.
        """
        files = {}
        for use in group:
            path = os.path.normpath(os.path.join(self._root, use.path))
            inner = path[len(tracked.path) + 1 :].replace(os.sep, "/")
            files[inner] = (use.digest or "").removeprefix("md5:")
        return "" not in files and cache.listing_digest(files) == tracked.md5

    def _project(self, folder: str, call: _Call) -> str | None:
        """Give the DVC project that a folder is in: the nearest folder with a `.dvc` folder."""
        if folder not in call.projects:
            above = os.path.dirname(folder)
            if os.path.isdir(os.path.join(folder, ".dvc")):
                call.projects[folder] = folder
            else:
                call.projects[folder] = None if above == folder else self._project(above, call)
        return call.projects[folder]

    def _outs(self, folder: str, project: str, call: _Call) -> list[Out]:
        if folder not in call.folders:
            call.folders[folder] = [
                out for name in self._pointer_names(folder) for out in self._read(os.path.join(folder, name), project)
            ]
        return call.folders[folder]

    def _pointer_names(self, folder: str) -> list[str]:
        key = _key(folder)
        known = self._names.get(folder)
        if known is not None and known[0] == key:
            return known[1]
        try:
            with os.scandir(folder) as listing:
                # Pointers before lock files: what somebody added counts before what a pipeline used.
                names = sorted(entry.name for entry in listing if is_pointer(entry.name))
        except OSError:
            names = []
        names.sort(key=lambda name: name == LOCK)
        self._names[folder] = (key, names)
        return names

    def _read(self, path: str, project: str) -> list[Out]:
        pipeline = _key(os.path.join(os.path.dirname(path), "dvc.yaml")) if path.endswith(LOCK) else None
        key = (_key(path), pipeline)
        known = self._pointers.get(path)
        if known is None or known[0] != key:
            # Only a project with pointers pays for a YAML parser.
            from labnb.adapters.dvc.pointers import read_pointer

            outs = read_pointer(path, project)
            known = self._pointers[path] = (key, outs)
        return known[1]

    def _listing(self, tracked: Out, call: _Call) -> Mapping[str, str] | None:
        if tracked.files:
            return tracked.files
        if not tracked.folder:
            return None
        at = (tracked.project, tracked.md5)
        if at not in self._listings:
            if at not in call.listings:
                call.listings[at] = cache.read_listing(self._cache(tracked.project), tracked.md5)
            listing = call.listings[at]
            if listing is None:
                return None
            self._listings[at] = listing  # named by its content: it never changes
        return self._listings[at]

    def _cache(self, project: str) -> str:
        key = tuple(_key(path) for path in cache.settings_files(project))
        known = self._caches.get(project)
        if known is None or known[0] != key:
            known = self._caches[project] = (key, cache.cache_folder(project))
        return known[1]

    def _name(self, tracked: Out) -> str:
        """Name a dataset: its path relative to the project, also when DVC's project begins above labnb's."""
        if tracked.name:
            return tracked.name
        inside = f"{self._root}/".startswith(tracked.project.rstrip("/") + "/")
        return os.path.relpath(tracked.path, self._root) if inside else self._shown(tracked.path)

    def _shown(self, path: str) -> str:
        inside = path.startswith(self._root.rstrip("/") + "/")
        return path[len(self._root.rstrip("/")) + 1 :] if inside else path


def _key(path: str) -> Key:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
