"""The data catalog on DVC: read from its own files, without importing it and without its lock."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from labnb.adapters.dvc import cache
from labnb.adapters.dvc.content import cached, files_below, missing_of
from labnb.adapters.dvc.found import Pointers, project_of
from labnb.adapters.dvc.history import VersionHistory
from labnb.adapters.dvc.ignore import Ignore
from labnb.adapters.dvc.revision import Entry, name_of
from labnb.adapters.dvc.tree import parse_listing
from labnb.model.dataset import Content, Dataset, DataState, FileUse, VersionEntry
from labnb.model.errors import NotFound
from labnb.model.lineage import Node, Step
from labnb.ports.data_catalog import Digests
from labnb.ports.file_history import FileHistory
from labnb.ports.progress import Progress, silent


class DvcCatalog:
    """The catalog of one project (`ports.data_catalog.DataCatalog`); `added` is the list that adding keeps."""

    def __init__(self, root: Path, history: FileHistory, digests: Digests, added: Path) -> None:
        self._root = str(root.resolve())
        self._pointers = Pointers(self._root)
        self._digests = digests
        self._history = VersionHistory(self._root, history, self._pointers, added)
        self._revisions = history

    def datasets(self) -> tuple[Dataset, ...]:
        """List the datasets, by name; see the port."""
        return tuple(sorted((self._dataset(entry) for entry in self._entries().values()), key=lambda item: item.name))

    def with_state(self, dataset: Dataset, progress: Progress = silent) -> Dataset:
        """Compare the work tree with the recorded version, by digests; files whose state is known are not read."""
        entry = self._entry(dataset.name)
        if entry is None:
            raise NotFound(f"{dataset.name} is no dataset any more.", "labnb data list shows what there is.")
        if entry.md5 is None:
            return dataset
        if not os.path.exists(entry.path):
            state = DataState.NOT_IN_CACHE if self._lacks(entry) else DataState.MISSING
            return dataclasses.replace(dataset, state=state)
        found = self._present(entry, progress)
        recorded = self._files(entry)
        same = self._same(entry, found.files, recorded)
        state = DataState.UNCHANGED if same else DataState.CHANGED
        if same and self._lacks(entry):
            state = DataState.NOT_IN_CACHE
        if same and dataset.size is None:
            dataset = dataclasses.replace(dataset, size=sum(found.sizes.values()), files=len(found.files))
        return dataclasses.replace(dataset, state=state)

    def versions(self, name: str) -> tuple[VersionEntry, ...]:
        """Give the versions that are known, newest first; see the port."""
        entry = self._entry(name)
        found = self._history.versions(name, entry)
        return tuple(self._sized(version, entry) for version in found)

    def at_revision(self, name: str, revision: str) -> tuple[str | None, bool]:
        """Give the version at a revision of the code, and whether there is such a revision."""
        commit = self._revisions.commit(revision)
        if commit is None:
            return None, False
        return self._history.at_commit(name, commit, self._entry(name)), True

    def revisions(self) -> tuple[str, ...]:
        """Name the tags and branches."""
        tags, branches = self._revisions.names()
        return (*tags, *branches)

    def content(self, name: str, version: str) -> Content | None:
        """Give the files of a version, from the cache's listing, a pointer that lists them, or the work tree."""
        if not version.endswith(".dir"):
            place = self.locate(name, version)
            return Content(name, version, {"": version}, {"": place.stat().st_size} if place else {})
        entry = self._entry(name)
        listing: Mapping[str, str] | None = None
        if entry is not None and entry.md5 == version and entry.listed:
            listing = entry.listed
        for folder in self._caches(name):
            place = cached(folder, version) if listing is None else None
            listing = parse_listing(place.read_bytes(), str(place)) if place is not None else listing
        if listing is None and entry is not None and os.path.isdir(entry.path):
            # A folder that came without its listing is recognised by its own.
            present = self._present(entry, silent)
            if cache.listing_digest(present.files) == version:
                return dataclasses.replace(present, version=version)
        return None if listing is None else Content(name, version, dict(listing))

    def present(self, name: str, progress: Progress = silent) -> Content | None:
        """Give what lies in the dataset's place now; None where nothing does."""
        entry = self._entry(name)
        if entry is None or not os.path.exists(entry.path):
            return None
        return self._present(entry, progress)

    def locate(self, name: str, md5: str, inner: str = "") -> Path | None:
        """Find a file that holds this content: in the cache, else in its place in the work tree."""
        for folder in self._caches(name):
            place = cached(folder, md5)
            if place is not None:
                return place
        here = os.path.normpath(os.path.join(self._root, name, inner))
        if os.path.isfile(here) and self._digests([here], silent).get(here) == md5.removesuffix(".dir"):
            return Path(here)
        return None

    def belongs(
        self, use: FileUse, name: str, version: str, parts: Mapping[str, Mapping[str, str]] | None = None
    ) -> bool:
        """Whether a file that was read is, with its digest, in a version; a folder where all of its files are."""
        digest = (use.digest or "").removeprefix("md5:")
        inner = os.path.relpath(os.path.join(self._root, use.path), os.path.join(self._root, name))
        part = (parts or {}).get(use.digest or "")
        if inner == "." and part is None:
            return digest == version
        content = self.content(name, version)
        if content is None or not digest:
            return False
        if part is not None:
            start = "" if inner == "." else f"{inner}/"
            return all(content.files.get(start + path) == md5 for path, md5 in part.items())
        if digest.endswith(".dir"):
            start = f"{inner}/"
            part = {path[len(start) :]: md5 for path, md5 in content.files.items() if path.startswith(start)}
            return bool(part) and cache.listing_digest(part) == digest
        return content.files.get(inner) == digest

    def stages(self) -> tuple[Step, ...]:
        """Give the stages of pipelines as the lock files record them."""
        found: dict[tuple[str, str], list[Entry]] = {}
        for entry in self._pointers.entries():
            if entry.origin == "stage" and entry.md5:
                found.setdefault((entry.pointer, entry.source), []).append(entry)
        steps = []
        for (pointer, stage), entries in found.items():
            where = os.path.relpath(os.path.dirname(pointer), self._root)
            label = stage if where == "." else f"{where}/dvc.yaml:{stage}"
            node = Node(
                f"stage:{label}", "stage", label, {"stage": stage, "pointer": os.path.relpath(pointer, self._root)}
            )
            inputs = tuple(self._use(entry) for entry in entries if entry.dependency)
            steps.append(Step(node, inputs, tuple(self._use(entry) for entry in entries if not entry.dependency)))
        return tuple(steps)

    def _entry(self, name: str) -> Entry | None:
        return self._pointers.entry(os.path.normpath(os.path.join(self._root, name)))

    def _entries(self) -> dict[str, Entry]:
        """Give the output that is meant by each name: what was added counts before a pipeline's."""
        found: dict[str, Entry] = {}
        for entry in self._pointers.entries():
            name = name_of(entry.path, self._root, entry.project)
            known = found.get(name)
            if not entry.dependency and (known is None or (known.md5 is None and entry.md5 is not None)):
                found[name] = entry
        return found

    def _dataset(self, entry: Entry) -> Dataset:
        files = entry.nfiles if entry.nfiles is not None else (None if entry.folder else 1)
        return Dataset(
            name=name_of(entry.path, self._root, entry.project),
            version=entry.md5,
            pointer=name_of(entry.pointer, self._root, entry.project),
            folder=entry.folder,
            size=entry.size,
            files=files if entry.md5 else None,
            origin=entry.origin,
            source=entry.source,
        )

    def _use(self, entry: Entry) -> FileUse:
        name = name_of(entry.path, self._root, entry.project)
        return FileUse(name, f"md5:{entry.md5}", entry.size or 0, entry.nfiles or 1, name, entry.md5, "args")

    def _caches(self, name: str) -> Iterable[str]:
        entry = self._entry(name)
        project = entry.project if entry else project_of(os.path.dirname(os.path.join(self._root, name)))
        return (self._pointers.cache_of(project),) if project else ()

    def _files(self, entry: Entry) -> Mapping[str, str] | None:
        if not entry.folder:
            return {"": entry.md5 or ""}
        return entry.listed or cache.read_listing(self._pointers.cache_of(entry.project), entry.md5 or "")

    def _lacks(self, entry: Entry) -> bool:
        """Whether the cache misses something of the recorded version."""
        store, version = self._pointers.cache_of(entry.project), entry.md5 or ""
        files = self._files(entry)
        if files is None or (entry.folder and not entry.listed and cached(store, version) is None):
            return True
        return bool(missing_of(store, files.values()))

    def _present(self, entry: Entry, progress: Progress) -> Content:
        name = name_of(entry.path, self._root, entry.project)
        if os.path.isfile(entry.path):
            md5 = self._digests([entry.path], progress).get(entry.path)
            return Content(name, "work tree", {"": md5 or "?"}, {"": os.path.getsize(entry.path)})
        sizes = dict(files_below(entry.path, Ignore(entry.project, entry.path)))
        paths = {os.path.join(entry.path, inner): inner for inner in sizes}
        digests = self._digests(paths, progress)
        return Content(name, "work tree", {inner: digests.get(path) or "?" for path, inner in paths.items()}, sizes)

    def _same(self, entry: Entry, found: Mapping[str, str], recorded: Mapping[str, str] | None) -> bool:
        if recorded is None:
            return cache.listing_digest(found) == entry.md5
        if found.keys() != recorded.keys():
            return False
        differ = [inner for inner, md5 in found.items() if recorded[inner] != md5]
        if not differ or not entry.legacy:
            return not differ
        return all(
            cache.unix_digest(os.path.join(entry.path, inner).rstrip("/")) == recorded[inner] for inner in differ
        )

    def _sized(self, version: VersionEntry, entry: Entry | None) -> VersionEntry:
        """Fill in what old pointers do not tell: the size of a file and the number of files, from the cache."""
        if version.size is not None and version.files is not None:
            return version
        if not version.version.endswith(".dir"):
            size = version.size
            for folder in self._caches(version.dataset) if size is None else ():
                place = cached(folder, version.version)
                size = place.stat().st_size if place else size
            return dataclasses.replace(version, files=1, size=size)
        return version
