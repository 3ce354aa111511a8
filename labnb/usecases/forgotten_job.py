"""A job that its executor does not know any more, and that left no end: whether it may be submitted again, and how.

A scheduler that lost its memory has its nodes end what it ran. Then the job is where a lost node would have left it,
and is treated alike: it begins once more, unless whoever submitted it does not want that.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from pathlib import Path

from labnb.model.job import Job, JobState
from labnb.ports.host import Host
from labnb.runfolder.job_index import JobFolder
from labnb.runfolder.job_paths import JobPaths

#: A job that was forgotten is submitted again, so often.
AGAIN = 2
#: The word of sbatch that forbids a second start.
_ONCE = "--no-requeue"


def may_begin_again(folder: JobFolder, job: Job, requeues: bool) -> bool:
    """Whether a forgotten job may be submitted again; where it had begun, only as its scheduler would have done it.

    `requeues` says that the executor starts jobs again whose node was lost. Raises nothing.
    """
    if folder.cancelled_by() or folder.end() is not None:
        return False
    if not folder.paths.claim.exists():
        return True
    return requeues and starts_of(folder) <= AGAIN and _ONCE not in job.resources.get("options", ())


def starts_of(folder: JobFolder) -> int:
    """Give how often the cell was begun, by the job's own word."""
    told = folder.state().get("starts")
    return told if isinstance(told, int) else int(folder.paths.claim.exists())


def forget(host: Host, folder: JobFolder, job: Job) -> Job:
    """Have the next start take over from the one that is gone, and the job sent anew. Raises what the host raises."""
    owner = folder.state().get("owner")
    if owner:
        # A start on another node cannot see that the process is gone: it is told.
        told = json.dumps({"owner": owner, "at": time.time()}).encode()
        host.put({str(JobPaths(Path(job.folder)).forgotten): told})
    with contextlib.suppress(FileNotFoundError):
        folder.paths.stopped.unlink()
    return folder.update(_anew)


def _anew(job: Job) -> Job:
    if job.state.ended:
        return job
    cause = "is submitted again: its scheduler forgot it"
    return dataclasses.replace(job, state=JobState.PENDING, handle="", cause=cause, started=None)
