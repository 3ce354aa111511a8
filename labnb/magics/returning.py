"""Jobs of this session come back: their cards live on, and the names of `--out` are bound at the next prompt."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labnb.model.job import Job, JobState
from labnb.model.wording import duration_text
from labnb.runfolder.name_watch import NameWatch
from labnb.runfolder.paths import state_key

if TYPE_CHECKING:
    from labnb.lab import Lab
    from labnb.runfolder.job_index import JobFolder

# Seconds between two looks at a job that runs, for its card; and for one that waits.
LIVE, QUIET = 2.0, 15.0
# Seconds between two drawings of one card at least: the members of an array change all the time.
GAP = 0.2


@dataclass
class Awaited:
    """Jobs that one cell submitted: an array, or a single one. `bound` are what the names of `out` were then.

    `drawn` names the state that its card shows, since `at` (monotonic seconds); the next look is `due`.
    """

    folders: Sequence[JobFolder]
    out: tuple[str, ...]
    group: str | None
    display_id: str
    bound: dict[str, int] = field(default_factory=dict)
    quiet: bool = False
    delivered: bool = False
    shown: bool = False
    drawn: tuple[str, ...] = ()
    at: float = 0.0
    due: float = 0.0

    def state(self) -> tuple[str, ...]:
        """Name the state of its jobs: another one means that some job.json was written again."""
        return tuple(state_key(folder.paths.job) for folder in self.folders)


class Returning:
    """Follows the jobs that this session submitted. Binds nothing while a cell runs."""

    def __init__(self, shell: Any, session: Any) -> None:
        self._shell = shell
        self._session = session
        self._awaited: list[Awaited] = []
        self._thread: threading.Thread | None = None
        self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        self._lab: Lab | None = None
        self._pid = os.getpid()

    def add(self, lab: Lab, awaited: Awaited) -> None:
        """Show the card of these jobs, and follow them from now on."""
        self._lab = lab
        if not awaited.quiet:
            self.publish(awaited, update=False)
        self._awaited.append(awaited)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._follow, name="labnb-jobs", daemon=True)
            self._thread.start()
        else:
            with contextlib.suppress(OSError):
                os.write(self._wake[1], b".")

    def deliver(self) -> None:
        """A cell is about to run: bind what has come back, with one line of notice for each job."""
        if os.getpid() != self._pid:
            return
        for awaited in [one for one in self._awaited if not one.delivered]:
            if all(over(folder) for folder in awaited.folders):
                awaited.delivered = True
                for line in self._bind(awaited):
                    print(line)
        self._awaited = [one for one in self._awaited if not (one.delivered and one.shown)]

    def _bind(self, awaited: Awaited) -> list[str]:
        from labnb.api_jobs import settle
        from labnb.capture.files import aside

        with aside():
            jobs = [settle(folder) for folder in awaited.folders]
            if awaited.group is not None:
                return self._bind_array(awaited, jobs)
            return self._bind_one(awaited, jobs[0])

    def _bind_one(self, awaited: Awaited, job: Job) -> list[str]:
        took = ended_text(job)
        values, lines = self._values(awaited, awaited.folders[0])
        call = f"labnb.job({job.id[:8]!r}).result({{!r}})"
        replaced = self._set(awaited, values, call)
        if job.state is not JobState.COMPLETED:
            lines.insert(0, f"labnb: the job {job.name} ({job.id[:8]}) is {job.state.value}{took}: {job.cause}")
        if values:
            again = f" ({', '.join(replaced)} had been changed here meanwhile)" if replaced else ""
            names = ", ".join(values)
            lines.insert(0, f"labnb: {names} came back from the job {job.name} ({job.id[:8]}){took}{again}.")
        elif job.state is JobState.COMPLETED and not lines:
            lines.append(f"labnb: the job {job.name} ({job.id[:8]}) has ended well{took}.")
        return lines

    def _bind_array(self, awaited: Awaited, jobs: list[Job]) -> list[str]:
        from labnb.model.job_table import tally

        values: dict[str, list[Any]] = {name: [] for name in awaited.out}
        lines: list[str] = []
        for folder, job in zip(awaited.folders, jobs, strict=True):
            own, told = self._values(awaited, folder) if job.state is JobState.COMPLETED else ({}, [])
            lines += told
            for name in awaited.out:
                values[name].append(own.get(name))
        some = any(job.state is JobState.COMPLETED for job in jobs)
        self._set(awaited, dict(values) if some else {}, f"labnb.job({awaited.group!r}).result({{!r}})")
        names = f"{', '.join(values)} (lists, one item per job) came back from " if values and some else ""
        end = (
            ""
            if all(job.state is JobState.COMPLETED for job in jobs)
            else (f" labnb.job({awaited.group!r}) shows them, .retry() repeats those that failed.")
        )
        return [f"labnb: {names}the jobs of {awaited.group}: {tally(jobs)}.{end}", *lines]

    def _values(self, awaited: Awaited, folder: JobFolder) -> tuple[dict[str, Any], list[str]]:
        from labnb.model.errors import LabError
        from labnb.usecases.values import load_value, returned

        found, lines = {}, []
        here = returned(folder.paths)
        for name in awaited.out:
            if name not in here:
                continue
            try:
                found[name] = load_value(folder.paths, name)
            except LabError as error:
                lines.append(f"labnb: {error}")
        return found, lines

    def _set(self, awaited: Awaited, values: dict[str, Any], call: str) -> list[str]:
        names = self._shell.user_ns
        replaced = [name for name in values if name in names and awaited.bound.get(name) != id(names[name])]
        for name, value in values.items():
            self._session.bind(name, value, f"import labnb\n{name} = {call.format(name)}\n")
        return replaced

    def _follow(self) -> None:
        from labnb.capture.files import aside

        with aside(), NameWatch() as watch:
            while open_ones := [one for one in self._awaited if not one.shown]:
                watch.follow([folder.paths.home for one in open_ones for folder in one.folders])
                pause = QUIET
                for one in open_ones:
                    with contextlib.suppress(Exception):  # a card that cannot be drawn is no reason to stop
                        pause = min(pause, self._show(one))
                watch.wait(pause, {"job.json", "end.json"}, (self._wake[0],))
                with contextlib.suppress(OSError):
                    os.read(self._wake[0], 4096)

    def _show(self, one: Awaited) -> float:
        """Draw a card anew where its jobs changed or it is due; give the seconds after which to look again."""
        now, state = time.monotonic(), one.state()
        next_look = one.due if state == one.drawn else one.at + GAP
        if now < next_look:
            return next_look - now
        jobs = [folder.read() for folder in one.folders]
        if self._lab is not None and not all(job.collected for job in jobs):
            self._lab.jobs.index.follower.see_to_it()
        if not one.quiet and hasattr(self._shell, "kernel"):
            self.publish(one, update=True)
        if all(job.collected for job in jobs):
            one.shown = True
        pause = LIVE if any(job.state is JobState.RUNNING for job in jobs) else QUIET
        one.drawn, one.at, one.due = state, now, now + pause
        return pause

    def publish(self, one: Awaited, *, update: bool) -> None:
        """Show the card of a job, or the table of an array."""
        from labnb.api_jobs import JobGroupView, last_line, run_of
        from labnb.model.card import card

        assert self._lab is not None
        if not update:
            one.drawn, one.at, one.due = one.state(), time.monotonic(), time.monotonic() + LIVE
        if one.group is None:
            data = card(run_of(one.folders[0]), time.time(), None, last_line(one.folders[0]))
        else:
            group = self._lab.jobs.index.group(one.group)
            if group is None:
                return
            view = JobGroupView(self._lab, group)
            data = {"text/plain": repr(view), "text/html": view._repr_html_()}
        self._shell.display_pub.publish(data=data, metadata={}, transient={"display_id": one.display_id}, update=update)


def over(folder: JobFolder) -> bool:
    """Whether a job has ended: by its own word, or by that of who follows it."""
    return folder.paths.end.exists() or folder.read().state.ended


def ended_text(job: Job) -> str:
    """Say how long a job ran: " after 12.1 s"."""
    from labnb.model.run import parse_time

    if not job.started or not job.ended:
        return ""
    return f" after {duration_text(max((parse_time(job.ended) - parse_time(job.started)).total_seconds(), 0))}"
