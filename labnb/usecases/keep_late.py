"""The large data of a run that has ended: kept beside the next cells, and then named in its record."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labnb.model.fingerprint import fingerprint
from labnb.model.plain import plain
from labnb.model.run import Note, Run
from labnb.model.snapshot import CodeVersion, Snapshot
from labnb.runfolder.folder import RunFolder
from labnb.usecases.keep_data import KeepData, Parts, keeping


@dataclass(frozen=True)
class KeepLate:
    """What is left to do for one run. `done` is told the completed run."""

    keep: KeepData
    folder: RunFolder
    names: tuple[str, ...]
    code: CodeVersion | None
    parts: Parts
    snapshot: Snapshot | None
    done: Callable[[Run], None]

    def start(self) -> threading.Thread:
        """Begin in a thread. Where the process ends before, the record goes on saying that it was being kept."""
        thread = threading.Thread(target=self._keep, name="labnb-keep", daemon=True)
        thread.start()
        return thread

    def _keep(self) -> None:
        with contextlib.suppress(OSError):
            run, _ = self.folder.stored()
            kept = self.keep.keep_these(self.names, run.inputs, self.code, self.parts)
            waiting = keeping(self.names)
            notes: tuple[Note, ...] = (*(note for note in run.notes if note != waiting), *kept.notes)
            run = dataclasses.replace(run, inputs=kept.inputs, notes=notes, code=self._code(run, kept.code))
            if self.snapshot is not None:
                closure, environment = self.snapshot.closure, self.snapshot.environment
                mark = fingerprint(closure.normalised, run.params, kept.inputs, environment.loaded)
                run = dataclasses.replace(run, fingerprint=mark)
            self.folder.write(run)
            self.done(self.folder.read())

    @staticmethod
    def _code(run: Run, code: CodeVersion | None) -> dict[str, object]:
        followed: Mapping[str, object] = {"snapshot": plain(code)["snapshot"]} if code is not None else {}
        return {**run.code, **followed}
