"""The last part of a record: what is written when a run has ended."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labnb.model.closure import Closure
from labnb.model.evidence import Evidence
from labnb.model.output import output_notebook
from labnb.model.run import Note, Run
from labnb.model.snapshot import Snapshot
from labnb.runfolder.paths import LabPaths, write_atomic
from labnb.runfolder.queue import announce

if TYPE_CHECKING:
    from labnb.usecases.record_run import OpenRun


@dataclass
class Ending:
    """The last part of a record: what is written when the run has ended, now or when there is room again."""

    lab: LabPaths
    export: Callable[[Closure], tuple[str, dict[str, Any]]]
    opened: OpenRun
    run: Run
    evidence: Evidence
    snapshot: Snapshot | None
    snapshot_json: dict[str, Any]

    def write(self) -> list[Note]:
        """Write what can be written; give a note for each thing that could not, none where all is there."""
        folder, told = self.opened.folder, []
        try:
            self._write_journal()
        except OSError as error:
            told.append(_unwritten("journal", "A part of what was logged", error))
        with self.opened.part("snapshot", "The files of the snapshot were"):
            try:
                self._write_files()
            except OSError as error:
                told.append(_unwritten("snapshot", "The closure or the output of the cell", error))
        notes = tuple(dict.fromkeys([*self.opened.notes, *self.opened.redactor.notes()]))
        self.run = dataclasses.replace(self.run, notes=notes)
        try:
            folder.write(dataclasses.replace(self.run, notes=(*notes, *told)))
            folder.forget_mark()
        except OSError as error:
            folder.mark_end(self.run.status)
            told.append(_unwritten("run_folder", "The end of the run", error))
        with contextlib.suppress(OSError):
            folder.paths.log_tail.unlink(missing_ok=True)
        return told

    def write_late(self) -> None:
        """Write all of it; raises OSError where there is still no room."""
        folder = self.opened.folder
        if not folder.paths.folder.is_dir():
            return  # it was deleted since
        self._write_journal()
        self._write_files()
        late = Note("written_late", "The record was completed after the run: there was no room when it ended.")
        folder.write(dataclasses.replace(self.run, notes=(*self.run.notes, late)))
        folder.forget_mark()
        announce(self.lab, self.run.uid)

    def _write_journal(self) -> None:
        if not self.opened.journal.write_rest(self.opened.folder.paths.journal):
            lost = self.opened.journal.lost
            note = Note("journal", f"{lost} lines that were logged found no room and were lost.", "Is the disk full?")
            self.opened.notes.append(note)

    def _write_files(self) -> None:
        paths = self.opened.folder.paths
        if self.snapshot is not None:
            write_atomic(paths.snapshot, pretty(self.snapshot_json))
            write_atomic(paths.lock, "".join(f"{line}\n" for line in self.snapshot.environment.lock))
            script, notebook = self.export(self.snapshot.closure)
            write_atomic(paths.script, script)
            write_atomic(paths.notebook, pretty(notebook))
        shown = self.opened.redactor.clean_json(list(self.evidence.shown), "the output")
        write_atomic(paths.output, pretty(output_notebook(self.run.source, shown, self.run.uid)))


def pretty(value: object) -> str:
    """Write JSON for people as well."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def _unwritten(code: str, what: str, error: OSError) -> Note:
    reason = error.strerror or str(error)
    return Note(
        code,
        f"{what} could not be written: {reason}.",
        "When there is room, the next run or `labnb doctor --fix` completes the record.",
    )
