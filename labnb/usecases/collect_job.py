"""Collect a job: its run ends in the same record as one that ran here, and by the same path."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labnb.model.cell import Cell
from labnb.model.closure import Closure, Piece
from labnb.model.dataset import FileUse
from labnb.model.errors import LabError
from labnb.model.evidence import Evidence
from labnb.model.job import Job, JobState
from labnb.model.run import Note, Run, RunStatus, parse_time, time_text
from labnb.model.snapshot import CodeVersion, Environment
from labnb.ports.executor import Sight
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobIndex, held, read_json
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import write_atomic
from labnb.usecases.browse import read_output
from labnb.usecases.record_run import OpenRun, RecordRun
from labnb.usecases.redact_record import Redactor
from labnb.usecases.send_job import target_of
from labnb.usecases.submit_job import job_facts

#: Bytes of a log up to which it is searched for secrets.
CLEANED = 20_000_000
_STATUS = {JobState.COMPLETED: RunStatus.FINISHED, JobState.FAILED: RunStatus.FAILED}


@dataclass(frozen=True)
class CollectJob:
    """The use case; `announce` has a run published."""

    index: JobIndex
    record: RecordRun
    announce: Callable[[str], None]

    def end(self, folder: JobFolder, state: JobState, cause: str, sight: Sight | None = None) -> Job:
        """Write down that the job has ended, and how: at once, so that whoever waits for it goes on."""
        end = folder.end() or folder.stopped() or {}
        seen = sight or Sight(state)
        started = moment(end.get("started")) or moment(folder.state().get("started")) or seen.started
        ended = moment(end.get("ended")) or seen.ended or time.time()
        used = {**seen.used, **_numbers(folder.state().get("used")), **_numbers(end.get("used"))}
        node = str(end.get("node") or folder.state().get("node") or seen.node)

        def change(job: Job) -> Job:
            if job.state.ended:
                return job
            return dataclasses.replace(
                job,
                state=state,
                cause=cause,
                started=time_text(started) if started else job.started,
                ended=time_text(ended),
                used=used or job.used,
                node=node or job.node,
                starts=len(_starts(folder, "runs")) or job.starts,
            )

        return folder.update(change)

    def begin(self, folder: JobFolder, job: Job) -> None:
        """Let the record say that the job runs: from now on the run is published as it goes on."""
        with held(folder.paths.collecting):
            run_folder = RunFolder(self.index.lab.run(folder.uid))
            run, _ = run_folder.stored()
            if run.status.ended:
                return
            facts = {**job_facts(job, target_of(folder)), "queued": _queued(job)}
            run_folder.write(
                dataclasses.replace(run, status=RunStatus.RUNNING, started=job.started or run.started, job=facts)
            )
        self.announce(folder.uid)

    def refuse(self, folder: JobFolder, state: JobState, cause: str) -> Job:
        """End a job that never came to its target, record and all."""
        self.end(folder, state, cause)
        self.collect(folder)
        return folder.read()

    def collect(self, folder: JobFolder) -> Run:
        """Write the end of the run of a job that has ended; a second time changes nothing. Raises OSError, LabError."""
        with held(folder.paths.collecting):
            job = folder.read()
            run_folder = RunFolder(self.index.lab.run(folder.uid))
            run, _ = run_folder.stored()
            if job.collected:
                self.index.leave(folder.uid)
                return run
            if not run.status.ended:
                run = self._finish(folder, job, run, run_folder)
            folder.update(lambda job: dataclasses.replace(job, collected=True))
            self.index.leave(folder.uid)
        with contextlib.suppress(LabError, OSError):  # the record is here; labnb sync publishes it
            self.announce(folder.uid)
        return run

    def _finish(self, folder: JobFolder, job: Job, run: Run, run_folder: RunFolder) -> Run:
        end = folder.end() or folder.stopped() or {}
        code = CodeVersion(**{**run.code, "left_out": tuple(run.code.get("left_out", ()))}) if run.code else None
        opened = OpenRun(
            run, run_folder, Journal(run_folder.paths.journal), Redactor(self.record.scanner), code, notes=[*run.notes]
        )
        with opened.part("log", "Secrets in the log were"):
            clean_log(run_folder.paths.log, opened.redactor)
        snapshot = read_json(run_folder.paths.snapshot) or {}
        closure = None
        with opened.part("snapshot", "The closure of the cell was"):
            closure = closure_of(snapshot.get("closure"))
        files: Mapping[str, Any] = read_json(folder.paths.files) or {}
        started = parse_time(job.started or job.submitted or run.started).timestamp()
        evidence = Evidence(
            started=started,
            ended=parse_time(job.ended).timestamp() if job.ended else time.time(),
            closure=closure,
            inputs=self._uses(folder, files.get("inputs")),
            outputs=self._uses(folder, files.get("outputs")),
            shown=read_output(run_folder.paths.output),
            error=_error(job, end),
            notes=(*_notes(end), *self._told(folder, job)),
            environment=_environment(snapshot.get("environment"), end.get("environment")),
            job={**job_facts(job, target_of(folder)), "queued": _queued(job), **_kept(end)},
        )
        return self.record.finish(opened, _STATUS.get(job.state, RunStatus.KILLED), evidence)

    def _uses(self, folder: JobFolder, items: Any) -> tuple[FileUse, ...]:
        found = []
        for item in items if isinstance(items, list) else []:
            with contextlib.suppress(TypeError):
                found.append(FileUse.from_json(item))
        return tuple(found)

    def _told(self, folder: JobFolder, job: Job) -> list[Note]:
        notes = []
        refused, ran = _starts(folder, "refused"), _starts(folder, "runs")
        if refused:
            text = f"The job was started {len(refused) + len(ran)} times; {len(refused)} of these starts ran nothing."
            notes.append(Note("started_twice", text, str(refused[-1].get("why", ""))))
        if len(ran) > 1:
            notes.append(Note("ran_again", f"The cell was begun {len(ran)} times: {ran[-1].get('why', '')}."))
        return notes


def clean_log(path: Path, redactor: Redactor) -> None:
    """Mask secrets in what a job printed, as a local run does while it prints; a very long log stays as it is."""
    if not path.exists() or path.stat().st_size > CLEANED:
        return
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    clean = redactor.clean(text, "the output")
    if clean != text:
        write_atomic(path, clean)


def closure_of(data: Any) -> Closure | None:
    """Read the closure that snapshot.json holds; None where it holds none. Raises what a damaged one raises."""
    if not isinstance(data, dict):
        return None
    pieces = tuple(Piece(Cell(**piece["cell"]), piece["code"]) for piece in data["pieces"])
    return Closure(
        pieces,
        frozenset(data.get("free", ())),
        frozenset(data.get("undefined", ())),
        dict(data.get("assigned", {})),
        frozenset(data.get("randomness", ())),
        data.get("normalised", ""),
    )


def moment(value: Any) -> float | None:
    """Give a time in seconds since the epoch, from such seconds or from ISO 8601; None where it is no time."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value:
        with contextlib.suppress(ValueError):
            return parse_time(value).timestamp()
    return None


def _environment(here: Any, there: Any) -> Environment | None:
    """Give the environment of the job: the target's own facts, over those of the session."""
    known = dict(here) if isinstance(here, dict) else {}
    if isinstance(there, dict) and there.get("python"):
        packages = there.get("packages") or {}
        loaded = {name: packages.get(name, version) for name, version in (known.get("loaded") or {}).items()}
        if packages and there.get("executable") != sys.executable:
            known["lock"] = sorted(f"{name}=={version}" for name, version in packages.items())
        known.update({name: value for name, value in there.items() if value}, loaded=loaded)
    names = {field.name for field in dataclasses.fields(Environment)}
    known = {name: value for name, value in known.items() if name in names}
    if not known.get("python"):
        return None
    known["lock"] = tuple(known.get("lock", ()))
    return Environment(**{"platform": "", **known})


def _error(job: Job, end: Mapping[str, Any]) -> dict[str, str] | None:
    error = end.get("error")
    if isinstance(error, dict) and error.get("type"):
        return {name: str(error.get(name, "")) for name in ("type", "message", "traceback")}
    if job.state is JobState.COMPLETED:
        return None
    return {"type": job.state.value, "message": job.cause, "traceback": ""}


def _notes(end: Mapping[str, Any]) -> list[Note]:
    found = []
    for item in end.get("notes") or ():
        with contextlib.suppress(TypeError):
            found.append(Note(**item))
    return found


def _starts(folder: JobFolder, answer: str) -> list[dict[str, Any]]:
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in folder.paths.starts.read_text(encoding="utf-8").splitlines():
            start = json.loads(line)
            if start.get("answer") == answer:
                found.append(start)
    return found


def _queued(job: Job) -> float | None:
    if not job.started or not job.submitted:
        return None
    return round(max((parse_time(job.started) - parse_time(job.submitted)).total_seconds(), 0), 3)


def _kept(end: Mapping[str, Any]) -> dict[str, Any]:
    slurm = end.get("slurm") or {}
    facts = {
        "exit_code": end.get("exit_code"),
        "modules": (end.get("environment") or {}).get("modules"),
        "partition": slurm.get("SLURM_JOB_PARTITION"),
        "host_name": end.get("host"),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _numbers(value: Any) -> dict[str, float]:
    items = value.items() if isinstance(value, dict) else ()
    found = {name: number for name, number in items if isinstance(number, (int, float))}
    return {name: number for name, number in found.items() if not name.endswith("_now")}
