"""Record one execution of a cell: open the run before it, close it after.

Nothing here may disturb the cell: each part of the record is taken on its own, and one that fails
becomes a note on the run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from labnb.model.cell import Cell
from labnb.model.closure import Closure
from labnb.model.errors import LabError
from labnb.model.evidence import Evidence
from labnb.model.fingerprint import fingerprint
from labnb.model.output import output_notebook
from labnb.model.plain import plain, sound
from labnb.model.run import Note, Run, RunStatus, Value, time_text
from labnb.model.snapshot import CodeVersion, Environment, Snapshot
from labnb.ports.code_store import CodeStore
from labnb.ports.data_store import DataStore
from labnb.ports.environment import EnvironmentProbe
from labnb.ports.secret_scanner import SecretScanner
from labnb.runfolder.folder import RunFolder, with_lines
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import LabPaths, write_atomic
from labnb.runfolder.queue import announce
from labnb.usecases.redact_record import Redactor


@dataclass
class OpenRun:
    """A run whose cell is running."""

    run: Run
    folder: RunFolder
    journal: Journal
    redactor: Redactor
    code: CodeVersion | None = None
    taking: threading.Thread | None = None
    notes: list[Note] = field(default_factory=list)

    def ready(self) -> None:
        """Wait until the state of the code is kept: only then may the cell run."""
        if self.taking is not None:
            self.taking.join()

    def part(self, code: str, what: str) -> Part:
        """Take one part of the record; where it fails, a note says so and the rest goes on."""
        return Part(self, code, what)


@dataclass(frozen=True)
class Part:
    """A part of a record: an error in it becomes a note, because the record never breaks the work."""

    opened: OpenRun
    code: str
    what: str

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, LabError):
            self.opened.notes.append(Note(error.code, error.message, error.hint))
        elif isinstance(error, (Exception, KeyboardInterrupt)):
            self.opened.notes.append(Note(self.code, f"{self.what} not recorded: {type(error).__name__}: {error}."))
        else:
            return False
        return True


@dataclass(frozen=True)
class RecordRun:
    """The use case; `export` gives the closure as (script, notebook JSON)."""

    lab: LabPaths
    code_store: CodeStore
    data_store: DataStore
    environment: EnvironmentProbe
    scanner: SecretScanner
    user: str
    export: Callable[[Closure], tuple[str, dict[str, Any]]]
    #: What could not be written of runs that have ended, tried again before the next run.
    unwritten: list[Callable[[], None]] = field(default_factory=list)

    def warm_up(self) -> None:
        """Read what the first run would have to read, ahead of it."""
        self.environment.capture()

    def begin(self, cell: Cell, name: str, params: Mapping[str, Value], tags: Mapping[str, str]) -> OpenRun:
        """Open the run: its folder, and the state of the code before the cell can change it; `ready` waits for that.

        Raises OSError or LabError where no folder can be made; then nothing is recorded.
        """
        self.write_rest()
        redactor = Redactor(self.scanner)
        run = Run(
            uid=uuid.uuid4().hex,
            name=name,
            status=RunStatus.RUNNING,
            started=time_text(time.time()),
            user=self.user,
            notebook=cell.notebook,
            cell_id=cell.cell_id,
            source=redactor.clean(cell.source, "the cell"),
            params={key: redactor.clean_value(key, value) for key, value in params.items()},
            tags=dict(tags),
        )
        folder, journal = RunFolder.create(self.lab, run)
        opened = OpenRun(run, folder, journal, redactor)
        # Mostly git at work: beside it the captures are opened.
        opened.taking = threading.Thread(target=self._take_code, args=(opened,), name="labnb-code")
        opened.taking.start()
        return opened

    def _take_code(self, opened: OpenRun) -> None:
        with opened.part("code_store", "The state of the code was"):
            opened.code, notes = self.code_store.snapshot(opened.run.uid)
            opened.notes.extend(notes)
            # A run whose kernel is killed has its code all the same.
            opened.journal.add("code", value=plain(opened.code))

    def cell_ended(self, opened: OpenRun, status: RunStatus, ended: float, error: dict[str, str] | None) -> None:
        """Note at once how the cell ended: the rest of the record takes longer, and the kernel may die in it."""
        if error is not None:
            opened.journal.add("error", **opened.redactor.clean_json(error, "the traceback"))
        opened.journal.add("end", t=ended, status=status.value)

    def keep_output(self, opened: OpenRun, shown: Sequence[dict[str, Any]], log: int) -> None:
        """Keep the outputs of a cell that still runs, which has printed `log` bytes to log.txt."""
        clean = opened.redactor.clean_json(list(shown), "the output")
        write_atomic(
            opened.folder.paths.output, _pretty(output_notebook(opened.run.source, clean, opened.run.uid, log))
        )

    def write_rest(self) -> None:
        """Complete the records that found no room when their runs ended; what still finds none waits on."""
        with contextlib.suppress(OSError):
            while self.unwritten:
                self.unwritten[0]()
                self.unwritten.pop(0)

    def finish(self, opened: OpenRun, status: RunStatus, evidence: Evidence) -> Run:
        """Close the run with what was seen of it, and give it as it stands on disk.

        Where the run folder cannot be written any more, the run is given with a note and run.json stays as it was.
        """
        opened.notes.extend(evidence.notes)
        for point in evidence.points:
            opened.journal.add("metric", t=point.time, s=point.step, v={point.name: point.value})
        environment = evidence.environment
        with opened.part("environment", "The environment was"):
            environment = environment or self.environment.capture()
        inputs, outputs = evidence.inputs, evidence.outputs
        with opened.part("data_store", "The versions of the data were"):
            inputs = tuple(self.data_store.resolve(inputs))
            outputs = tuple(self.data_store.resolve(outputs))
        opened.journal.close()
        snapshot = None
        with opened.part("snapshot", "The closure of the cell was"):
            if evidence.closure is not None and environment is not None:
                closure = opened.redactor.clean_closure(evidence.closure)
                snapshot = Snapshot(closure, opened.code or CodeVersion(), environment)
        snapshot_json = snapshot.to_json() if snapshot is not None else {}
        run = self._merged(opened, evidence, environment)
        run = dataclasses.replace(
            run,
            status=status,
            started=time_text(evidence.started),
            ended=time_text(evidence.ended),
            inputs=inputs,
            outputs=outputs,
            snapshot=snapshot_json.get("digest"),
        )
        if snapshot is not None:
            code = fingerprint(snapshot.closure.normalised, run.params, inputs, snapshot.environment.loaded)
            run = dataclasses.replace(run, fingerprint=code)
        run = dataclasses.replace(run, notes=tuple(dict.fromkeys([*opened.notes, *opened.redactor.notes()])))
        ending = _Ending(self, opened, run, evidence, snapshot, snapshot_json)
        told = ending.write()
        if told:
            self.unwritten.append(ending.write_late)
        return dataclasses.replace(run, notes=tuple(dict.fromkeys([*ending.run.notes, *told])))

    def _merged(self, opened: OpenRun, evidence: Evidence, environment: Environment | None) -> Run:
        """Put together what was logged and seen; what is in the journal counts, whoever wrote it."""
        redactor = opened.redactor
        logged = with_lines(opened.folder.read(), opened.journal.waiting())
        params = {**evidence.params, **logged.params}
        return dataclasses.replace(
            opened.run,
            params={sound(name): redactor.clean_value(name, value) for name, value in params.items()},
            metrics={sound(name): value for name, value in logged.metrics.items()},
            tags={sound(name): sound(value) for name, value in {**logged.tags, **evidence.tags}.items()},
            code=plain(opened.code) if opened.code else {},
            environment=environment.summary() if environment else {},
            error=redactor.clean_json(evidence.error, "the traceback") if evidence.error else None,
            children=evidence.children,
            job=evidence.job,
        )


@dataclass
class _Ending:
    """The last part of a record: what is written when the run has ended, now or when there is room again."""

    recorder: RecordRun
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
        announce(self.recorder.lab, self.run.uid)

    def _write_journal(self) -> None:
        if not self.opened.journal.write_rest(self.opened.folder.paths.journal):
            lost = self.opened.journal.lost
            note = Note("journal", f"{lost} lines that were logged found no room and were lost.", "Is the disk full?")
            self.opened.notes.append(note)

    def _write_files(self) -> None:
        paths = self.opened.folder.paths
        if self.snapshot is not None:
            write_atomic(paths.snapshot, _pretty(self.snapshot_json))
            write_atomic(paths.lock, "".join(f"{line}\n" for line in self.snapshot.environment.lock))
            script, notebook = self.recorder.export(self.snapshot.closure)
            write_atomic(paths.script, script)
            write_atomic(paths.notebook, _pretty(notebook))
        shown = self.opened.redactor.clean_json(list(self.evidence.shown), "the output")
        write_atomic(paths.output, _pretty(output_notebook(self.run.source, shown, self.run.uid)))


def _unwritten(code: str, what: str, error: OSError) -> Note:
    reason = error.strerror or str(error)
    return Note(
        code,
        f"{what} could not be written: {reason}.",
        "When there is room, the next run or `labnb doctor --fix` completes the record.",
    )


def _pretty(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)
