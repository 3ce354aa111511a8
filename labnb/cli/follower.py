"""The follower: a helper process that brings jobs to their targets and follows them, one per project at a time.

`python -m labnb.cli.follower ROOT` takes the lock of the project, or ends at once where another one has it. It wakes
when a job is announced, cancelled or ended here, asks schedulers at growing intervals, and ends when no job is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from labnb.lab import Lab
from labnb.model.errors import LabError
from labnb.model.run import time_text
from labnb.model.target import Target
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobIndex
from labnb.runfolder.name_watch import NameWatch
from labnb.usecases.follow_jobs import FollowPlace
from labnb.usecases.mend_run import mend_run
from labnb.usecases.mirror_job import MirrorJobs
from labnb.usecases.send_job import target_of

# Seconds without any job, after which the follower ends.
IDLE = 600.0
IDLE_VARIABLE = "LABNB_FOLLOWER_IDLE"
# Seconds that a far host is waited at for the end of a job, in one question.
LONG_WAIT = 20.0
# So many such questions at once: a connection has room for eight commands.
LISTENERS = 3
# Seconds after which a job that was announced and never written is given up.
HALF_MADE = 30.0
# Seconds between two looks at it until then.
HALF_MADE_LOOK = 1.0
NICE = 3
LOG_LIMIT = 1_000_000
#: The files of a job whose appearance is worth a look.
NAMES = frozenset({"end.json", "cancel.json", "claim"})


@dataclass
class Stop:
    """Whether the process was asked to end, and a pipe that wakes a waiting `select`."""

    asked: bool = False
    pipe: tuple[int, int] = field(default_factory=lambda: os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC))

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        self.asked = True
        self.ring()

    def ring(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self.pipe[1], b".")

    def hush(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(self.pipe[0], 4096):
                pass


class FarPlace:
    """A place on another machine, with threads of its own: one that does not answer holds up nobody else."""

    def __init__(self, place: FollowPlace, mirror: MirrorJobs) -> None:
        self._place = place
        self._mirror = mirror
        self._folders: Sequence[JobFolder] = ()
        self._wake = threading.Event()
        self._over = False
        self._listening: list[tuple[threading.Thread, frozenset[str]]] = []
        self._thread = threading.Thread(target=self._work, name="labnb-far", daemon=True)
        self._thread.start()

    def give(self, folders: Sequence[JobFolder], urgent: bool) -> None:
        """Hand over the jobs of the place; `urgent` where something about them is new."""
        self._folders = folders
        if urgent:
            self._wake.set()

    def end(self) -> None:
        self._over = True
        self._wake.set()

    def _work(self) -> None:
        while not self._over:
            folders = self._folders
            try:
                pause = self._place.turn(folders)
            except Exception as error:  # noqa: BLE001 - the thread must not die of one job
                say(f"{type(error).__name__}: {error}")
                pause = 5.0
            self._wait_there(folders)
            if self._wake.wait(max(pause, 0.05)):
                self._place.hurry = True
            self._wake.clear()

    def _wait_there(self, folders: Sequence[JobFolder]) -> None:
        """Have the host itself say when a job ends; jobs that came later are waited for apart."""
        self._listening = [one for one in self._listening if one[0].is_alive()]
        heard = frozenset().union(*(places for _, places in self._listening))
        fresh = []
        for folder in folders:
            with contextlib.suppress(LabError):
                job = folder.read()
                if job.handle and not job.state.ended and job.folder not in heard:
                    fresh.append(job.folder)
        if fresh and len(self._listening) < LISTENERS:
            thread = threading.Thread(target=self._listen, args=(fresh,), name="labnb-listen", daemon=True)
            self._listening.append((thread, frozenset(fresh)))
            thread.start()

    def _listen(self, places: list[str]) -> None:
        with contextlib.suppress(LabError, OSError):
            if self._mirror.wait(places, LONG_WAIT):
                self._wake.set()


class Followers:
    """The places of a project, made when a job is there."""

    def __init__(self, lab: Lab, stop: Stop) -> None:
        self._lab = lab
        self._stop = stop
        self._here: dict[str, FollowPlace] = {}
        self._far: dict[tuple[str, str], FarPlace] = {}
        self._given: dict[tuple[str, str], frozenset[str]] = {}
        self._targets: dict[str, Target] = {}

    def turn(self, uids: Sequence[str], woken: bool) -> float:
        """Give every place its turn; give the seconds after which there is something to do again."""
        index = self._lab.jobs.index
        groups: dict[tuple[str, str], list[JobFolder]] = {}
        self._targets = {uid: target for uid, target in self._targets.items() if uid in set(uids)}
        for uid in uids:
            folder = JobFolder(index.lab.run(uid).folder)
            if not folder.paths.job.exists():
                with contextlib.suppress(LabError, OSError):
                    give_up(index, uid)
                continue
            try:
                target = self._targets.get(uid) or target_of(folder)
            except (LabError, TypeError) as error:
                say(f"{uid}: {error}")
                continue
            self._targets[uid] = target
            groups.setdefault((target.host, target.executor), []).append(folder)
        pause = 30.0 if len(self._targets) == len(uids) else HALF_MADE_LOOK
        for key, folders in groups.items():
            with contextlib.suppress(LabError):
                pause = min(pause, self._serve(key, folders, woken))
        for key in set(self._far) - set(groups):
            self._far[key].give((), urgent=False)
        return pause

    def _serve(self, key: tuple[str, str], folders: list[JobFolder], woken: bool) -> float:
        host = self._lab.jobs.reach.host(key[0])
        if host.local:
            if key[1] not in self._here:
                self._here[key[1]] = self._lab.jobs.follow(key[0], key[1], say)
            return self._here[key[1]].turn(folders)
        if key not in self._far:
            mirror = MirrorJobs(host)
            self._far[key] = FarPlace(self._lab.jobs.follow(key[0], key[1], say, mirror), mirror)
        now = frozenset(folder.uid for folder in folders)
        self._far[key].give(folders, urgent=woken or now != self._given.get(key))
        self._given[key] = now
        return 30.0

    def end(self) -> None:
        for far in self._far.values():
            far.end()


def give_up(index: JobIndex, uid: str) -> None:
    """Leave what is no job: its folder was removed, or whoever made it died before it was whole."""
    if not index.lab.run(uid).run.exists():
        if time.time() - (index.active_folder / uid).stat().st_mtime > HALF_MADE:
            index.leave(uid)
            with contextlib.suppress(OSError):  # it is empty, or there is more to it
                index.lab.run(uid).folder.rmdir()
        return
    run, owner = RunFolder(index.lab.run(uid)).stored()
    if run.status.ended or mend_run(index.lab, uid) is not None or owner is None:
        index.leave(uid)


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow until no job was left for a while, or told to stop."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) != 1:
        print("usage: python -m labnb.cli.follower ROOT", file=sys.stderr)
        return 2
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.ask)
    signal.signal(signal.SIGINT, stop.ask)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICE)
    with contextlib.suppress(OSError):
        os.chdir("/")
    return follow(Lab(Path(words[0]).resolve()), stop)


def follow(lab: Lab, stop: Stop) -> int:
    """Be the follower of a project, unless another one is."""
    index = lab.jobs.index
    while True:
        try:
            index.make()
            lock = index.follower.hold()
        except OSError as error:
            say(f"{index.home} cannot be used: {error}")
            return 3
        if lock is None:
            return 0
        try:
            left = _serve(lab, index, stop)
        finally:
            os.close(lock)
        # Whoever announced before the lock was free counts on this process.
        if stop.asked or index.announced() == left:
            return 0


def _serve(lab: Lab, index: JobIndex, stop: Stop) -> list[str]:
    idle = float(os.environ.get(IDLE_VARIABLE) or IDLE)
    quiet_since = time.monotonic()
    followers = Followers(lab, stop)
    woken = True
    with NameWatch([index.active_folder]) as watch:
        while not stop.asked and index.home.is_dir():
            uids = index.announced()
            watch.follow([JobFolder(lab.paths.run(uid).folder).paths.home for uid in uids])
            pause = followers.turn(uids, woken)
            if uids:
                quiet_since = time.monotonic()
            left = quiet_since + idle - time.monotonic()
            if left <= 0 and not index.announced():
                break
            woken = watch.wait(min(pause, max(left, 0.05)), NAMES, (stop.pipe[0],))
            stop.hush()
    followers.end()
    return index.announced()


def say(*lines: str) -> None:
    """Write to the log, which starts anew when it is long."""
    for line in lines:
        print(f"{time_text(time.time())} {line}", file=sys.stderr, flush=True)
    with contextlib.suppress(OSError, ValueError):
        if os.fstat(sys.stderr.fileno()).st_size > LOG_LIMIT:
            os.ftruncate(sys.stderr.fileno(), 0)


if __name__ == "__main__":
    raise SystemExit(main())
