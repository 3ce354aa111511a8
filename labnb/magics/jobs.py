"""What `%%labrun --on` does and what `%labjobs` answers."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from labnb.magics.request import MAGIC, LabrunRequest
from labnb.magics.returning import Awaited, Returning
from labnb.magics.submission import Submission
from labnb.model.errors import RecordIncomplete, UsageError
from labnb.model.job import Job

if TYPE_CHECKING:
    from labnb.lab import Lab
    from labnb.magics.recorder import Recorder
    from labnb.runfolder.job_index import JobFolder

#: So many jobs are listed at most, unless more are asked for.
LIMIT = 20


def submit(shell: Any, recorder: Recorder, request: LabrunRequest, line: str, body: str) -> Awaited:
    """Submit the cell; its card lives on while the session does."""
    from labnb.capture.files import aside

    lab = recorder.lab()
    recorder.session.elsewhere = True
    source = f"{MAGIC} {line}\n{body}"
    submission = Submission(shell, lab, recorder.session, request, body, source)
    with aside():
        try:
            folders = submission.submit()
        except OSError as error:
            why = error.strerror or str(error)
            raise RecordIncomplete(
                f"The job was not submitted: {error.filename or ''} {why}.", "Is there room in .labnb?"
            ) from error
    jobs = [folder.read() for folder in folders]
    group = jobs[0].group
    names = shell.user_ns
    awaited = Awaited(
        folders,
        request.job.out,
        group,
        display_id=f"labnb-{group or jobs[0].id}",
        bound={name: id(names[name]) for name in request.job.out if name in names},
        quiet=request.quiet,
    )
    if recorder.returning is None:
        recorder.returning = Returning(shell, recorder.session)
    recorder.returning.add(lab, awaited)
    submission.send(folders)  # last: it would take the processor from the prompt
    return awaited


def wait(shell: Any, recorder: Recorder, awaited: Awaited) -> None:
    """Wait for the end; Ctrl-C ends the waiting alone. What the cell raised is raised here, as it was."""
    from labnb.api_jobs import JobGroupView, JobView, raise_end

    lab, returning = recorder.lab(), recorder.returning
    what = repr(awaited.group or awaited.folders[0].uid[:8])
    try:
        for folder in awaited.folders:
            JobView(lab, folder).wait()
    except KeyboardInterrupt:
        print(f"labnb: no longer waiting; the job goes on. labnb.job({what}) has it, .cancel() ends it.")
        return
    if returning is not None:
        returning.deliver()
    if awaited.group is None:
        show_output(shell, awaited.folders[0])
        raise_end(awaited.folders[0])
    elif (group := lab.jobs.index.group(awaited.group)) is not None:
        JobGroupView(lab, group).wait()


def show_output(shell: Any, folder: JobFolder) -> None:
    """Show what the cell printed and displayed elsewhere, as if it had run here; an exception is raised, not shown."""
    from labnb.usecases.browse import read_output

    for item in read_output(folder.paths.run.output):
        if item.get("output_type") == "stream":
            print(item.get("text", ""), end="", file=sys.stderr if item.get("name") == "stderr" else sys.stdout)
        elif item.get("output_type") in ("display_data", "execute_result"):
            shell.display_pub.publish(data=item.get("data", {}), metadata=item.get("metadata", {}))


class JobTable:
    """Jobs; displays as a table."""

    def __init__(self, jobs: list[Job], total: int) -> None:
        self.jobs = jobs
        self.total = total

    def __repr__(self) -> str:
        from labnb.model.job_table import rows_of_jobs, text_of

        return text_of(rows_of_jobs(self.jobs, time.time()), EMPTY)

    def _repr_html_(self) -> str:
        from labnb.model.job_table import html_of, rows_of_jobs

        return html_of(rows_of_jobs(self.jobs, time.time()), EMPTY)


EMPTY = "There are no jobs. Write %%labrun --on TARGET above a cell to submit one."


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%labjobs: {message}.", "%labjobs? shows its options.")


def labjobs(lab: Lab, line: str) -> Any:
    """Answer `%labjobs [JOB …] [--open] [--limit N] [--wait | --cancel | --retry]`."""
    from labnb.api_jobs import JobView, job

    parser = _Parser(prog="%labjobs", add_help=False, allow_abbrev=False)
    parser.add_argument("jobs", nargs="*")
    parser.add_argument("--open", "-o", action="store_true")
    parser.add_argument("--limit", "-n", type=int, default=LIMIT)
    for name in ("--wait", "--cancel", "--retry"):
        parser.add_argument(name, action="store_true")
    try:
        given = parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"%labjobs: {error}.", "Close the quotes.") from None
    if (given.cancel or given.retry) and not given.jobs:
        raise UsageError("%labjobs: say which job.", "%labjobs lists them.")
    views = [job(word, lab.root) for word in given.jobs]
    if given.wait:
        _wait_for(views or [JobView(lab, lab.jobs.index.folder(uid)) for uid in lab.jobs.index.active()])
    if given.retry:
        views = [view.retry() for view in views]
    if given.cancel:
        for view in views:
            view.cancel()
    if len(views) == 1:
        return views[0]
    if views:
        return JobTable([view.record for view in views if isinstance(view, JobView)], len(views))
    jobs = [one for one in lab.jobs.index.jobs() if not (given.open and one.state.ended)]
    return JobTable(jobs[: given.limit], len(jobs))


def _wait_for(views: list[Any]) -> None:
    try:
        for view in views:
            view.wait()
    except KeyboardInterrupt:
        print("labnb: no longer waiting; the jobs go on.")
