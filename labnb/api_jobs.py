"""Jobs in Python: `labnb.job(id)` in any kernel, any day.

>>> job = labnb.job("1a2b3c4d")          # doctest: +SKIP
>>> job.wait().result()                  # the values of --out, or what the cell raised   # doctest: +SKIP
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from labnb.lab import Lab, open_lab, user_name
from labnb.model.dataset import DatasetVersion
from labnb.model.errors import JobError, LabError
from labnb.model.job import Job, JobState
from labnb.model.run import Run, RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobGroup
from labnb.runfolder.name_watch import NameWatch
from labnb.usecases.cancel_job import cancel_jobs
from labnb.usecases.values import load_error, load_value, returned

# Seconds after which somebody who waits looks again, whatever the file system tells.
_LOOK = 1.0
# Seconds at most until the record of a job that has ended is whole.
_COLLECTED = 60.0


class JobView:
    """A job, read from its folder. Displays as its card."""

    def __init__(self, lab: Lab, folder: JobFolder) -> None:
        self._lab = lab
        self._folder = folder
        self.id = folder.uid

    @property
    def record(self) -> Job:
        """Everything that `labnb jobs --json` tells of it, as it stands now."""
        return self._folder.current()

    @property
    def status(self) -> str:
        """PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, TIMEOUT, OUT_OF_MEMORY, NODE_FAIL or LOST."""
        return self.record.state.value

    @property
    def cause(self) -> str:
        """Why it is so, in plain words; "" where there is nothing to explain."""
        return self.record.cause

    def log(self) -> str:
        """Give what the job has printed so far."""
        paths = self._folder.paths
        text = ""
        for path in (paths.run.log, paths.run.log_tail):
            if path.exists():
                text += path.read_text(encoding="utf-8", errors="replace")
        return text or _read(paths.output)

    def wait(self, timeout: float | None = None) -> JobView:
        """Wait for the end of the job, at most `timeout` seconds: then JobError is raised, and the job goes on."""
        self._wait(timeout)
        settle(self._folder)
        return self

    def _wait(self, timeout: float | None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        with NameWatch() as watch:
            watch.follow([self._folder.paths.home])
            while not self._over():
                left = _LOOK if deadline is None else min(_LOOK, deadline - time.monotonic())
                if left <= 0:
                    raise JobError(f"The job {self.id[:8]} is {self.status} after {timeout:g} s.", "It goes on.")
                if not self._folder.read().collected:
                    self._lab.jobs.index.follower.see_to_it()
                watch.wait(left, {"end.json", "job.json"})

    def result(self, name: str | None = None, timeout: float | None = None) -> Any:
        """Give the value of one name of --out; without a name a dict of all, or the value itself if there is one.

        Waits for the end. What the cell raised is raised again, as it was; an end of another kind raises JobError.
        """
        self._wait(timeout)
        raise_end(self._folder)
        if name is not None:
            return load_value(self._folder.paths, name)
        names = list(returned(self._folder.paths))
        if len(names) == 1:
            return load_value(self._folder.paths, names[0])
        return {name: load_value(self._folder.paths, name) for name in names}

    def outputs(self) -> dict[str, Path]:
        """Give the files that the cell wrote, by their path in the project, as files of this machine.

        From another machine they are fetched now. Raises what the host raises.
        """
        from labnb.usecases.fetch_outputs import fetch_outputs

        inner = self._lab.jobs.send.tree.inside(self.run().code.get("snapshot"))
        return fetch_outputs(self._folder, self._lab.jobs.reach.host, inner)

    def save(self, name: str, path: str = "") -> DatasetVersion:
        """Make what the cell wrote at `path` (by default at `name`) the new version of the dataset `name`, here.

        Waits for the end. Raises what `result` raises, NotFound for a file that is not among its outputs, and
        DataStoreError where `name` holds changes that no version has.
        """
        self.wait()
        raise_end(self._folder)
        if not settle(self._folder, _COLLECTED, lambda job: job.collected).collected:
            raise JobError(f"The record of the job {self.id[:8]} is still being completed.", "Try again in a moment.")
        version = self._lab.data.save_output(self.run(), name, path or name, self.outputs())
        self._lab.announce(self.id)
        return version

    def cancel(self) -> JobView:
        """Have the job ended, also before it has come to its target."""
        cancel_jobs(self._lab.jobs.index, [self._folder], user_name())
        return self

    def retry(self) -> JobView:
        """Submit the same cell, state and code once more; gives the new job. Raises JobError while this one goes on."""
        from labnb.usecases.retry_job import retry_job

        return JobView(self._lab, retry_job(self._lab.jobs.index, self._folder))

    def run(self) -> Run:
        """Give the record of the run as it stands: params, metrics, inputs, notes."""
        return run_of(self._folder)

    def _over(self) -> bool:
        # On this machine the job's own word is the first sign.
        return self._folder.paths.end.exists() or self._folder.read().state.ended

    def __repr__(self) -> str:
        from labnb.model.card import to_text

        return to_text(self.run(), None, last_line(self._folder))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from labnb.model.card import card

        return card(self.run(), time.time(), None, last_line(self._folder))


class JobGroupView:
    """The jobs of an array (`--each`), in order. Displays as a table of params, states and metrics."""

    def __init__(self, lab: Lab, group: JobGroup) -> None:
        self._lab = lab
        self.id = group.id

    @property
    def group(self) -> JobGroup:
        """The array as it stands: a retried member has another job."""
        found = self._lab.jobs.index.group(self.id)
        if found is None:
            raise JobError(f"The array {self.id} is gone.")
        return found

    @property
    def jobs(self) -> list[JobView]:
        return [JobView(self._lab, self._lab.jobs.index.folder(uid)) for uid in self.group.jobs]

    def __iter__(self) -> Iterator[JobView]:
        return iter(self.jobs)

    @property
    def status(self) -> str:
        """The states of all, counted: "3 COMPLETED, 1 FAILED"."""
        from labnb.model.job_table import tally

        return tally([job.record for job in self.jobs])

    def wait(self, timeout: float | None = None) -> JobGroupView:
        """Wait for the end of all, at most `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for job in self.jobs:
            job.wait(None if deadline is None else max(deadline - time.monotonic(), 0.001))
        return self

    def result(self, name: str | None = None, timeout: float | None = None) -> list[Any]:
        """Give the result of each, in order, None where a job did not end well; waits for the end of all."""
        self.wait(timeout)
        return [job.result(name) if job.status == JobState.COMPLETED.value else None for job in self._settled()]

    def cancel(self) -> JobGroupView:
        """Have all ended that have not ended yet."""
        cancel_jobs(self._lab.jobs.index, [job._folder for job in self.jobs], user_name())
        return self

    def retry(self) -> JobGroupView:
        """Submit those again that have ended, and not well."""
        from labnb.usecases.retry_job import failed_members, retry_job

        for folder in failed_members(self._lab.jobs.index, self.group):
            retry_job(self._lab.jobs.index, folder)
        return self

    def _settled(self) -> list[JobView]:
        for job in self.jobs:
            settle(job._folder)
        return self.jobs

    def _rows(self) -> Any:
        from labnb.model.job_table import rows_of_members

        runs = [job.run() for job in self.jobs]
        jobs = [job.record for job in self.jobs]
        return rows_of_members(jobs, self.group.params, [run.metrics for run in runs], time.time())

    def __repr__(self) -> str:
        from labnb.model.job_table import text_of

        return f"{self.group.name} ({self.id}): {self.status}\n{text_of(self._rows(), '')}"

    def _repr_html_(self) -> str:
        import html

        from labnb.model.job_table import html_of

        return f"<b>{html.escape(self.group.name)}</b> ({self.id}): {self.status}{html_of(self._rows(), '')}"


def job(id: str, path: str | Path | None = None) -> Any:  # noqa: A002 - the word of the command line
    """Give a job of the project of `path` (by default the current folder) by its id or the start of it.

    The id of an array (it begins with g) gives all its jobs. Raises NotFound, with the candidates.
    """
    lab = open_lab(path)
    group = lab.jobs.index.group(id)
    return JobGroupView(lab, group) if group is not None else JobView(lab, lab.jobs.index.folder(id))


def run_of(folder: JobFolder) -> Run:
    """Give the run of a job with what is known of the job now: the record itself is written when it ends."""
    run = RunFolder(folder.paths.run).read()
    try:
        job = folder.current()
    except LabError:
        return run
    if run.status.ended:
        return run
    facts = {**(run.job or {}), **{k: v for k, v in job.to_json().items() if k in (run.job or {}) or k == "state"}}
    status = RunStatus.RUNNING if job.state is JobState.RUNNING else run.status
    return dataclasses.replace(run, status=status, job=facts)


def last_line(folder: JobFolder) -> str:
    """Give the last line that a job which has not ended has printed: its progress bar, perhaps."""
    if folder.paths.end.exists():
        return ""
    tail = _read(folder.paths.run.log_tail).strip()
    if tail:
        return tail.splitlines()[-1]
    try:
        with open(folder.paths.run.log, "rb") as log:
            log.seek(max(log.seek(0, 2) - 4000, 0))
            lines = log.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def settle(folder: JobFolder, seconds: float = 5.0, so: Callable[[Job], bool] = lambda job: job.state.ended) -> Job:
    """Give the job once its end stands in job.json: the follower writes it within moments of end.json."""
    deadline = time.monotonic() + seconds
    with NameWatch() as watch:
        watch.follow([folder.paths.home])
        while True:
            job = folder.read()
            left = deadline - time.monotonic()
            if so(job) or left <= 0:
                return job
            watch.wait(min(left, 0.2), {"job.json"})


def raise_end(folder: JobFolder) -> None:
    """Raise what the cell raised, or JobError where the job ended otherwise than well."""
    end = folder.end()
    if end is not None and end.get("state") == JobState.COMPLETED.value:
        return
    job = settle(folder)
    if job.state is JobState.COMPLETED:
        return
    error = load_error(folder.paths) if job.state is JobState.FAILED else None
    if error is not None:
        raise error
    raise JobError(f"The job {job.id[:8]} is {job.state.value}: {job.cause or 'it does not say why'}.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
