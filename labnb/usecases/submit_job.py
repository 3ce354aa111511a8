"""Make a job of a cell: its snapshot and its request, on this machine, before anything leaves it.

What is written here is enough to bring the job to its target later, by whoever: the kernel that asked may die.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import secrets
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnb.model.cell import Cell
from labnb.model.closure import Closure
from labnb.model.job import Job
from labnb.model.job_request import JobRequest
from labnb.model.plain import plain
from labnb.model.resources import Resources
from labnb.model.run import Note, Run, RunStatus, Value, time_text
from labnb.model.snapshot import CodeVersion, Environment, Snapshot
from labnb.model.target import Target
from labnb.model.values import simple
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobGroup, JobIndex, held
from labnb.runfolder.paths import write_atomic
from labnb.usecases.record_run import RecordRun
from labnb.usecases.redact_record import Redactor

#: Seconds before the end of its time, or after a cancellation, that a job gets to save what it has.
GRACE = 60


@dataclass(frozen=True)
class Draft:
    """What a session gives for a job.

    `python` is the cell as plain Python, `state` the part of the request that tells of its names: `names`, `state`,
    `objects`, `by_value`. `folder` is the working directory relative to the project ("" for the project itself),
    `files` are paths of data that the cell seems to need and that no version holds. `bind` are values set before the
    cell runs, `params` what is recorded; `metrics` and `watched` name what is recorded at the end.
    """

    name: str
    cell: Cell
    python: str
    target: Target
    resources: Resources
    needs_ipython: bool = False
    label: str = "<cell>"
    closure: Closure | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Value] = field(default_factory=dict)
    bind: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    folder: str = ""
    files: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Taken:
    """What the jobs of one submission share: the state of the code."""

    code: CodeVersion
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class SubmitJob:
    """The use case; `record` is how runs of this project are recorded."""

    index: JobIndex
    record: RecordRun
    #: Ids under which code was kept for a submission that was refused: the next one takes them over.
    spare: list[str] = field(default_factory=list)

    def next_uid(self) -> str:
        """Give the id of the next job."""
        return self.spare.pop() if self.spare else uuid.uuid4().hex

    def submit(
        self,
        draft: Draft,
        members: Sequence[Mapping[str, Any]] = (),
        first: tuple[str, Callable[[], Taken]] | None = None,
        *,
        wake: bool = True,
    ) -> list[JobFolder]:
        """Write a job, or one for each of `members` (params that are bound and recorded). Raises LabError or OSError.

        Nothing is sent: see `SendJob`. `first` is the id of the first job, and waits for what is taken for it already.
        Without `wake` the follower is left to look in its own time: the caller sends, and announces them again.
        """
        self.index.make()
        uids = [uuid.uuid4().hex for _ in members or (0,)]
        taken: Callable[[], Taken] = functools.cache(lambda: self.take(uids[0]))
        if first is not None:
            uids[0], taken = first
        environment = self.record.environment.capture()
        group = f"g{secrets.token_hex(6)}" if members else None
        made = []
        self.index.announce(*uids, start=False)  # first: whoever dies in what follows leaves work that is seen
        try:
            for number, uid in enumerate(uids):
                own = dict(members[number]) if members else {}
                made.append(self._write(draft, environment, taken, uid, own, group, number))
        except BaseException:
            if not made:
                self._forget(uids)
            raise
        if group is not None:
            self.index.write_group(JobGroup(group, draft.name, tuple(uids), tuple(dict(own) for own in members)))
        if wake:
            self.index.announce(*uids)
        return made

    def take(self, uid: str) -> Taken:
        """Keep the state of the code. A job without it would run other code than what is here: that is an error."""
        code, notes = self.record.code_store.snapshot(uid)
        return Taken(code, tuple(notes))

    def _forget(self, uids: Sequence[str]) -> None:
        """The first of these jobs could not be written: none of them was ever there."""
        shutil.rmtree(self.index.lab.run(uids[0]).folder, ignore_errors=True)
        for uid in uids:
            self.index.forget(uid)

    def _write(
        self,
        draft: Draft,
        environment: Environment,
        taking: Callable[[], Taken],
        uid: str,
        own: Mapping[str, Any],
        group: str | None,
        number: int,
    ) -> JobFolder:
        """Write the folder of one job, PENDING; raises OSError, and what `taking` raises."""
        redactor = Redactor(self.record.scanner)
        params = {**draft.params, **{name: _plain(value) for name, value in own.items()}}
        now = time_text(time.time())
        run = Run(
            uid=uid,
            name=f"{draft.name}-{number + 1}" if group else draft.name,
            status=RunStatus.SCHEDULED,
            started=now,
            user=self.record.user,
            notebook=draft.cell.notebook,
            cell_id=draft.cell.cell_id,
            source=redactor.clean(draft.cell.source, "the cell"),
            params={name: redactor.clean_value(name, value) for name, value in params.items()},
            tags=dict(draft.tags),
            environment=environment.summary(),
        )
        job = Job(
            id=uid,
            run=uid,
            name=run.name,
            target=draft.target.name,
            submitted=now,
            resources=draft.resources.to_json(),
            token=f"labnb-{uid[:12]}-{secrets.token_hex(4)}",
            after=draft.after,
            group=group,
            out=draft.out,
        )
        run = dataclasses.replace(run, job=job_facts(job, draft.target))
        run_folder, journal = RunFolder.create(self.index.lab, run)
        journal.close()
        folder = JobFolder(run_folder.paths.folder)
        folder.paths.folder.chmod(0o700)
        folder.paths.home.mkdir(mode=0o700)
        write_private(folder.paths.cell, draft.python)
        write_private(folder.paths.target, json.dumps(plain(draft.target)))
        write_private(folder.paths.needs, json.dumps(list(draft.files)))
        request = self._request(draft, environment, job, own).to_json()
        write_private(folder.paths.request, json.dumps(request, default=repr))
        found = redactor.notes()
        closure = None
        if draft.closure is not None:
            closure = redactor.clean_closure(draft.closure)
            write_atomic(run_folder.paths.lock, "".join(f"{line}\n" for line in environment.lock))
        taken = taking()  # git was at work meanwhile
        run = dataclasses.replace(
            run,
            code=plain(taken.code),
            notes=tuple(dict.fromkeys([*taken.notes, *draft.notes, *found])),
        )
        if closure is not None:
            # In one line: spelled out nicely it takes ten times as long, and the end of the run writes it anew.
            whole = Snapshot(closure, taken.code, environment).to_json()
            write_atomic(run_folder.paths.snapshot, json.dumps(whole, ensure_ascii=False, default=str))
        with held(folder.paths.collecting):
            folder.write(job)  # a folder without it is no job
            run_folder.write(run)  # from now on it is no longer this process that it lives and dies with
        return folder

    def _request(self, draft: Draft, environment: Environment, job: Job, own: Mapping[str, Any]) -> JobRequest:
        return JobRequest(
            uid=job.id,
            token=job.token,
            name=job.name,
            user=self.record.user,
            target=job.target,
            notebook=draft.cell.notebook,
            cell_id=draft.cell.cell_id,
            source=draft.cell.source,
            label=draft.label,
            needs_ipython=draft.needs_ipython,
            **draft.state,
            bind={**draft.bind, **own},
            work_folder=draft.folder,
            params={**draft.params, **own},
            metrics=draft.metrics,
            watched=draft.watched,
            out=draft.out,
            python=environment.python,
            packages=dict(environment.loaded),
            memory=draft.resources.memory,
            time=draft.resources.time,
            grace=GRACE,
            notify=draft.target.notify,
        )


def job_facts(job: Job, target: Target) -> dict[str, Any]:
    """Give what the record of a run says of its job."""
    facts = job.to_json()
    for name in ("id", "run", "name", "token", "folder", "collected"):
        facts.pop(name)
    return {**facts, "host": target.host, "executor": target.executor}


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else on the machine may read, whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)


def _plain(value: Any) -> Value:
    found = simple(value)
    return found if found is not None or value is None else repr(value)[:500]
