"""Jobs as REST lists them, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labnb.model.api import Accepted
from labnb.model.api_data import JobItem, JobPage, JobsQuery
from labnb.model.errors import JobError, NotFound, StoreCorrupt, StoreError, UsageError
from labnb.model.job import Job
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobIndex
from labnb.usecases.cancel_job import cancel_jobs


@dataclass(frozen=True)
class ReadJobs:
    """Answers about the jobs of a project; `retry` makes the new job of one that has ended."""

    index: JobIndex
    retry_job: Callable[[JobIndex, JobFolder], JobFolder]

    def page(self, query: JobsQuery) -> JobPage:
        """Give a page of jobs, newest first."""
        jobs = self.index.jobs(collected=query.state != "open")
        words = query.filter.lower().split()
        found = [job for job in jobs if _fits(job, query, words)]
        keys = [(job.submitted or "", job.id) for job in found]
        begin = 0
        if query.cursor:
            last, _, uid = query.cursor.partition("_")
            if not uid:
                raise UsageError("The cursor is none.", "Take it from `next` of the page before.")
            begin = next((at for at, key in enumerate(keys) if key < (last, uid)), len(found))
        page = found[begin : begin + query.limit]
        more = begin + query.limit < len(found)
        after = f"{page[-1].submitted or ''}_{page[-1].id}" if more and page else None
        running = sum(1 for job in jobs if not job.state.ended)
        return JobPage([self._item(job) for job in page], after, len(found), running)

    def job(self, start: str) -> JobItem:
        """Give one job; raises NotFound."""
        return self._item(self.index.folder(start).read())

    def cancel(self, start: str, who: str) -> Accepted:
        """Have a job ended. Raises JobError where it has ended already."""
        folder = self.index.folder(start)
        try:
            asked, _ = cancel_jobs(self.index, [folder], who or "somebody")
        except OSError as error:
            raise StoreError(f"The job {folder.uid[:8]} cannot be cancelled: {error.strerror}.") from error
        if not asked:
            raise JobError(f"The job {folder.uid[:8]} has ended already: {folder.read().state.value}.")
        return Accepted(folder.uid, "It is being ended.")

    def retry(self, start: str) -> Accepted:
        """Submit a job once more. Raises JobError where it has not ended, or cannot be repeated."""
        folder = self.index.folder(start)
        try:
            fresh = self.retry_job(self.index, folder)
        except OSError as error:
            raise StoreError(f"The job {folder.uid[:8]} cannot be repeated: {error.strerror}.") from error
        return Accepted(fresh.uid, f"It is submitted as {fresh.uid[:8]}.")

    def _item(self, job: Job) -> JobItem:
        notebook, user = None, ""
        try:
            run, _ = RunFolder(self.index.lab.run(job.run)).stored()
            notebook, user = run.notebook, run.user
        except (NotFound, StoreCorrupt):
            pass
        return JobItem(
            id=job.id,
            run=job.run,
            name=job.name,
            target=job.target,
            state=job.state,
            cause=job.cause,
            submitted=job.submitted,
            started=job.started,
            ended=job.ended,
            resources=job.resources,
            used=job.used,
            node=job.node,
            handle=job.handle,
            after=list(job.after),
            group=job.group,
            retry_of=job.retry_of,
            starts=job.starts,
            out=list(job.out),
            collected=job.collected,
            notebook=notebook,
            user=user,
        )


def _fits(job: Job, query: JobsQuery, words: list[str]) -> bool:
    if query.state != "all" and job.state.ended is not (query.state == "ended"):
        return False
    if query.target and job.target != query.target:
        return False
    whole = f"{job.id} {job.name} {job.target} {job.state.value} {job.cause} {job.handle}".lower()
    return all(word in whole for word in words)
