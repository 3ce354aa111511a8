"""`%%labrun --save NAME=PATH`: what a cell wrote becomes a version of a dataset, made by its run."""

from __future__ import annotations

import dataclasses
import os
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labnb.model.dataset import DatasetVersion, FileUse
from labnb.model.errors import DataStoreError, LabError, NotFound, nearest
from labnb.model.run import Note, Run
from labnb.ports.data_writer import DataWriter
from labnb.runfolder.folder import RunFolder


@dataclass(frozen=True)
class SaveData:
    """The use case. `recorded` says whether a version holds what lies in the place of a dataset now."""

    root: Path
    writer: Callable[[], DataWriter]
    recorded: Callable[[str], bool]

    def save(
        self, asked: Mapping[str, str], here: Path, run: str, author: str, outputs: Sequence[FileUse]
    ) -> tuple[tuple[FileUse, ...], tuple[Note, ...]]:
        """Save each path (relative to `here`) under the name of a dataset; give the outputs of the run, and notes.

        `run` says for the log which run made it. A failure is told in a note; nothing is raised for it.
        """
        found, notes = list(outputs), []
        for name, path in asked.items():
            try:
                version = self.one(name, here / path, run, author)
            except (LabError, OSError) as error:
                message = error.message if isinstance(error, LabError) else f"{error.strerror or error}."
                hint = error.hint if isinstance(error, LabError) else ""
                notes.append(Note("save", f"{path} was not saved as {name}: {message}", hint))
                continue
            if not any(_holds(use, version) for use in found):
                # Nothing was seen of its writing: the researcher says that the cell made it.
                folder = "/" if version.version.endswith(".dir") else ""
                digest, size = f"md5:{version.version}", version.size or 0
                found.append(FileUse(f"{version.dataset}{folder}", digest, size, version.files or 1, seen="args"))
        return tuple(found), tuple(notes)

    def one(self, name: str, source: Path, run: str, author: str) -> DatasetVersion:
        """Make one file or folder the new version of a dataset; raises LabError, OSError."""
        place = Path(os.path.normpath(self.root / name))
        if not place.is_relative_to(self.root):
            raise DataStoreError(f"{name} lies outside the project.", "Name a place in it, such as data/clean.csv.")
        source = Path(os.path.normpath(source))
        if not os.path.lexists(source):
            raise NotFound(f"there is no {source.name} after the cell.", "Write --save NAME=PATH of what it writes.")
        if source != place:
            self._put(source, place, name)
        return self.writer().add(place, message=run, author=author).version

    def _put(self, source: Path, place: Path, name: str) -> None:
        """Copy what was written to the place of the dataset, whole or not at all."""
        if os.path.lexists(place) and not self.recorded(name):
            raise DataStoreError(
                f"{name} holds changes that no version has.", f"labnb data add {name} keeps them; then save again."
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")
        try:
            if source.is_dir():
                shutil.copytree(source, aside, symlinks=True)
            else:
                shutil.copyfile(source, aside)
            if place.is_dir():
                shutil.rmtree(place)  # a version holds it
            os.replace(aside, place)
        finally:
            if aside.is_dir():
                shutil.rmtree(aside, ignore_errors=True)
            else:
                aside.unlink(missing_ok=True)


def save_output(
    save: SaveData, folder: RunFolder, run: Run, name: str, path: str, outputs: Mapping[str, Path], author: str
) -> DatasetVersion:
    """Make what a job wrote at `path` a version of the dataset `name`, and have the record of its run say so.

    Raises NotFound for what is not among the `outputs`, LabError, OSError.
    """
    plain = os.path.normpath(path)
    places = {os.path.normpath(output): place for output, place in outputs.items()}
    if plain not in places:
        raise NotFound(f"The job {run.uid[:8]} wrote no {path}.", nearest(plain, places) or "It wrote no files.")
    version = save.one(os.path.normpath(name), places[plain], f"{run.name} (run {run.uid[:8]})", author)
    made = tuple(
        dataclasses.replace(use, dataset=version.dataset, version=version.version)
        if os.path.normpath(use.path) == plain and use.version is None
        else use
        for use in run.outputs
    )
    stored, _ = folder.stored()
    folder.write(dataclasses.replace(stored, outputs=made))
    return version


def _holds(use: FileUse, version: DatasetVersion) -> bool:
    path = use.path.rstrip("/")
    return path == version.dataset or path.startswith(f"{version.dataset}/")
