"""Bring a job to its target: its work tree, its objects, its request, and the order to the executor.

The same call goes on where another one was ended half-way: what is there is not sent again, and the executor starts a
token once. Whoever does it holds `job/sending`; a second one leaves it alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from labnb.model.errors import ExecutorError, HostUnreachable, JobError, LabError, NotFound
from labnb.model.job import Job, JobState
from labnb.model.launch import ANY_PYTHON, launch
from labnb.model.resources import Resources
from labnb.model.run import Note, parse_time
from labnb.model.target import Target
from labnb.ports.executor import Executor, Order
from labnb.ports.host import Host
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobIndex, held, read_json
from labnb.runfolder.job_paths import JobPaths
from labnb.usecases.bring_job import BringJob
from labnb.usecases.check_python import CheckPython
from labnb.usecases.place import Place, placed
from labnb.usecases.runner_program import RunnerProgram
from labnb.usecases.submit_job import GRACE, write_private
from labnb.usecases.work_tree import COPIED, WorkTree

#: Seconds for which a host that does not answer is tried again: one that nothing was brought to yet, and one that
#: stopped answering in the middle of a submission, which may have been heard.
FIRST_PATIENCE, PATIENCE = 10.0, 900.0
#: So many members of an array run at once as processes of another machine; here, as many as there are processors.
FAR_AT_ONCE = 4
#: Bytes that must stay free on this machine's disk beyond what is copied for a job.
SPARE_HERE = 10_000_000
# A fixed script: the folders stand in its words.
_HAND_ON = '[ -d "$1" ] && [ ! -e "$2" ] && rm -rf "$2.part" && cp -a "$1" "$2.part" && mv -T "$2.part" "$2"'
#: Seconds for which a check that passed is not made again for the same resources.
CHECKED = 60.0


@dataclass(frozen=True)
class Reach:
    """How targets are reached: their host, their executor, and the runner that travels."""

    host: Callable[[str], Host]
    executor: Callable[[str], Executor]
    runner: Callable[[], RunnerProgram]
    python: str


@dataclass(frozen=True)
class SendJob:
    """The use case; `ended` writes the end of a job that is not to be started after all (job, state, cause)."""

    index: JobIndex
    tree: WorkTree
    reach: Reach
    ended: Callable[[JobFolder, JobState, str], Job]
    passed: dict[object, float] = field(default_factory=dict)
    pythons: CheckPython = field(default_factory=CheckPython)

    def check(self, target: Target, resources: Resources) -> tuple[Note, ...]:
        """Ask host and executor whether such a job can be. Raises what they raise, and JobError naming what cannot."""
        key = (target.host, target.executor, resources)
        if time.monotonic() - self.passed.get(key, -CHECKED) < CHECKED:
            return ()
        notes = self.reach.executor(target.executor).check(self.reach.host(target.host), resources)
        if not notes:
            self.passed[key] = time.monotonic()
        if notes:
            text = " ".join(note.message for note in notes)
            raise JobError(f"{target.name} does not take this job. {text}", notes[0].hint)
        return notes

    def send(self, folder: JobFolder) -> Job:
        """Bring a job to its target, and give it as it stands then. Raises OSError, StoreCorrupt; else the job tells.

        A job whose target refuses it has FAILED; one whose host does not answer stays PENDING for a while.
        """
        with held(folder.paths.sending, wait=False) as mine:
            job = folder.read()
            if not mine or job.state.ended or job.handle:
                return job
            who = folder.cancelled_by()
            if who and not job.folder:  # nothing of it has left this machine
                return self.ended(folder, JobState.CANCELLED, f"cancelled by {who} before it was sent")
            try:
                with held(self.index.group_lock(job.group)) if job.group else contextlib.nullcontext():
                    waiting = self._waits_for(job)
                    if waiting:
                        return folder.update(lambda job: dataclasses.replace(job, cause=waiting))
                    return self._send(folder, job)
            except HostUnreachable as error:
                age = time.time() - parse_time(job.submitted or "").timestamp()
                if age > (PATIENCE if folder.read().folder else FIRST_PATIENCE):
                    return self.ended(folder, JobState.FAILED, f"it was not submitted: {error}")
                cause = f"is being submitted: {error.message}"
                return folder.update(lambda job: dataclasses.replace(job, cause=cause))
            except _DependencyFailed as error:
                return self.ended(folder, JobState.CANCELLED, str(error))
            except LabError as error:
                return self.ended(folder, JobState.FAILED, f"it was not submitted: {error}")
            except OSError as error:
                why = error.strerror or str(error)
                return self.ended(folder, JobState.FAILED, f"it was not submitted: {error.filename or ''} {why}")

    def _send(self, folder: JobFolder, job: Job) -> Job:
        target = target_of(folder)
        host, executor = self.reach.host(target.host), self.reach.executor(target.executor)
        interpreter = self.reach.python if host.local else ANY_PYTHON
        if not job.folder:
            if not host.local:
                self.check(target, resources_of(job))
            if target.python or not host.local:
                self._tell(folder, self.pythons.check(target, host, folder.request(), interpreter))
        if host.local:
            place = self._lay_out(folder)
        else:
            place = BringJob(self.index, self.tree, host).bring(folder, target, self.reach.runner(), self._tell)
        if job.retry_of:
            self._hand_on(host, job.retry_of, place)
        command = launch(
            target,
            place.runner,
            place.folder,
            interpreter=interpreter,
            environments=place.environments,
            lock=place.lock,
            digest=place.lock_digest,
            version=folder.request().python,
            binds=(place.store, *place.seen),
        )
        order = Order(
            name=job.name,
            token=job.token,
            folder=place.folder,
            command=command.command,
            log=f"{place.folder}/job/{folder.paths.output.name}",
            resources=resources_of(job),
            setup=command.setup,
            after=self._handles(job),
            grace=GRACE,
            again=bool(job.folder),
        )
        # From now on the target may know of it: whoever goes on asks there.
        folder.update(lambda job: dataclasses.replace(job, folder=place.folder))
        handle = executor.submit(host, order)
        return folder.update(lambda job: dataclasses.replace(job, handle=handle, cause=""))

    def _hand_on(self, host: Host, old: str, place: Place) -> None:
        """Give the checkpoint of a job that did not end well to the one that repeats it."""
        with contextlib.suppress(NotFound):
            before = self.index.folder(old).read()
            if before.folder and before.state is not JobState.COMPLETED:
                source, target = (JobPaths(Path(folder)).checkpoint for folder in (before.folder, place.folder))
                host.run(["sh", "-c", _HAND_ON, "sh", str(source), str(target)], timeout=600)

    def _lay_out(self, folder: JobFolder) -> Place:
        """Make the work tree of a job on this machine, in its own folder."""
        paths, lab = folder.paths, self.index.lab
        run, _ = RunFolder(lab.run(folder.uid)).stored()
        snapshot = run.code.get("snapshot")
        inner = self.tree.inside(snapshot)
        if not paths.work.exists():
            aside = paths.home / ".work"
            try:
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(aside)
                self.tree.export(snapshot, aside)
                needed, notes = self.tree.needed(aside / inner, json.loads(paths.needs.read_text()))
                self._find_room(aside, sum(one.size for one in needed if one.size <= COPIED))
                notes += self.tree.fill(aside / inner, needed)
                aside.replace(paths.work)
            except BaseException:
                shutil.rmtree(aside, ignore_errors=True)  # the end of the job wants room as well
                raise
            self._tell(folder, notes)
        request = placed(folder.request(), paths.work / inner, self.index.store.objects)
        write_private(paths.request, json.dumps(request.to_json()))
        program = self.reach.runner()
        runner = self.index.store.runner(program.digest)
        if not runner.exists():
            self.reach.host("").put({str(runner): program.data})
        return Place(
            folder=str(paths.folder),
            runner=str(runner),
            store=str(self.index.home),
            environments=str(Path("~/.labnb/environments")),
            lock=str(paths.run.lock),
            lock_digest=str(run.environment.get("lock", "")),
            seen=(str(lab.root), *sorted(_linked(paths.work))),
        )

    def _find_room(self, place: Path, size: int) -> None:
        free = shutil.disk_usage(place).free
        if size + SPARE_HERE > free:
            raise JobError(
                f"There is no room for the job on this machine: it needs {size:,} bytes, and {free:,} are free.",
                f"Make room on the disk of {self.index.lab.root}. labnb jobs clean says what can go.",
            )

    def _tell(self, folder: JobFolder, notes: list[Note]) -> None:
        """Write notes into the run's record."""
        if notes:
            with held(folder.paths.collecting):
                run_folder = RunFolder(self.index.lab.run(folder.uid))
                run, owner = run_folder.stored()
                run_folder.write(dataclasses.replace(run, notes=tuple(dict.fromkeys([*run.notes, *notes]))), owner)

    def _waits_for(self, job: Job) -> str:
        """Say which job of another place must end before this one is sent; "" where nothing must."""
        for uid in job.after:
            folder = self.index.folder(uid)
            other = folder.read()
            if other.state.ended:
                if other.state is not JobState.COMPLETED:
                    raise _DependencyFailed(f"the job {uid[:8]} that it waits for is {other.state.value}")
            elif not other.handle or not _same_place(target_of(folder), target_of(self.index.folder(job.id))):
                return f"waits for the job {uid[:8]}"
        return self._waits_for_room(job)

    def _waits_for_room(self, job: Job) -> str:
        """Say whether a member of an array must wait: processes have no queue, and would all run at once."""
        target = target_of(self.index.folder(job.id))
        group = self.index.group(job.group) if job.group and target.executor == "process" else None
        if group is None:
            return ""
        at_once = max((os.cpu_count() or 2) // (job.resources.get("cpus") or 1), 1) if not target.host else FAR_AT_ONCE
        others = (self.index.folder(uid).read() for uid in group.jobs if uid != job.id)
        running = sum(1 for other in others if other.handle and not other.state.ended)
        return "waits for other members of its array to end" if running >= at_once else ""

    def _handles(self, job: Job) -> tuple[str, ...]:
        others = [self.index.folder(uid).read() for uid in job.after]
        return tuple(other.handle for other in others if not other.state.ended)


def _linked(tree: Path) -> set[str]:
    """Give the folders that links of a tree lead to: a cache of DVC may lie anywhere."""
    found: set[str] = set()
    for folder, _, names in os.walk(tree):
        found.update(os.path.dirname(os.readlink(path)) for name in names if (path := Path(folder, name)).is_symlink())
    return {place for place in found if os.path.isabs(place)}


class _DependencyFailed(JobError):
    """A job that another one waits for did not end well."""


def resources_of(job: Job) -> Resources:
    """Give what the job asked for."""
    return Resources(**{**job.resources, "options": tuple(job.resources.get("options", ()))})


def target_of(folder: JobFolder) -> Target:
    """Read the target as it was at submission; raises ExecutorError where it is gone."""
    data = read_json(folder.paths.target)
    if data is None:
        raise ExecutorError(f"{folder.paths.target} is gone: nobody knows where the job {folder.uid[:8]} runs.")
    resources = data.pop("resources", {})
    resources["options"] = tuple(resources.get("options", ()))
    return Target(**{**data, "setup": tuple(data.get("setup", ())), "resources": Resources(**resources)})


def _same_place(one: Target, other: Target) -> bool:
    return (one.host, one.executor) == (other.host, other.executor)
