"""The versions of a dataset: from the history of its pointers, from snapshots of runs, and from what was added."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnb.adapters.dvc.found import Pointers, project_of
from labnb.adapters.dvc.out import LOCK
from labnb.adapters.dvc.revision import PIPELINE, Entry, is_digest, name_of, read_entries
from labnb.model.dataset import VersionEntry
from labnb.model.errors import DataStoreError
from labnb.model.run import parse_time, time_text
from labnb.ports.file_history import Change, FileHistory


@dataclass
class _Version:
    """What is known of a version, put together from its sources."""

    entry: Entry | None = None
    time: float = 0.0
    author: str = ""
    message: str = ""
    size: int | None = None
    files: int | None = None
    tags: list[str] = field(default_factory=list)
    revisions: list[str] = field(default_factory=list)
    recorded: str = "run"

    def learn(self, entry: Entry) -> None:
        self.entry = entry
        self.size = entry.size if self.size is None else self.size
        self.files = entry.nfiles if self.files is None else self.files
        # Where `dvc add` made another version since, the words are still those on the one before.
        if entry.notes.get("version") in (None, entry.md5):
            self.note(entry.notes)

    def note(self, notes: dict[str, Any]) -> None:
        """Take over what `labnb data add` wrote down; a message given there says more than that of a commit."""
        self.message = str(notes.get("message") or "") or self.message
        self.author = self.author or str(notes.get("author") or "")
        tags = notes.get("tags")
        for tag in tags if isinstance(tags, list) else []:
            if str(tag) not in self.tags:
                self.tags.append(str(tag))


class VersionHistory:
    """Reads the versions of the datasets of one project; `added` is a file of JSON lines."""

    def __init__(self, root: str, history: FileHistory, pointers: Pointers, added: Path) -> None:
        self._root = root
        self._history = history
        self._pointers = pointers
        self._added = added

    def versions(self, name: str, current: Entry | None) -> tuple[VersionEntry, ...]:
        """Give the versions of a dataset, newest first."""
        found: dict[str, _Version] = {}
        changes = self._history.changes(self._places(name, current))
        texts = self._history.blobs(change.blob for change in changes if change.blob)
        for change in reversed(changes):
            self._take(found, name, change, texts)
        self._take_added(found, name)
        if current is not None and current.md5:
            self._take_current(found, current)
        self._take_tags(found, name, current)
        now = current.md5 if current is not None else None
        entries = [_entry(name, version, item, now) for version, item in found.items()]
        # What was found later is newer where the clock says the same.
        entries.reverse()
        return tuple(sorted(entries, key=lambda item: item.time, reverse=True))

    def at_commit(self, name: str, commit: str, current: Entry | None) -> str | None:
        """Give the version that the pointers of a commit record."""
        places = [(commit, path) for path in self._places(name, current)]
        for (_, path), text in self._history.read(places).items():
            entry = self._of(name, path, text, commit)
            if entry is not None and entry.md5:
                return entry.md5
        return None

    def _places(self, name: str, current: Entry | None) -> list[str]:
        """Name the pointers that may record a dataset, relative to the project: its own, and lock files above it."""
        places = [f"{name}.dvc"]
        if current is not None:
            places.insert(0, os.path.relpath(current.pointer, self._root))
        folder = os.path.dirname(name)
        while True:
            places.append(os.path.join(folder, LOCK))
            if not folder:
                break
            folder = os.path.dirname(folder)
        return list(dict.fromkeys(path.replace(os.sep, "/") for path in places if os.path.basename(path) != PIPELINE))

    def _take(self, found: dict[str, _Version], name: str, change: Change, texts: dict[str, bytes]) -> None:
        text = texts.get(change.blob)
        entry = self._of(name, change.path, text, "") if text is not None else None
        if entry is None or entry.md5 is None:
            return
        version = found.setdefault(entry.md5, _Version())
        version.learn(entry)
        if change.hidden:
            version.time = version.time or change.time
            return
        if version.recorded == "run":
            version.recorded = "commit"
            version.time = version.time or change.time
            version.author = change.author
            version.message = version.message or change.message
        version.revisions.insert(0, change.commit)

    def _take_added(self, found: dict[str, _Version], name: str) -> None:
        """Take over the project's own list: what was added and perhaps never committed."""
        for line in _lines(self._added):
            digest = str(line.get("version") or "")
            if line.get("dataset") != name or not is_digest(digest):
                continue
            version = found.setdefault(digest, _Version())
            version.recorded = "add" if version.recorded == "run" else version.recorded
            with suppress(TypeError, ValueError):
                version.time = version.time or parse_time(str(line.get("time"))).timestamp()
            for key in ("size", "files"):
                if getattr(version, key) is None and isinstance(line.get(key), int):
                    setattr(version, key, line[key])
            version.note(line)

    def _take_current(self, found: dict[str, _Version], current: Entry) -> None:
        assert current.md5 is not None
        version = found.setdefault(current.md5, _Version())
        version.learn(current)
        version.recorded = "add" if version.recorded == "run" else version.recorded
        if not version.time:
            with suppress(OSError):
                version.time = os.stat(current.pointer).st_mtime

    def _take_tags(self, found: dict[str, _Version], name: str, current: Entry | None) -> None:
        """Find the version that each tag of git stands for."""
        tags, _ = self._history.names()
        if not tags or not found:
            return
        places = self._places(name, current)
        wanted = [(f"refs/tags/{tag}", path) for tag in tags for path in places]
        for (ref, path), text in self._history.read(wanted).items():
            with suppress(DataStoreError):
                entry = self._of(name, path, text, ref)
                version = found.get(entry.md5 or "") if entry is not None else None
                tag = ref.removeprefix("refs/tags/")
                if version is not None and tag not in version.tags:
                    version.tags.append(tag)

    def _of(self, name: str, path: str, text: bytes, commit: str) -> Entry | None:
        """Find the dataset among what a pointer recorded at some time; one that cannot be read says nothing."""
        pointer = os.path.normpath(os.path.join(self._root, path))
        project = project_of(os.path.dirname(pointer)) or self._root
        pipeline = None
        if os.path.basename(path) == LOCK:
            beside = os.path.join(os.path.dirname(path), PIPELINE)
            if commit:
                pipeline = self._history.read([(commit, beside)]).get((commit, beside))
            else:
                with suppress(OSError):
                    pipeline = Path(self._root, beside).read_bytes()
        try:
            entries: Iterable[Entry] = read_entries(pointer, text, project, pipeline)
        except DataStoreError:
            return None
        for entry in entries:
            if not entry.dependency and name_of(entry.path, self._root, entry.project) == name:
                return entry
        return None


def _entry(name: str, digest: str, version: _Version, now: str | None) -> VersionEntry:
    files = version.files if version.files is not None else (None if digest.endswith(".dir") else 1)
    return VersionEntry(
        dataset=name,
        version=digest,
        time=time_text(version.time) if version.time else "",
        author=version.author,
        message=version.message,
        size=version.size,
        files=files,
        tags=tuple(version.tags),
        revisions=tuple(version.revisions),
        current=digest == now,
        recorded=version.recorded,
    )


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        with suppress(ValueError):
            item = json.loads(line)
            if isinstance(item, dict):
                yield item
