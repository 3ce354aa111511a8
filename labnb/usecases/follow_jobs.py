"""Follow the jobs of one place (a host and an executor on it): send what waits, see what became of the rest.

The executor is asked one question for all jobs at a time, and the longer nothing changes, the more seldom.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from labnb.model.cause import Seen, cause_of
from labnb.model.errors import LabError
from labnb.model.job import Job, JobState
from labnb.model.resources import Resources
from labnb.model.run import time_text
from labnb.ports.executor import Executor, Sight
from labnb.ports.host import Host
from labnb.runfolder.job_index import JobFolder
from labnb.usecases.collect_job import CollectJob, moment
from labnb.usecases.follow_memory import Memory, Patience
from labnb.usecases.forgotten_job import AGAIN, forget, may_begin_again, starts_of
from labnb.usecases.mirror_job import MirrorJobs
from labnb.usecases.send_job import SendJob, resources_of

#: Seconds between two questions to an executor: the first, and the longest while nothing changes.
FIRST_LOOK, LONGEST_LOOK = 2.0, 30.0
#: The longest where the question is a look at processes of this machine, and bothers nobody.
PROCESS_LOOK = 3.0
#: Seconds of one turn that may be spent on bringing jobs to their targets.
SENDS = 1.0
#: Seconds between two looks at a shared folder whose changes by other machines are not told.
GLANCE = 1.0
#: Seconds between two looks at what the jobs of a far host write: while it changes, and the longest while it does not.
#: The end of a job is waited for beside that.
FRESH_LOOK, CALM_LOOK = 1.0, 10.0
#: Seconds that an end which the executor tells may precede the end that the job writes itself: on a disk of this
#: machine, and through a network.
LATE_HERE, LATE = 0.3, 5.0
#: A job that its executor does not know is given up after so many looks in a row, over so many seconds at least...
LOOKS, UNKNOWN = 3, 15.0
#: ...and not while it gives signs of life younger than this.
ALIVE = 90.0
#: How the cause of a job begins that could not be brought to its host yet, and of one whose host is silent.
SENDING, SILENT = "is being submitted", "its host does not answer at present"


@dataclass
class FollowPlace:
    """Follows the jobs of one place; `say` takes lines for a log."""

    host: Host
    executor: Executor
    send: SendJob
    collect: CollectJob
    say: Callable[[str], None]
    mirror: MirrorJobs | None = None
    late: float = LATE
    longest: float = LONGEST_LOOK
    #: Whether the executor starts jobs again whose node was lost.
    requeues: bool = False
    interval: float = FIRST_LOOK
    due: float | None = None
    asking: Patience = field(default_factory=Patience)
    sending: Patience = field(default_factory=Patience)
    mirroring: Patience = field(default_factory=Patience)
    again: float = 0.0
    hurry: bool = True
    calm: float = FRESH_LOOK
    bring_due: float = 0.0
    known: dict[str, Memory] = field(default_factory=dict)

    def turn(self, folders: Iterable[JobFolder]) -> float:
        """Do what there is to do now; give the seconds after which it should be called again."""
        now = time.monotonic()
        jobs: dict[str, tuple[JobFolder, Job]] = {}
        for folder in folders:
            with self._guard(folder.uid):
                job = folder.read()
                if time.monotonic() < now + SENDS:  # the rest is sent at the next turn: those that run are followed
                    job = self._send(folder, job)
                elif not job.handle:
                    self.again = 0.01
                if not job.state.ended:
                    jobs[folder.uid] = folder, job
                else:
                    self.collect.collect(folder)
        self.known = {uid: memory for uid, memory in self.known.items() if uid in jobs}
        fresh = any(uid not in self.known for uid in jobs)
        for uid in jobs:
            self.known.setdefault(uid, Memory())
        if fresh:
            self._soon(now)
        self._bring(jobs)
        self._cancel(jobs)
        for folder, job in jobs.values():
            with self._guard(folder.uid):
                self._glance(folder, job)
        left = {uid: pair for uid, pair in jobs.items() if not pair[1].state.ended and pair[1].handle}
        left = {uid: pair for uid, pair in left.items() if not pair[0].paths.end.exists()}
        if left and self.due is not None and time.monotonic() >= self.due:
            self._look(left)
        if not jobs:
            self.due = None
            return LONGEST_LOOK
        again, self.again = self.again or GLANCE, 0.0
        left_until = max(self.due - time.monotonic(), 0.05) if left and self.due is not None else GLANCE
        return min(GLANCE, again, left_until)

    def _send(self, folder: JobFolder, job: Job) -> Job:
        if job.handle or job.state.ended or not (self.sending.ready or folder.paths.cancel.exists()):
            return job
        job = self.send.send(folder)
        if job.handle:
            self.sending.worked()
        elif job.cause.startswith(SENDING):
            self.sending.failed()
        return job

    def _bring(self, jobs: dict[str, tuple[JobFolder, Job]]) -> None:
        """Mirror what is far away. Where that fails, the jobs say so until it works again."""
        if self.mirror is None or not self.mirroring.ready:
            return
        if not self.hurry and time.monotonic() < self.bring_due:
            return
        self.hurry = False
        try:
            changed = self.mirror.bring((folder, job.folder) for folder, job in jobs.values())
            self.calm = FRESH_LOOK if changed else min(self.calm * 1.5, CALM_LOOK)
            self.bring_due = time.monotonic() + self.calm
        except (LabError, OSError) as error:
            self.say(f"{error}")
            self.mirroring.failed()
            if self.mirroring.failures == 2:
                self._tell(jobs, f"{SILENT}: {error}")
        else:
            if self.mirroring.failures >= 2:
                self._tell(jobs, "")
            self.mirroring.worked()

    def _tell(self, jobs: dict[str, tuple[JobFolder, Job]], cause: str) -> None:
        for folder, job in jobs.values():
            if job.handle and (cause or job.cause.startswith(SILENT)):
                folder.update(lambda job: job if job.state.ended else dataclasses.replace(job, cause=cause))

    def _cancel(self, jobs: dict[str, tuple[JobFolder, Job]]) -> None:
        """End those that are to be ended: all in one call, once; where it fails, again at the next turn."""
        asked = {
            uid: (folder, job)
            for uid, (folder, job) in jobs.items()
            if job.folder and not self.known[uid].cancelled and folder.paths.cancel.exists()
        }
        if asked:
            with self._guard("cancel"):
                self.executor.cancel(self.host, {job.token: job.handle for _, job in asked.values()})
                for uid in asked:
                    self.known[uid].cancelled = True
                self._soon(time.monotonic())

    def _glance(self, folder: JobFolder, job: Job) -> None:
        """Read what the job itself wrote: that it runs, and how it ended."""
        memory = self.known[folder.uid]
        end = folder.end()
        if end is not None:
            self._end(folder, job, memory.sight, end)
        elif job.state is JobState.PENDING and folder.paths.claim.exists() and starts_of(folder) > memory.starts:
            if folder.paths.state.exists():
                self._runs(folder, memory, memory.sight)
            else:
                self.again = 0.05  # what it says of its place comes in a moment
        elif memory.over_since and memory.sight is not None:
            self._over(folder, job, memory, memory.sight)

    def _look(self, jobs: dict[str, tuple[JobFolder, Job]]) -> None:
        """Ask the executor about all of them, in one question."""
        try:
            sights = self.executor.look(self.host, {job.token: job.handle for _, job in jobs.values()})
        except LabError as error:
            self.asking.failed()
            self.due = max(self.asking.due, time.monotonic() + FIRST_LOOK)
            self.say(f"{error}")
            return
        self.asking.worked()
        now, self.due = time.monotonic(), time.monotonic() + self.longest
        changed = False
        for uid, (folder, job) in jobs.items():
            with self._guard(uid):
                changed |= self._see(folder, job, sights.get(job.token))
        self.interval = FIRST_LOOK if changed else min(self.interval * 1.5, self.longest)
        # Sooner where something was seen that wants another look.
        self.due = min(self.due or now, now + self.interval)

    def _see(self, folder: JobFolder, job: Job, sight: Sight | None) -> bool:
        """Make of one sight what it says; True where something changed."""
        memory = self.known[folder.uid]
        before, memory.sight = memory.sight, sight or memory.sight
        if sight is None:
            return self._unknown(folder, job, memory)
        memory.unknown = 0
        if sight.state.ended:
            memory.over_since = memory.over_since or time.monotonic()
            self._over(folder, job, memory, sight)
            return True
        memory.over_since = 0.0
        if sight.state is JobState.RUNNING:
            if job.state is not JobState.RUNNING:
                self._runs(folder, memory, sight)
        else:
            _, cause = cause_of(Seen(sight.state, sight.reason), Resources())
            if job.state is JobState.RUNNING:
                memory.starts = starts_of(folder)
            folder.update(lambda job: _waits(job, cause))
        return before is None or (before.state, before.reason) != (sight.state, sight.reason)

    def _over(self, folder: JobFolder, job: Job, memory: Memory, sight: Sight) -> None:
        """End a job whose executor says that it is over; its own word is better, and may be on its way here."""
        left = memory.over_since + self.late - time.monotonic()
        if left <= 0 or folder.paths.stopped.exists():
            self._end(folder, job, sight, folder.end() or folder.stopped())
        else:
            self.again = max(left, 0.02)

    def _unknown(self, folder: JobFolder, job: Job, memory: Memory) -> bool:
        memory.unknown += 1
        now = time.monotonic()
        if memory.unknown == 1:
            memory.unknown_since = now
        if memory.unknown < LOOKS or now - memory.unknown_since < UNKNOWN:
            self._soon(now, UNKNOWN / LOOKS)
            return False
        if folder.alive(ALIVE):
            return False
        if memory.again < AGAIN and may_begin_again(folder, job, self.requeues):
            # The claim sees to it that the cell runs once at a time even if both come.
            memory.again, memory.unknown, memory.starts = memory.again + 1, 0, starts_of(folder)
            self.say(f"{folder.uid}: {job.handle} is not known any more, begun {memory.starts} times; submitted again")
            forget(self.host, folder, job)
            self.send.send(folder)
            return True
        self._end(folder, job, None, folder.end() or folder.stopped())
        return True

    def _runs(self, folder: JobFolder, memory: Memory, sight: Sight | None) -> None:
        state = folder.state()
        started = moment(state.get("started")) or (sight.started if sight else None) or time.time()
        node = str(state.get("node") or (sight.node if sight else ""))

        def change(job: Job) -> Job:
            if job.state.ended:
                return job
            return dataclasses.replace(
                job, state=JobState.RUNNING, cause="", started=time_text(started), node=node, starts=max(job.starts, 1)
            )

        job = folder.update(change)
        if not memory.announced and not job.state.ended:
            memory.announced = True
            self.collect.begin(folder, job)

    def _end(self, folder: JobFolder, job: Job, sight: Sight | None, end: dict[str, object] | None) -> None:
        seen = Seen(
            state=sight.state if sight is not None else None,
            reason=sight.reason if sight is not None else "",
            exit_code=sight.exit_code if sight is not None else None,
            node=sight.node if sight is not None else job.node,
            used={**job.used, **(sight.used if sight is not None else {})},
            end=end,
            cancelled_by=folder.cancelled_by(),
            said=folder.said(),
        )
        state, cause = cause_of(seen, resources_of(job))
        self.collect.end(folder, state, cause, sight)
        self.collect.collect(folder)

    def _soon(self, now: float, seconds: float | None = None) -> None:
        """Ask the executor again in so many seconds, or sooner where that was to be anyway."""
        self.interval = FIRST_LOOK
        when = now + (FIRST_LOOK if seconds is None else seconds)
        self.due = when if self.due is None else min(self.due, when)

    @contextlib.contextmanager
    def _guard(self, what: str):  # type: ignore[no-untyped-def]
        """One job that cannot be handled holds up no other."""
        try:
            yield
        except (LabError, OSError) as error:
            self.say(f"{what}: {type(error).__name__}: {error}")


def _waits(job: Job, cause: str) -> Job:
    """A job that waits; also one that ran and was put back into the queue."""
    if job.state.ended:
        return job
    return dataclasses.replace(job, state=JobState.PENDING, cause=cause, started=None)
