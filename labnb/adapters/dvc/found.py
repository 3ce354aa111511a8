"""Finds the pointers of a project: in every DVC project in it, and in the one around it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from labnb.adapters.dvc import cache
from labnb.adapters.dvc.out import LOCK
from labnb.adapters.dvc.revision import PIPELINE, Entry, read_entries, unrun_outputs
from labnb.model.errors import DataStoreError

_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "mlruns", "mlartifacts", "venv"})


class Pointers:
    """Reads the pointers of a work tree; those that did not change since are not read again."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._read: dict[str, tuple[tuple[object, ...], list[Entry]]] = {}
        self._caches: dict[str, tuple[tuple[object, ...], str]] = {}

    def entries(self) -> Iterator[Entry]:
        """Give what all pointers record: `.dvc` files and lock files, then outputs of stages that never ran."""
        project = project_of(self._root)
        top = project or self._root
        waiting: list[tuple[str, str | None]] = [(top, project)]
        while waiting:
            folder, project = waiting.pop()
            files, folders = _listed(folder)
            if ".dvc" in folders:
                project = folder
            tracked: set[str] = set()
            if project is not None:
                for name in files:
                    found = list(self.of(os.path.join(folder, name), project))
                    # What lies in a dataset is data, however many files that are.
                    tracked.update(entry.path for entry in found if not entry.dependency)
                    yield from found
            for name in folders:
                path = os.path.join(folder, name)
                if name.startswith(".") or name in _SKIPPED or path in tracked:
                    continue
                if not os.path.exists(os.path.join(path, "pyvenv.cfg")):
                    waiting.append((path, project))

    def entry(self, path: str) -> Entry | None:
        """Find the output at a path: by the pointers above it, and where none has it, among all of the project."""
        folder, unrun = os.path.dirname(path), None
        while (project := project_of(folder)) is not None:
            for name in _listed(folder)[0]:
                for entry in self.of(os.path.join(folder, name), project):
                    if entry.path == path and not entry.dependency:
                        if entry.md5 is not None:
                            return entry
                        unrun = unrun or entry
            if folder == os.path.dirname(folder):
                break
            folder = os.path.dirname(folder)
        if unrun is not None:
            return unrun
        return next((entry for entry in self.entries() if entry.path == path and not entry.dependency), None)

    def of(self, pointer: str, project: str) -> list[Entry]:
        """Give what one pointer records; nothing where it is not there."""
        folder, name = os.path.split(pointer)
        beside = os.path.join(folder, PIPELINE)
        key = (_stat(pointer), _stat(beside) if name == LOCK else None)
        known = self._read.get(pointer)
        if known is None or known[0] != key:
            text = _content(pointer)
            if text is None:
                return []
            if name == PIPELINE:
                found = unrun_outputs(pointer, text, project)
            else:
                found = read_entries(pointer, text, project, _content(beside) if name == LOCK else None)
            known = self._read[pointer] = (key, found)
        return known[1]

    def cache_of(self, project: str) -> str:
        """Give the cache that a DVC project's settings name."""
        key = tuple(_stat(path) for path in cache.settings_files(project))
        known = self._caches.get(project)
        if known is None or known[0] != key:
            known = self._caches[project] = (key, cache.cache_folder(project))
        return known[1]


def project_of(folder: str) -> str | None:
    """Give the DVC project that a folder is in: the nearest folder above it with a `.dvc` folder."""
    while not os.path.isdir(os.path.join(folder, ".dvc")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Give the pointers in a folder, `.dvc` files before lock files before pipelines, and its folders."""
    files, folders = [], []
    try:
        with os.scandir(folder) as listing:
            for entry in listing:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.name in (LOCK, PIPELINE) or entry.name.endswith(".dvc"):
                    files.append(entry.name)
    except OSError:
        return [], []
    return sorted(files, key=lambda name: (name == PIPELINE, name == LOCK, name)), sorted(folders, reverse=True)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:
        raise DataStoreError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
