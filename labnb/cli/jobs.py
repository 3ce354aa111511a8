"""`labnb jobs | logs | cancel | retry | collect`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from typing import Any

from labnb.lab import Lab, open_lab, user_name
from labnb.model.job import Job, JobState
from labnb.model.run import SCHEMA
from labnb.runfolder.job_index import JobFolder

LIMIT = 20
EMPTY = "There are no jobs. Write %%labrun --on TARGET above a cell to submit one."
#: What is between labnb and the executor alone.
_INTERNAL = ("token", "folder")
# Seconds between two looks where changes are not told.
_LOOK = 1.0


def add_to(commands: Any) -> None:
    """Add the commands to the command line."""
    from labnb.cli.clean import add_options

    jobs = commands.add_parser("jobs", help="list the jobs of the project, or clean up after them")
    add_options(jobs)
    jobs.add_argument("-o", "--open", action="store_true", help="only those that wait or run")
    jobs.add_argument("-n", "--limit", type=int, default=LIMIT, help=f"at most so many (default {LIMIT})")
    jobs.add_argument("--watch", action="store_true", help="show the table anew when something changes, until Ctrl-C")
    jobs.add_argument("--json", action="store_true", help="as JSON")
    jobs.set_defaults(call=_jobs)

    logs = commands.add_parser("logs", help="show what a job has printed")
    logs.add_argument("job", help="the job's id or the start of it")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    logs.set_defaults(call=_logs)

    cancel = commands.add_parser("cancel", help="end jobs, also before they have come to their target")
    cancel.add_argument("job", nargs="+", help="ids of jobs or arrays, or the start of them")
    cancel.set_defaults(call=_cancel)

    retry = commands.add_parser("retry", help="submit a job once more; of an array the members that failed")
    retry.add_argument("job", nargs="+", help="ids of jobs or arrays, or the start of them")
    retry.set_defaults(call=_retry)

    collect = commands.add_parser("collect", help="wait for jobs and bring their records and values here")
    collect.add_argument("job", nargs="*", help="ids of jobs or arrays; by default all that are not collected")
    collect.set_defaults(call=_collect)


def item_of(job: Job) -> dict[str, Any]:
    """Give the JSON of one job, as all faces speak it."""
    data = job.to_json()
    for name in _INTERNAL:
        data.pop(name)
    return data


def _jobs(given: argparse.Namespace) -> int:
    from labnb.cli.clean import clean, only_clean

    if given.word == "clean":
        return clean(given)
    only_clean(given)
    lab = open_lab(given.project)
    if given.watch:
        return _watch(lab, given)
    found = _listed(lab, given)
    if given.json:
        items = [item_of(job) for job in found[: given.limit]]
        print(json.dumps({"schema": SCHEMA, "items": items, "next": None}, ensure_ascii=False, indent=1))
    else:
        print(_table(found[: given.limit]))
    return 0


def _listed(lab: Lab, given: argparse.Namespace) -> list[Job]:
    index = lab.jobs.index
    found = [job for job in index.jobs() if not (given.open and job.state.ended)]
    return [
        JobFolder(lab.paths.run(job.id).folder).current() if job.state is JobState.RUNNING else job for job in found
    ]


def _table(jobs: list[Job]) -> str:
    from labnb.model.job_table import rows_of_jobs, text_of

    return text_of(rows_of_jobs(jobs, time.time()), EMPTY)


def _watch(lab: Lab, given: argparse.Namespace) -> int:
    from labnb.runfolder.name_watch import NameWatch

    index = lab.jobs.index
    index.make()
    shown = ""
    with NameWatch([index.active_folder]) as watch:
        while True:
            active = index.active()
            if active:
                index.follower.see_to_it()
            watch.follow([JobFolder(lab.paths.run(uid).folder).paths.home for uid in active])
            table = _table(_listed(lab, given)[: given.limit])
            if table != shown:
                # On a terminal the table stands in one place.
                print("\x1b[H\x1b[2J" if sys.stdout.isatty() else "", table, sep="", flush=True)
                shown = table
            watch.wait(2 * _LOOK, {"job.json", "state.json"})


def _logs(given: argparse.Namespace) -> int:
    from labnb.runfolder.name_watch import NameWatch

    lab = open_lab(given.project)
    folder = lab.jobs.index.folder(given.job)
    told = 0
    with NameWatch([folder.paths.folder]) as watch:
        watch.follow([folder.paths.home])
        while True:
            job = folder.read()
            told = _print_from(folder, told)
            if job.state.ended or not given.follow:
                break
            lab.jobs.index.follower.see_to_it()
            watch.wait(_LOOK, {"job.json", "end.json"})
    tail = folder.paths.run.log_tail
    if tail.exists():
        print(tail.read_text(encoding="utf-8", errors="replace"))
    if not told and folder.paths.output.exists():
        print(folder.paths.output.read_text(encoding="utf-8", errors="replace"), end="")
    if job.state.ended and job.state is not JobState.COMPLETED:
        print(f"labnb: the job is {job.state.value}: {job.cause}", file=sys.stderr)
        return 1
    return 0


def _print_from(folder: JobFolder, offset: int) -> int:
    try:
        with open(folder.paths.run.log, "rb") as log:
            log.seek(offset)
            data = log.read()
    except OSError:
        return offset
    sys.stdout.write(data.decode(errors="replace"))
    sys.stdout.flush()
    return offset + len(data)


def _folders(lab: Lab, words: Iterable[str]) -> list[JobFolder]:
    found = []
    for word in words:
        group = lab.jobs.index.group(word)
        found += [lab.jobs.index.folder(uid) for uid in (group.jobs if group else (word,))]
    return found


def _cancel(given: argparse.Namespace) -> int:
    from labnb.usecases.cancel_job import cancel_jobs

    lab = open_lab(given.project)
    asked, over = cancel_jobs(lab.jobs.index, _folders(lab, given.job), user_name())
    for job in asked:
        print(f"{job.id[:8]} is being cancelled")
    for job in over:
        print(f"{job.id[:8]} has ended already: {job.state.value}", file=sys.stderr)
    return 0 if asked else 1


def _retry(given: argparse.Namespace) -> int:
    from labnb.usecases.retry_job import failed_members, retry_job

    lab = open_lab(given.project)
    folders: list[JobFolder] = []
    for word in given.job:
        group = lab.jobs.index.group(word)
        folders += failed_members(lab.jobs.index, group) if group else [lab.jobs.index.folder(word)]
    if not folders:
        print("No member of the array has failed.", file=sys.stderr)
        return 1
    for folder in folders:
        print(f"{folder.uid[:8]} is submitted again as {retry_job(lab.jobs.index, folder).uid[:8]}")
    return 0


def _collect(given: argparse.Namespace) -> int:
    from labnb.runfolder.name_watch import NameWatch
    from labnb.usecases.fetch_outputs import fetch_again

    lab = open_lab(given.project)
    index = lab.jobs.index
    folders = _folders(lab, given.job or index.active())
    code = 0
    for folder in folders:
        if folder.read().collected:
            fetch_again(folder, lab.jobs.reach.host)
        else:
            index.make()
            index.announce(folder.uid)
        with NameWatch() as watch:
            watch.follow([folder.paths.home])
            while not (job := folder.read()).collected:
                index.follower.see_to_it()
                watch.wait(_LOOK, {"job.json"})
        print(f"{job.id[:8]} {job.name}: {job.state.value}{f': {job.cause}' if job.cause else ''}")
        code = code or int(job.state is not JobState.COMPLETED)
    return code
