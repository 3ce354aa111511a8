"""Retry a job: the same cell with the same state, code and params, as a new job that names the old one."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import shutil
import time
import uuid
from pathlib import Path

from labnb.model.errors import JobError
from labnb.model.job import Job, JobState
from labnb.model.run import Run, RunStatus, time_text
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobGroup, JobIndex, held
from labnb.usecases.place import unplaced
from labnb.usecases.send_job import target_of
from labnb.usecases.submit_job import job_facts, write_private


def retry_job(index: JobIndex, folder: JobFolder) -> JobFolder:
    """Make the new job of one that has ended; it is announced, and not sent yet.

    Raises JobError for a job that has not ended, or whose objects are gone; OSError where nothing can be written.
    """
    old = folder.read()
    if not old.state.ended:
        raise JobError(f"The job {old.id[:8]} is {old.state.value}.", f"labnb cancel {old.id[:8]} ends it first.")
    request = folder.request()
    objects = [*request.objects, *([request.state] if request.state else [])]
    gone = [name for name in objects if not _used_now(index.store.object(name))]
    if gone:
        raise JobError(f"What the job {old.id[:8]} needs is gone: {gone[0][:12]}.", "Run its cell with --on again.")
    index.make()
    run, _ = RunFolder(index.lab.run(old.id)).stored()
    uid, now, target = uuid.uuid4().hex, time_text(time.time()), target_of(folder)
    job = Job(
        id=uid,
        run=uid,
        name=old.name,
        target=old.target,
        submitted=now,
        resources=old.resources,
        token=f"labnb-{uid[:12]}-{secrets.token_hex(4)}",
        group=old.group,
        retry_of=old.id,
        out=old.out,
    )
    fresh = Run(
        uid=uid,
        name=run.name,
        status=RunStatus.SCHEDULED,
        started=now,
        user=run.user,
        notebook=run.notebook,
        cell_id=run.cell_id,
        source=run.source,
        params={**{name: run.params[name] for name in request.params if name in run.params}},
        tags=run.tags,
        code=run.code,
        environment=run.environment,
        notes=tuple(note for note in run.notes if note.code in ("secret", "left_out")),
        job=job_facts(job, target),
    )
    index.announce(uid)
    run_folder, journal = RunFolder.create(index.lab, fresh)
    journal.close()
    new = JobFolder(run_folder.paths.folder)
    new.paths.folder.chmod(0o700)
    new.paths.home.mkdir(mode=0o700)
    for name in ("snapshot", "lock", "script", "notebook"):
        source = getattr(folder.paths.run, name)
        if source.exists():
            shutil.copyfile(source, getattr(new.paths.run, name))
    for source, place in (
        (folder.paths.cell, new.paths.cell),
        (folder.paths.target, new.paths.target),
        (folder.paths.needs, new.paths.needs),
    ):
        write_private(place, source.read_text(encoding="utf-8"))
    anew = unplaced(dataclasses.replace(request, uid=uid, token=job.token))
    write_private(new.paths.request, json.dumps(anew.to_json(), default=repr))
    with held(new.paths.collecting):
        new.write(job)
        run_folder.write(fresh)
    if old.group and (group := index.group(old.group)):
        index.write_group(dataclasses.replace(group, jobs=tuple(uid if one == old.id else one for one in group.jobs)))
    index.announce(uid)
    return new


def _used_now(path: Path) -> bool:
    """Mark an object as used, so that it is not cleaned away before the new job names it; False where it is gone."""
    try:
        os.utime(path)
    except OSError:
        return False
    return True


def failed_members(index: JobIndex, group: JobGroup) -> list[JobFolder]:
    """Give the members of an array that have ended, and not well."""
    folders = [index.folder(uid) for uid in group.jobs]
    return [folder for folder in folders if (job := folder.read()).state.ended and job.state is not JobState.COMPLETED]
