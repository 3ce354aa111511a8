"""Cancel jobs: leave word, and see to it that somebody acts on it; a job half-way to its target never begins."""

from __future__ import annotations

from collections.abc import Iterable

from labnb.model.job import Job
from labnb.runfolder.job_index import JobFolder, JobIndex


def cancel_jobs(index: JobIndex, folders: Iterable[JobFolder], who: str) -> tuple[list[Job], list[Job]]:
    """Have jobs ended; give those that will be, and those that had ended already. Raises OSError."""
    asked, over = [], []
    for folder in folders:
        job = folder.read()
        if job.state.ended:
            over.append(job)
            continue
        folder.ask_to_cancel(who)
        index.announce(folder.uid)
        asked.append(job)
    return asked, over
