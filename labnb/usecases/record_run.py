"""Record one execution of a cell: open the run before it, close it after.

Nothing here may disturb the cell: each part of the record is taken on its own, and one that fails
becomes a note on the run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from labnb.model.cell import Cell
from labnb.model.closure import Closure
from labnb.model.dataset import FileUse
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
from labnb.usecases.end_run import Ending, pretty
from labnb.usecases.redact_record import Redactor

if TYPE_CHECKING:
    from labnb.usecases.keep_data import KeepData


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
    #: Keeps data that changed since their last version; loaded where there are some. None: they are left alone.
    keep: Callable[[], KeepData] | None = None
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
        write_atomic(opened.folder.paths.output, pretty(output_notebook(opened.run.source, clean, opened.run.uid, log)))

    def write_rest(self) -> None:
        """Complete the records that found no room when their runs ended; what still finds none waits on."""
        with contextlib.suppress(OSError):
            while self.unwritten:
                self.unwritten[0]()
                self.unwritten.pop(0)

    def finish(
        self, opened: OpenRun, status: RunStatus, evidence: Evidence, later: Callable[[Run], None] | None = None
    ) -> Run:
        """Close the run with what was seen of it, and give it as it stands on disk.

        Large data that changed are kept afterwards, and `later` is then told the run; without it they are waited for.
        Where the run folder cannot be written any more, the run is given with a note and run.json stays as it was.
        """
        opened.notes.extend(evidence.notes)
        for point in evidence.points:
            opened.journal.add("metric", t=point.time, s=point.step, v={point.name: point.value})
        environment = evidence.environment
        with opened.part("environment", "The environment was"):
            environment = environment or self.environment.capture()
        logged = with_lines(opened.folder.read(), opened.journal.waiting())
        inputs, outputs = _told(evidence.inputs, logged.inputs), evidence.outputs
        with opened.part("data_store", "The versions of the data were"):
            inputs = tuple(self.data_store.resolve(inputs, evidence.parts))
            outputs = tuple(self.data_store.resolve(outputs))
        kept = None
        with opened.part("keep_data", "The changed data were"):
            if self.keep is not None and any(use.dataset and use.version is None for use in inputs):
                kept = self.keep().keep(inputs, opened.code, evidence.parts, wait=later is None)
                inputs, opened.code = kept.inputs, kept.code
                opened.notes.extend(kept.notes)
        opened.journal.close()
        snapshot = None
        with opened.part("snapshot", "The closure of the cell was"):
            if evidence.closure is not None and environment is not None:
                closure = opened.redactor.clean_closure(evidence.closure)
                snapshot = Snapshot(closure, opened.code or CodeVersion(), environment)
        snapshot_json = snapshot.to_json() if snapshot is not None else {}
        run = self._merged(opened, evidence, environment, logged)
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
        ending = Ending(self.lab, self.export, opened, run, evidence, snapshot, snapshot_json)
        told = ending.write()
        if told:
            self.unwritten.append(ending.write_late)
        elif self.keep is not None and kept is not None and kept.waiting and later is not None:
            from labnb.usecases.keep_late import KeepLate

            KeepLate(self.keep(), self.lab, later).start(run.uid, kept.waiting, evidence.parts)
        return dataclasses.replace(run, notes=tuple(dict.fromkeys([*ending.run.notes, *told])))

    def _merged(self, opened: OpenRun, evidence: Evidence, environment: Environment | None, logged: Run) -> Run:
        """Put together what was logged and seen; what is in the journal counts, whoever wrote it."""
        redactor = opened.redactor
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


def _told(seen: Sequence[FileUse], told: Sequence[FileUse]) -> tuple[FileUse, ...]:
    """Add what the cell asked the Data Store for; what was seen of it, or of files in it, is that."""
    if not told:
        return tuple(seen)
    asked = {use.path.rstrip("/"): use for use in told}
    folders = tuple(f"{path}/" for path in asked)
    other = (use for use in seen if use.path.rstrip("/") not in asked and not use.path.startswith(folders))
    return (*other, *asked.values())
