"""The large data of a run that has ended: kept beside the next cells, and then named in its record.

What is left to do stands in a file until it is done. Where the kernel ends before, the next session of the project
goes on with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labnb.model.errors import LabError
from labnb.model.fingerprint import fingerprint
from labnb.model.plain import plain
from labnb.model.run import Note, Run
from labnb.model.snapshot import CodeVersion
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import held, read_json
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths, write_atomic
from labnb.usecases.keep_data import KeepData, Parts, keeping


@dataclass(frozen=True)
class KeepLate:
    """Keeps the waiting datasets of runs. `done` is told each completed run."""

    keep: KeepData
    lab: LabPaths
    done: Callable[[Run], None]

    def start(self, uid: str, names: tuple[str, ...], parts: Parts) -> threading.Thread:
        """Begin with the datasets of one run, in a thread."""
        file = self.lab.keeping / f"{uid}.json"
        with contextlib.suppress(OSError):  # where there is no room for it, nobody can take the work up
            self.lab.keeping.mkdir(exist_ok=True)
            write_atomic(file, json.dumps({"owner": asdict(Owner.this()), "names": names, "parts": parts}))
        thread = threading.Thread(target=self._work, args=(uid, names, parts, file), name="labnb-keep", daemon=True)
        thread.start()
        return thread

    def take_up(self) -> threading.Thread | None:
        """Go on, in a thread, with what processes left that are gone; None where there is nothing."""
        left = list(self._left())
        if not left:
            return None
        thread = threading.Thread(target=self._take_up, args=(left,), name="labnb-keep", daemon=True)
        thread.start()
        return thread

    def _left(self) -> Iterator[Path]:
        for file in sorted(self.lab.keeping.glob("*.json")):
            told = read_json(file)
            try:
                if told is None or not Owner.from_json(told["owner"]).lives():
                    yield file
            except (LookupError, TypeError, ValueError):
                yield file

    def _take_up(self, files: list[Path]) -> None:
        for file in files:
            with contextlib.suppress(OSError), held(file.with_suffix(".lock"), wait=False) as mine:
                told = read_json(file) if mine else None
                if told is not None:
                    self._work(file.stem, tuple(told.get("names") or ()), told.get("parts") or {}, file)
                elif mine:
                    file.unlink(missing_ok=True)  # damaged, or done meanwhile
                if mine:
                    file.with_suffix(".lock").unlink(missing_ok=True)

    def _work(self, uid: str, names: tuple[str, ...], parts: Parts, file: Path) -> None:
        folder = RunFolder(self.lab.run(uid))
        if not folder.paths.run.exists():  # it was deleted
            file.unlink(missing_ok=True)
            return
        # The next session tries again. RuntimeError: the interpreter ends and starts no threads any more.
        with contextlib.suppress(OSError, LabError, RuntimeError):
            run, _ = folder.stored()
            now, told = self.keep.allowed(names)
            kept = self.keep.keep_these(now, run.inputs, _code_of(run), parts)
            waiting = keeping(names)
            notes: tuple[Note, ...] = (*(note for note in run.notes if note != waiting), *told, *kept.notes)
            run = dataclasses.replace(run, inputs=kept.inputs, notes=notes, code=_followed(run, kept.code))
            mark = _fingerprint(folder, run)
            folder.write(dataclasses.replace(run, fingerprint=mark) if mark else run)
            file.unlink(missing_ok=True)
            self.done(folder.read())


def _code_of(run: Run) -> CodeVersion | None:
    return CodeVersion(**{**run.code, "left_out": tuple(run.code.get("left_out", ()))}) if run.code else None


def _followed(run: Run, code: CodeVersion | None) -> dict[str, object]:
    followed: Mapping[str, object] = {"snapshot": plain(code)["snapshot"]} if code is not None else {}
    return {**run.code, **followed}


def _fingerprint(folder: RunFolder, run: Run) -> str | None:
    """Give the fingerprint with the data as they are known now; None where the snapshot does not say enough."""
    snapshot: dict[str, Any] = read_json(folder.paths.snapshot) or {}
    try:
        code, loaded = snapshot["closure"]["normalised"], snapshot["environment"]["loaded"]
    except (LookupError, TypeError):
        return None
    return fingerprint(code, run.params, run.inputs, loaded)
