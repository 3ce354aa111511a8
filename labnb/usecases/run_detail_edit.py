"""Changes that people make to runs afterwards: tags, notes, archiving, removing with a way back."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable

from labnb.model.api_runs import Removed, RunChange
from labnb.model.errors import Conflict, LabError, NotFound, StoreError, UsageError
from labnb.model.plain import sound
from labnb.model.run import Run
from labnb.model.tags import ARCHIVED, NOTE
from labnb.runfolder.folder import RunFolder, find_uid
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import LabPaths

TRASH = "trash"
#: Tags that say what a run is, for MLflow and for labnb: people do not change those here.
_OURS = ("mlflow.", "labnb.")


class StillRunning(Conflict):
    """What is asked for has to wait until the run has ended."""

    code = "still_running"


class RunElsewhere(Conflict):
    """The run lies in the lab's MLflow server, and is changed there."""

    code = "elsewhere"


class EditRun:
    """Changes run folders. `announce` has a run published again; `elsewhere` tells a run of the MLflow server."""

    def __init__(
        self, lab: LabPaths, announce: Callable[[str], object], elsewhere: Callable[[str], bool] = lambda uid: False
    ) -> None:
        self._lab, self._announce, self._elsewhere = lab, announce, elsewhere

    def change(self, start: str, asked: RunChange) -> str:
        """Change tags, note or archiving, and give the uid. Raises NotFound, StoreCorrupt or StoreError."""
        folder = self._folder(start)
        tags: dict[str, str | None] = dict(asked.tags)
        for name in tags:
            if name.startswith(_OURS):
                raise UsageError(f"The tag {name} is labnb's or MLflow's own.", "Choose another name.")
        if asked.note is not None:
            tags[NOTE] = asked.note or None
        if asked.archived is not None:
            tags[ARCHIVED] = "true" if asked.archived else None
        run = folder.read()
        if not run.status.ended:
            self._write_journal(folder, tags)
            return folder.uid
        before, _ = folder.stored()
        merged: dict[str, str | None] = {**run.tags, **tags}
        kept = {sound(name): sound(text) for name, text in merged.items() if text is not None}
        if kept != before.tags:
            self._write(folder, dataclasses.replace(run, tags=kept))
        return folder.uid

    def remove(self, start: str) -> Removed:
        """Move a run to the trash. Raises StillRunning where it has not ended."""
        folder = self._folder(start)
        run = folder.read()
        if not run.status.ended:
            raise StillRunning(f"The run {folder.uid[:8]} goes on.", "Interrupt the cell or cancel the job first.")
        trash = self._lab.home / TRASH
        try:
            trash.mkdir(mode=0o700, exist_ok=True)
            if (trash / folder.uid).exists():
                shutil.rmtree(trash / folder.uid)
            os.rename(folder.paths.folder, trash / folder.uid)
        except OSError as error:
            raise StoreError(f"The run {folder.uid[:8]} cannot be moved to the trash: {error.strerror}.") from error
        with contextlib.suppress(OSError):
            (self._lab.queue / folder.uid).unlink()
        return Removed(folder.uid, run.name)

    def restore(self, uid: str) -> str:
        """Bring a run back from the trash, and give its uid. Raises NotFound."""
        place = self._lab.home / TRASH / uid
        if self._lab.run(uid).run.exists():
            return uid
        if not place.is_dir():
            raise NotFound(f"There is no run {uid[:64]!r} in the trash.", "Its whole uid is needed.")
        try:
            os.rename(place, self._lab.runs / uid)
        except OSError as error:
            raise StoreError(f"The run {uid[:8]} cannot be brought back: {error.strerror}.") from error
        return uid

    def _folder(self, start: str) -> RunFolder:
        try:
            return RunFolder(self._lab.run(find_uid(self._lab, start)))
        except NotFound:
            if self._elsewhere(start):
                raise RunElsewhere(
                    f"The run {start[:8]} lies in the lab's MLflow server.", "Change it there."
                ) from None
            raise

    def _write_journal(self, folder: RunFolder, tags: dict[str, str | None]) -> None:
        """Say it in the journal, from which the end of the run is put together."""
        try:
            journal = Journal(folder.paths.journal)
            for name, text in tags.items():
                journal.add("tag", name=name, value="" if text is None else text)
            whole = journal.close()
        except OSError as error:
            raise StoreError(f"The run {folder.uid[:8]} cannot be changed: {error.strerror}.") from error
        if not whole:
            raise StoreError(f"The run {folder.uid[:8]} cannot be changed: there is no room.")

    def _write(self, folder: RunFolder, run: Run) -> None:
        try:
            folder.write(
                dataclasses.replace(run, published="local", published_why="", mlflow=folder.stored()[0].mlflow)
            )
        except OSError as error:
            raise StoreError(f"The run {folder.uid[:8]} cannot be changed: {error.strerror}.") from error
        # Not published at once where that cannot be: labnb sync does it later.
        with contextlib.suppress(LabError, OSError):
            self._announce(folder.uid)
