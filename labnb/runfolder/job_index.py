"""The jobs of a project: found, listed, read and changed in their folders.

`.labnb/jobs/` holds what they share: objects, the runner, an empty file in `known/` per job, and in `active/` per job
that is not collected yet, a file per array in `groups/`, lock and log of the follower.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labnb.model.errors import NotFound, StoreCorrupt
from labnb.model.job import Job, JobState
from labnb.model.job_request import JobRequest
from labnb.model.run import time_text
from labnb.runfolder.attendant import Attendant
from labnb.runfolder.job_paths import JobPaths, JobStore
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths, write_atomic

FOLLOWER = "labnb.cli.follower"
# "0" keeps processes from starting followers: where one is kept alive elsewhere, as by `labnb jobs --watch`.
SWITCH = "LABNB_FOLLOWER"


class JobFolder:
    """The folder of one job: its run folder, with `job/` in it."""

    def __init__(self, folder: Path) -> None:
        self.paths = JobPaths(folder)
        self.uid = folder.name

    def read(self) -> Job:
        """Read job.json. Raises NotFound where there is none, StoreCorrupt where it cannot be understood."""
        try:
            return Job.from_json(json.loads(self.paths.job.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise NotFound(f"There is no job {self.uid[:8]}.", "labnb jobs lists them.") from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise StoreCorrupt(f"{self.paths.job} is not a job: {error}.") from error

    def write(self, job: Job) -> None:
        """Write job.json, whole or not at all; raises OSError."""
        write_atomic(self.paths.job, json.dumps(job.to_json(), indent=1, ensure_ascii=False))

    def update(self, change: Callable[[Job], Job]) -> Job:
        """Change the job, one process at a time, and give it as it is then; what is as it was is not written."""
        with held(self.paths.lock):
            before = self.read()
            after = change(before)
            if after != before:
                self.write(after)
            return after

    def request(self) -> JobRequest:
        """Read request.json; raises StoreCorrupt."""
        try:
            return JobRequest.from_json(json.loads(self.paths.request.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise StoreCorrupt(f"{self.paths.request} is no request of a job: {error}.") from error

    def current(self) -> Job:
        """Read the job with what its runner said last of its place and its use."""
        job = self.read()
        if job.state is not JobState.RUNNING:
            return job
        state = self.state()
        items = (state.get("used") or {}).items()
        used = {name: value for name, value in items if isinstance(value, (int, float)) and not name.endswith("_now")}
        return dataclasses.replace(job, used=used or job.used, node=str(state.get("node") or job.node))

    def end(self) -> dict[str, Any] | None:
        """Read end.json: how the job ended by its own word; None while there is none."""
        return read_json(self.paths.end)

    def stopped(self) -> dict[str, Any] | None:
        """Read stopped.json: how a start was stopped by its scheduler, which alone knows whether the job goes on."""
        return read_json(self.paths.stopped)

    def state(self) -> dict[str, Any]:
        """Read state.json: the sign of life of the runner; empty where there is none."""
        return read_json(self.paths.state) or {}

    def alive(self, quiet: float) -> bool:
        """Whether the runner gave a sign of life in the last `quiet` seconds, and is not seen to be dead."""
        try:
            age = time.time() - self.paths.state.stat().st_mtime
            owner = Owner.from_json(self.state()["owner"])
        except (OSError, KeyError, TypeError, ValueError):
            return False
        return age < quiet and owner.lives(age)

    def said(self) -> str:
        """Give the last line that the process of the job printed outside of the cell; "" where it printed none."""
        try:
            lines = self.paths.output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip()[:300] if lines else ""

    def ask_to_cancel(self, who: str) -> None:
        """Leave word that the job is to be ended; the first who asks is named."""
        with contextlib.suppress(FileExistsError), open(self.paths.cancel, "x", encoding="utf-8") as file:
            json.dump({"by": who, "at": time_text(time.time())}, file)

    def cancelled_by(self) -> str:
        """Say who wishes the job ended; "" where nobody does."""
        wish = read_json(self.paths.cancel)
        return str(wish.get("by", "somebody")) if wish is not None else ""


@dataclass(frozen=True)
class JobGroup:
    """An array: its members, in the order of `--each`, and the params of each."""

    id: str
    name: str
    jobs: tuple[str, ...]
    params: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        return {"schema": 1, "id": self.id, "name": self.name, "jobs": list(self.jobs), "params": list(self.params)}


@dataclass(frozen=True)
class JobIndex:
    """The jobs of one project."""

    lab: LabPaths

    @property
    def home(self) -> Path:
        return self.lab.home / "jobs"

    @property
    def store(self) -> JobStore:
        """What the jobs share on this machine."""
        return JobStore(self.home)

    @property
    def active_folder(self) -> Path:
        return self.home / "active"

    @property
    def known_folder(self) -> Path:
        return self.home / "known"

    @property
    def follower(self) -> Attendant:
        """The process that follows the jobs of this project."""
        return Attendant(
            FOLLOWER, self.lab.root, self.home / "follower.lock", self.home / "follower.log", switch=SWITCH
        )

    def make(self) -> None:
        """Create the folders, private to the user; raises OSError."""
        self.lab.make()
        for folder in (self.home, self.active_folder, self.home / "groups", self.store.objects):
            folder.mkdir(mode=0o700, exist_ok=True)

    def folder(self, start: str) -> JobFolder:
        """Find the one job whose id starts so (at least four characters). Raises NotFound, with the candidates."""
        if Path(start).name == start and JobPaths(self.lab.run(start).folder).job.is_file():
            return JobFolder(self.lab.run(start).folder)
        found = sorted(uid for uid in self.uids() if uid.startswith(start)) if len(start) >= 4 else []
        if len(found) == 1:
            return JobFolder(self.lab.run(found[0]).folder)
        if found:
            raise NotFound(
                f"Several jobs start with {start}.", f"They are: {', '.join(uid[:12] for uid in found[:5])}."
            )
        raise NotFound(f"There is no job {start!r}.", "labnb jobs lists them.")

    def uids(self) -> Iterator[str]:
        """Give the ids of all jobs, in no order; without looking into each of perhaps a hundred thousand runs."""
        if not self.home.is_dir():
            return
        try:
            names = os.listdir(self.known_folder if self.known_folder.is_dir() else self.lab.runs)
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from (name for name in names if JobPaths(self.lab.runs / name).job.is_file())

    def _enrol(self) -> None:
        """Make the folder of known jobs, whole or not at all; raises OSError."""
        with tempfile.TemporaryDirectory(prefix="known-", dir=self.home) as folder:
            made = Path(folder, "known")
            made.mkdir(mode=0o700)
            for uid in self.uids():
                (made / uid).touch(mode=0o600)
            try:
                made.rename(self.known_folder)
            except OSError:
                if not self.known_folder.exists():  # else another process was sooner
                    raise

    def jobs(self, *, collected: bool = True) -> list[Job]:
        """Read all jobs, or all that are not collected yet, newest first; one that cannot be read is passed over."""
        found = []
        for uid in self.uids() if collected else self.active():
            with contextlib.suppress(NotFound, StoreCorrupt):
                found.append(JobFolder(self.lab.run(uid).folder).read())
        return sorted(found, key=lambda job: (job.submitted or "", job.id), reverse=True)

    def active(self) -> list[str]:
        """List the jobs that are not collected yet, the oldest first."""
        return [uid for uid in self.announced() if JobPaths(self.lab.run(uid).folder).job.is_file()]

    def announced(self) -> list[str]:
        """List what the follower is to look at, the oldest first: also jobs that are only being written."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self.active_folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    found.append((entry.stat().st_mtime_ns, entry.name))
        return [uid for _, uid in sorted(found)]

    def announce(self, *uids: str, start: bool = True) -> None:
        """Have jobs followed, and see to it that a follower lives; raises OSError."""
        if not self.known_folder.exists():
            self._enrol()
        for uid in uids:
            for folder in (self.known_folder, self.active_folder):
                fd = os.open(folder / uid, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                with contextlib.suppress(OSError):
                    os.utime(fd)
                os.close(fd)
        if start:
            self.follower.see_to_it()

    def leave(self, uid: str) -> None:
        """The job is collected: nobody needs to follow it any more."""
        with contextlib.suppress(FileNotFoundError):
            (self.active_folder / uid).unlink()

    def forget(self, uid: str) -> None:
        """What was announced never became a job."""
        self.leave(uid)
        with contextlib.suppress(FileNotFoundError):
            (self.known_folder / uid).unlink()

    def write_group(self, group: JobGroup) -> None:
        """Keep an array; raises OSError."""
        write_atomic(self.home / "groups" / f"{group.id}.json", json.dumps(group.to_json(), indent=1, default=repr))

    def group_lock(self, group: str) -> Path:
        """Held by who brings a member of an array to its target where only so many may run at once."""
        return self.home / "groups" / f"{group}.lock"

    def group(self, start: str) -> JobGroup | None:
        """Find an array by its id or the start of it; None where there is none."""
        found: Sequence[Path] = ()
        if start.startswith("g") and len(start) >= 4 and Path(start).name == start and start.isalnum():
            found = sorted((self.home / "groups").glob(f"{start}*.json"))
        if len(found) != 1:
            return None
        data = read_json(found[0]) or {}
        try:
            return JobGroup(data["id"], data["name"], tuple(data["jobs"]), tuple(data["params"]))
        except (KeyError, TypeError):
            return None


@contextlib.contextmanager
def held(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of a file; gives False where somebody else holds it and `wait` is False."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is none, or it is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
