"""The work tree of a job: the code as it was at submission, with its data, apart from the researcher's own tree.

The job sees what was recorded, whatever is edited meanwhile, and what it writes disturbs nobody.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labnb.model.dataset import DatasetVersion
from labnb.model.errors import LabError
from labnb.model.run import Note
from labnb.ports.code_store import CodeStore
from labnb.ports.recorded_data import RecordedData, RecordedFile
from labnb.runfolder.paths import LAB_FOLDER

#: Data up to this size (bytes) are copied into a work tree of this machine, so that the job may change them; larger
#: ones are linked.
COPIED = 20_000_000


@dataclass(frozen=True, slots=True)
class Needed:
    """A file that is not code: its place in the work tree, and the file of this machine that holds its content.

    `digest` names the content ("md5:…"), "" where it was not taken. `fixed` says that nobody changes the source.
    """

    path: str
    source: Path
    digest: str
    size: int
    fixed: bool


@dataclass(frozen=True)
class WorkTree:
    """Makes work trees of the project at `root`; `pull` fetches versions of data into the cache of this machine."""

    root: Path
    code: CodeStore
    data: RecordedData
    pull: Callable[[Iterable[DatasetVersion]], object]

    def export(self, snapshot: str | None, tree: Path) -> None:
        """Write the recorded code into a new folder; raises CodeStoreError or OSError."""
        if snapshot is None:
            tree.mkdir(parents=True)
            return
        aside = tree.with_name(f".{tree.name}.{os.getpid()}")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            self.code.checkout(snapshot, aside)
            os.replace(aside, tree)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def inside(self, snapshot: str | None) -> str:
        """Say where in an exported tree the project lies: its repository may begin above it."""
        return self.code.inside(snapshot) if snapshot else ""

    def needed(self, tree: Path, files: Iterable[str]) -> tuple[list[Needed], list[Note]]:
        """List the data of an exported project: recorded datasets, and `files` of it that no version holds.

        Notes tell what cannot be had.
        """
        found: dict[str, Needed] = {}
        notes: list[Note] = []
        try:
            recorded, missing = self._recorded(tree, notes)
        except LabError as error:
            recorded, missing = (), ()
            notes.append(Note(error.code, error.message, error.hint))
        for file in recorded:
            found[file.path] = Needed(file.path, file.source, f"md5:{file.md5}", file.size, file.cached)
        for version in missing:
            text = f"{version.dataset} in its recorded version {version.version[:8]} is not to be had here."
            hint = f"The job goes without it. dvc pull {version.dataset} brings it; then submit again."
            notes.append(Note("data_missing", text, hint))
        for name in files:
            for one in self._files_of(name):
                if one.path not in found and not os.path.lexists(tree / one.path):
                    found[one.path] = one
        return list(found.values()), notes

    def _recorded(self, tree: Path, notes: list[Note]) -> tuple[tuple[RecordedFile, ...], tuple[DatasetVersion, ...]]:
        """Give the recorded files, fetched from the data's remote where this machine lacks them."""
        recorded, missing = self.data.files(tree)
        if not missing:
            return recorded, missing
        try:
            self.pull(missing)
        except LabError as error:
            notes.append(Note(error.code, error.message, error.hint))
        return self.data.files(tree)

    def fill(self, tree: Path, needed: Sequence[Needed]) -> list[Note]:
        """Put the data of this machine into a tree: small ones copied, large ones linked. Raises OSError."""
        notes = []
        for one in needed:
            place = tree / one.path
            if os.path.lexists(place):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if one.size > COPIED:
                place.symlink_to(one.source)
                if not one.fixed:
                    text = f"{one.path} is used where it lies: the job sees it as it is when it reads it."
                    notes.append(Note("data_in_place", text, f"dvc add {one.path} keeps a version that jobs can use."))
            else:
                shutil.copyfile(one.source, place)
        return notes

    def _files_of(self, name: str) -> list[Needed]:
        path = Path(os.path.normpath(self.root / name))
        if not path.is_relative_to(self.root) or path == self.root:
            return []
        inner = path.relative_to(self.root)
        if inner.parts[0] in (LAB_FOLDER, ".git"):
            return []
        if path.is_dir():
            files = [Path(folder, file) for folder, _, names in os.walk(path) for file in names]
        else:
            files = [path]
        found = []
        for file in files:
            try:
                size = file.stat().st_size
            except OSError:
                continue
            if file.is_file():
                found.append(Needed(file.relative_to(self.root).as_posix(), file, "", size, False))
        return found


def digest_file(path: Path) -> str:
    """Digest a file as DVC does: "md5:…"; raises OSError."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return f"md5:{digest.hexdigest()}"
