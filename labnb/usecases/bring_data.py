"""Bring a version of data for reading: of this project at another revision, or of another repository.

It lies in a folder of its own below `.labnb/cache/data`, once for each version, and is never changed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labnb.model.dataset import DatasetVersion, FileUse
from labnb.model.errors import NotFound, UsageError
from labnb.ports.data_catalog import DataCatalog
from labnb.ports.data_writer import DataWriter
from labnb.ports.other_repository import OtherRepository
from labnb.ports.progress import Progress, silent
from labnb.usecases.data_log import DataLog

MARK = "dataset.json"


@dataclass(frozen=True)
class Brought:
    """Where a version lies (absolute), and what a run records of it."""

    path: Path
    use: FileUse


@dataclass(frozen=True)
class BringData:
    """The use case. `place` is the folder of brought versions; `remote` the project's own choice of a remote."""

    root: Path
    place: Path
    catalog: DataCatalog
    log: DataLog
    writer: Callable[[], DataWriter]
    elsewhere: Callable[[], OtherRepository]
    code_file: Callable[[str, str], bytes | None]
    remote: str = ""

    def bring(self, name: str, rev: str | None, repo: str | None, progress: Progress = silent) -> Brought:
        """Bring NAME at a version (None: as recorded now), or from another repository (a URL or folder).

        Raises NotFound and DataStoreError; StoreUnreachable where a remote does not answer.
        """
        if repo is not None:
            return self._from_elsewhere(name, rev, repo, progress)
        spec = name if rev is None else f"{name}@{rev}"
        try:
            found = self.log.find(spec)
        except NotFound:
            file = self._code_file(name, rev) if rev is not None else None
            if file is None:
                raise
            return file
        identity = {"dataset": found.dataset, "version": found.version}

        def fetch(target: Path) -> None:
            version = DatasetVersion(found.dataset, found.version)
            self.writer().checkout(version, target, remote=self.remote, progress=progress)

        return self._brought(identity, Path(found.dataset).name, fetch)

    def _from_elsewhere(self, name: str, rev: str | None, repo: str, progress: Progress) -> Brought:
        if os.path.isabs(name) or ".." in Path(name).parts:
            raise UsageError(f"{name} leads out of the repository.", "Give the path of the data inside it.")
        other = self.elsewhere()
        commit = other.commit(repo, rev)
        known = self.place / f"of-{_key(repo, commit, name)[:24]}"
        if commit and (known / MARK).is_file():
            return self._read(known)
        aside = self._aside()
        try:
            version, files = other.get(repo, commit or rev, name, aside / Path(name).name, progress)
            told = {"dataset": f"{repo}#{name}", "version": version, "files": files, "commit": commit}
            return self._settle(aside, known, {**told, "path": Path(name).name})
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _code_file(self, name: str, rev: str | None) -> Brought | None:
        """Bring a file that git itself keeps."""
        content = self.code_file(str(rev), name)
        if content is None:
            return None
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self._brought({"dataset": name, "version": md5}, Path(name).name, lambda target: _write(target, content))

    def _brought(self, identity: Mapping[str, str], name: str, fetch: Callable[[Path], None]) -> Brought:
        key = _key(*identity.values())[:8]
        place = self.place / f"{identity['version'].removesuffix('.dir')}-{key}"
        if (place / MARK).is_file():
            return self._read(place)
        aside = self._aside()
        try:
            fetch(aside / name)
            return self._settle(aside, place, {**identity, "path": name})
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _aside(self) -> Path:
        """Make a folder for what is not whole yet, where no run looks for files."""
        aside = self.place.parent / "bringing" / uuid.uuid4().hex
        aside.mkdir(parents=True)
        return aside

    def _settle(self, aside: Path, place: Path, told: Mapping[str, object]) -> Brought:
        (aside / MARK).write_text(json.dumps(told), encoding="utf-8")
        self.place.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # another process was quicker, with the same
            os.rename(aside, place)
        return self._read(place)

    def _read(self, place: Path) -> Brought:
        told = json.loads((place / MARK).read_text(encoding="utf-8"))
        path = place / told["path"]
        size = files = 0
        for found in [path] if path.is_file() else path.rglob("*"):
            if found.is_file():
                size, files = size + found.stat().st_size, files + 1
        shown = path.relative_to(self.root).as_posix() + ("/" if path.is_dir() else "")
        version = told["version"]
        return Brought(path, FileUse(shown, f"md5:{version}", size, files, told["dataset"], version, "args"))


def _key(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _write(target: Path, content: bytes) -> None:
    target.write_bytes(content)
