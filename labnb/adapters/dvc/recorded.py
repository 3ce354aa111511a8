"""The files that the pointers of a copy of the project stand for, and where their content lies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from labnb.adapters.dvc import cache
from labnb.adapters.dvc.out import Out, is_pointer
from labnb.adapters.dvc.pointers import read_pointer
from labnb.model.dataset import DatasetVersion
from labnb.ports.recorded_data import RecordedFile


class DvcRecordedData:
    """`ports.recorded_data.RecordedData` for the project at `root`, whose cache and work tree hold the content."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def files(self, tree: Path) -> tuple[tuple[RecordedFile, ...], tuple[DatasetVersion, ...]]:
        """Give what the pointers in `tree` stand for; see the port."""
        tree = tree.resolve()
        found: dict[str, RecordedFile] = {}
        missing: dict[str, DatasetVersion] = {}
        for out in _outs(tree):
            name = Path(out.path).relative_to(tree).as_posix()
            store = cache.cache_folder(str(self._home(out, tree)))
            listing = {"": out.md5}
            if out.folder:
                listing = dict(out.files or cache.read_listing(store, out.md5) or {})
            if not listing:
                missing[name] = DatasetVersion(name, out.md5)
            for inner, md5 in listing.items():
                path = f"{name}/{inner}" if inner else name
                if path in found or os.path.lexists(tree / path):
                    continue
                file = self._file(path, md5, store)
                if file is None:
                    missing[name] = DatasetVersion(name, out.md5)
                else:
                    found[path] = file
        return tuple(found.values()), tuple(missing.values())

    def _file(self, path: str, md5: str, store: str) -> RecordedFile | None:
        for place in (Path(store, "files", "md5", md5[:2], md5[2:]), Path(store, md5[:2], md5[2:])):
            if place.is_file():
                return RecordedFile(path, md5, place.stat().st_size, place, True)
        here = self._root / path
        if here.is_file() and _md5(here) == md5:
            return RecordedFile(path, md5, here.stat().st_size, here, False)
        return None

    def _home(self, out: Out, tree: Path) -> Path:
        """Give the DVC project of the researcher's own tree that an output belongs to: its settings count."""
        home = self._root / Path(out.project).relative_to(tree)
        while not (home / ".dvc").is_dir() and home != home.parent:
            home = home.parent
        return home if (home / ".dvc").is_dir() else self._root


def _outs(tree: Path) -> Iterator[Out]:
    for folder, names, files in os.walk(tree):
        names[:] = sorted(name for name in names if name not in (".git", ".labnb", ".dvc"))
        # What somebody added counts before what a pipeline used.
        for name in sorted(filter(is_pointer, files), key=lambda name: (name == "dvc.lock", name)):
            yield from read_pointer(os.path.join(folder, name), str(tree))


def _md5(path: Path) -> str | None:
    try:
        with open(path, "rb") as file:
            digest = hashlib.md5(usedforsecurity=False)
            while chunk := file.read(1 << 20):
                digest.update(chunk)
            return digest.hexdigest()
    except OSError:
        return None
