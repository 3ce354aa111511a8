"""Take away what jobs left behind and no job needs any more: here, and in the folders of their targets.

A job needs what it has until it is collected, and for `older` seconds after its end. What stays for good: the record
of every run, the values that came back, and the files that cells wrote (unless they are given up as well).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labnb.model.errors import LabError
from labnb.model.job import Job
from labnb.model.run import Note, parse_time
from labnb.ports.host import Host
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobIndex, read_json
from labnb.usecases.clean_place import Left, Place
from labnb.usecases.collect_job import moment
from labnb.usecases.runner_program import RunnerProgram
from labnb.usecases.send_job import target_of

#: Seconds that shared files must lie unused, whatever is asked for: a job may be on its way that names them.
REST = 3600.0
#: The same for environments: jobs of other projects may live in them for that long.
REST_OF_ENVIRONMENTS = 30 * 86400.0
#: The kinds of what is found, in the order and the words in which they are told.
KINDS = {
    "work": "work trees",
    "folder": "folders of jobs",
    "objects": "objects",
    "data": "data",
    "trees": "code",
    "wheels": "wheels",
    "runners": "runners",
    "environments": "environments",
}


@dataclass(frozen=True, slots=True)
class Waste:
    """Something that can go; `outputs` are the paths in a work tree that stay."""

    place: Place
    left: Left
    outputs: tuple[str, ...] = ()

    def of_a_job(self) -> bool:
        """Whether it is one job's own; everything else is shared."""
        return self.left.kind in ("work", "folder")

    def take(self) -> bool:
        """Take away what is a job's own; False where it stays."""
        if self.left.kind == "folder":
            return self.place.remove_folder(self.left.path)
        return self.place.strip(self.left.path, self.outputs)


@dataclass
class _InUse:
    """What jobs that are kept use, wherever they are: two names of a host may lead to the same folder.

    `ids` and `folders` are those jobs, `known` the folders of all jobs, `names` the objects and environments that they
    name. `open` says that one is not collected yet, `blind` that one cannot be read: nobody knows what it uses.
    """

    ids: set[str] = field(default_factory=set)
    folders: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    open: bool = False
    blind: bool = False


@dataclass(frozen=True)
class CleanJobs:
    """The use case; `inside` says where in the work tree of a code version the project lies."""

    index: JobIndex
    host: Callable[[str], Host]
    runner: Callable[[], RunnerProgram]
    inside: Callable[[str | None], str]

    def look(self, older: float, outputs: bool = False) -> tuple[list[Waste], list[Note]]:
        """Say what can go (with `outputs` also what cells wrote), and which places could not be looked at."""
        found: list[Waste] = []
        notes: list[Note] = []
        used = _InUse()
        for place in self._places(older, outputs, notes, used):
            try:
                listed = place.list(used.folders)
            except LabError as error:
                notes.append(Note(error.code, f"{place.name} was not looked at: {error.message}", error.hint))
                continue
            found += self._waste(place, used, listed, older)
        return found, notes

    def remove(self, waste: Iterable[Waste], older: float) -> tuple[list[Waste], list[Note]]:
        """Take it away; give what is gone. What was used since it was looked at stays."""
        gone: list[Waste] = []
        notes: list[Note] = []
        places: dict[int, list[Waste]] = {}
        for one in waste:
            places.setdefault(id(one.place), []).append(one)
        for items in places.values():
            place = items[0].place
            try:
                gone.extend(one for one in items if one.of_a_job() and one.take())  # those before a failure are told
                shared = {one.left.path: one for one in items if not one.of_a_job()}
                for rest in {_rest(one.left.kind, older) for one in shared.values()}:
                    paths = [path for path, one in shared.items() if _rest(one.left.kind, older) == rest]
                    gone += [shared[path] for path in place.remove(paths, rest)]
            except LabError as error:
                notes.append(Note(error.code, error.message, error.hint))
        return gone, notes

    def _places(self, older: float, outputs: bool, notes: list[Note], used: _InUse) -> list[Place]:
        """Sort the jobs by their places, and note what those that are kept use."""
        environments = str(Path("~/.labnb/environments").expanduser())
        here = Place("this machine", self.host(""), str(self.index.home), environments)
        places = {("", ""): here}
        announced = set(self.index.announced())
        for uid in self.index.uids():
            folder = JobFolder(self.index.lab.run(uid).folder)
            try:
                job, target = folder.read(), target_of(folder)
                host = self.host(target.host)
            except LabError as error:
                used.blind = True
                used.ids.add(uid)
                notes.append(Note(error.code, f"The job {uid[:8]} cannot be read: {error.message}", error.hint))
                continue
            place = here
            if not host.local and job.folder:
                store = PurePosixPath(job.folder).parent
                found = Place(target.host, host, str(store), str(store.parent / "environments"))
                place = places.setdefault((target.host, str(store)), found)
            lies = job.folder or str(folder.paths.folder)
            used.known.add(lies)
            if not job.collected or uid in announced or _age(job) < older:
                self._use(folder, job, lies, used)
            elif place is not here and (outputs or self._has_all(folder)):
                place.folders.append(lies)
            elif place is not here or (host.local and folder.paths.work.is_dir()):
                place.work[lies] = time.time() + 86400 if outputs else _began(folder, job)
                place.outputs[lies] = () if outputs else self._outputs(folder)
        return list(places.values())

    def _use(self, folder: JobFolder, job: Job, lies: str, used: _InUse) -> None:
        used.ids.add(folder.uid)
        used.folders.append(lies)
        used.open |= not job.collected
        try:
            request = folder.request()
            run, _ = RunFolder(self.index.lab.run(folder.uid)).stored()
        except (LabError, OSError):
            used.blind = True
            return
        lock = str(run.environment.get("lock", "")).rpartition(":")[2][:32]
        used.names.update((*request.objects, request.state, lock, f"{lock}-{request.python}"))

    def _waste(self, place: Place, used: _InUse, listed: list[Left], older: float) -> list[Waste]:
        now = time.time()
        linked = {left.path for left in listed if left.kind == "link"}
        own = self.index.store.runner(self.runner().digest).name
        found = []
        for left in listed:
            name = PurePosixPath(left.path).name
            if left.kind in ("work", "folder"):
                found.append(Waste(place, left, place.outputs.get(left.path, ())))
            elif left.kind == "sign":  # of a run that was removed here
                path = str(PurePosixPath(left.path).parent)
                lost = path not in used.known and PurePosixPath(path).name not in used.ids
                if lost and now - left.used > _rest("folder", older):
                    found.append(Waste(place, Left("folder", 0, left.used, path)))
            elif left.kind in KINDS and not used.blind and now - left.used > _rest(left.kind, older):
                runs = left.kind == "runners" and (used.open or name == own)
                if not (runs or name in used.names or left.path in linked):
                    found.append(Waste(place, left))
        return found

    def _has_all(self, folder: JobFolder) -> bool:
        """Whether all that a job of another machine made is here: its values, and that its cell wrote no files."""
        told = read_json(folder.paths.files)
        if folder.paths.claim.exists() and (told is None or told.get("outputs")):
            return False
        values = (read_json(folder.paths.values) or {}).values()
        return all(folder.paths.value(str(one["object"])).is_file() for one in values if one.get("object"))

    def _outputs(self, folder: JobFolder) -> tuple[str, ...]:
        told = read_json(folder.paths.files) or {}
        run, _ = RunFolder(self.index.lab.run(folder.uid)).stored()
        inner = self.inside(run.code.get("snapshot"))
        names = [str(use["path"]) for use in told.get("outputs") or () if isinstance(use, dict) and "path" in use]
        return tuple(f"{inner}/{name}" if inner else name for name in names)


def _rest(kind: str, older: float) -> float:
    return max(older, REST_OF_ENVIRONMENTS if kind == "environments" else REST)


def _age(job: Job) -> float:
    when = job.ended or job.submitted
    return time.time() - parse_time(when).timestamp() if when else 0.0


def _began(folder: JobFolder, job: Job) -> float:
    """Say when the cell began, by the clock of its target; nothing was written by one that never did."""
    end = folder.end() or folder.stopped() or {}
    told = moment(end.get("started")) or moment(folder.state().get("started")) or moment(job.started)
    return told or time.time() + 86400
