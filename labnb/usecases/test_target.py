"""Try a target from one end to the other, step by step, and say of each what to do where it fails."""

from __future__ import annotations

import dataclasses
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from labnb.model.errors import HostUnreachable, LabError
from labnb.model.job import JobState
from labnb.model.launch import Launch, launch
from labnb.model.resources import Resources
from labnb.model.target import Target
from labnb.model.wording import duration_text
from labnb.ports.executor import Executor, Order, Sight
from labnb.ports.host import Host

OLDEST_PYTHON = (3, 9)
#: Bytes below which a folder's disk is called full: a job's state and log need as much.
LITTLE = 100_000_000
#: Seconds that the job may wait and run.
PATIENCE = 300.0
_ENDS = b"labnb was here"
# Runs as a job: tells its Python, and whether it may write where jobs do.
_TRIAL = """\
import os, sys
with open(os.path.join(sys.argv[1], "written"), "w") as file:
    file.write("x")
print("Python %d.%d.%d" % sys.version_info[:3], "on", os.uname().nodename)
print("labnb was here")
"""
_VERSION = "import sys; print(*sys.version_info[:3], sep='.')"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried: what came of it, what to do, and the seconds that it took."""

    step: str
    ok: bool
    message: str
    hint: str = ""
    seconds: float = 0.0
    unreachable: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give the JSON of `labnb targets test --json`."""
        told = dataclasses.asdict(self)
        told["seconds"] = round(self.seconds, 3)
        return told


class TargetTrial:
    """A trial of one target; iterating over it gives the steps as they come, and stops where going on is no use.

    `place` is where its jobs lie on the host, `patience` the seconds that a job may wait and run.
    """

    def __init__(self, target: Target, host: Host, executor: Executor, place: str, patience: float = PATIENCE) -> None:
        self.target, self.host, self.executor = target, host, executor
        self.patience = patience
        self.folder = f"{place.rstrip('/')}/.trial-{uuid.uuid4().hex[:8]}"
        self.told: list[Step] = []

    def __iter__(self) -> Iterator[Step]:
        tries = (
            ("host", self._host),
            ("folder", self._folder),
            ("python", self._python),
            ("resources", self._resources),
            ("job", self._job),
        )
        try:
            for name, attempt in tries:
                began = time.monotonic()
                try:
                    steps = list(attempt())
                except LabError as error:
                    lost = isinstance(error, HostUnreachable)
                    steps = [Step(name, False, error.message, error.hint, unreachable=lost)]
                spent = time.monotonic() - began
                self.told += [dataclasses.replace(step, step=name, seconds=spent) for step in steps]
                yield from self.told[-len(steps) :]
                if not all(step.ok for step in steps):
                    return
        finally:
            with suppress(LabError):
                self.host.run(["sh", "-c", _REMOVE, "sh", self.folder])

    def _host(self) -> Iterator[Step]:
        began = time.monotonic()
        done = self.host.run(["uname", "-sn"])
        spent = duration_text(time.monotonic() - began)
        where = self.target.host or "this machine"
        yield Step("", True, f"{where} answers in {spent}: {done.out.decode(errors='replace').strip()}.")

    def _folder(self) -> Iterator[Step]:
        self.host.put({f"{self.folder}/trial.py": _TRIAL.encode(), f"{self.folder}/lock.txt": b""})
        done = self.host.run(["sh", "-c", _ROOM, "sh", self.folder])
        place, _, free = done.out.decode(errors="replace").rpartition(" ")
        if done.code == 0 and free.strip().isdigit():
            left = int(free) * 1024
            self.folder = place
            if left < LITTLE:
                hint = "Make room, or set folder of the target to another disk."
                yield Step("", False, f"{place.rpartition('/')[0]} has {left / 1e6:.0f} MB left.", hint)
            else:
                yield Step("", True, f"{place.rpartition('/')[0]} can be written, {left / 1e9:.0f} GB are free.")
        else:
            yield Step("", True, f"{self.folder} can be written; how much room it has is not told.")

    def _python(self) -> Iterator[Step]:
        if self.target.image:
            yield Step("", True, f"Python is that of {self.target.image}; the job below uses it.")
            return
        python = self.target.python or self._interpreter()
        shell = ["bash", "-l", "-c"] if self.target.setup else ["sh", "-c"]
        lines = "\n".join([*self.target.setup, 'exec "$@"'])
        done = self.host.run([*shell, lines, "labnb", *_at_home(python), "-c", _VERSION], timeout=120)
        said = done.err.decode(errors="replace").strip()
        if done.code:
            hint = "Set python of the target to an interpreter there, or setup to lines that bring one (module load …)."
            yield Step("", False, f"There is no {python} on the host: {said[-300:] or f'exit code {done.code}'}.", hint)
            return
        version = done.out.decode(errors="replace").split()[-1]
        if tuple(int(part) for part in version.split(".")) < OLDEST_PYTHON:
            hint = f"Jobs need Python {'.'.join(map(str, OLDEST_PYTHON))} or later: set python or setup of the target."
            yield Step("", False, f"{python} is Python {version}.", hint)
            return
        yield Step("", True, f"{python} is Python {version}.")

    def _resources(self) -> Iterator[Step]:
        notes = self.executor.check(self.host, self.target.resources)
        for note in notes:
            yield Step("", False, note.message, note.hint)
        if not notes:
            yield Step("", True, f"{self.target.executor} has what a job asks for{_asked(self.target.resources)}.")

    def _job(self) -> Iterator[Step]:
        started = self._launch()
        order = Order(
            name="labnb-targets-test",
            token=uuid.uuid4().hex,
            folder=self.folder,
            command=started.command,
            log=f"{self.folder}/log.txt",
            resources=self.target.resources,
            setup=started.setup,
            grace=1,
        )
        began = time.monotonic()
        handle = self.executor.submit(self.host, order)
        submitted = time.monotonic() - began
        try:
            sight = self._wait(order.token, handle)
        except BaseException:
            with suppress(LabError):
                self.executor.cancel(self.host, {order.token: handle})
            raise
        log = b"" if sight is None or sight.started is None else self._log(order)
        whole = duration_text(time.monotonic() - began)
        if sight is not None and sight.state is JobState.COMPLETED and _ENDS in log:
            first = log.decode(errors="replace").split(_ENDS.decode())[0].strip().splitlines()
            with suppress(LabError):
                self.host.read(f"{self.folder}/written")
            text = (
                f"A job ran: submitted in {duration_text(submitted)}, done after {whole}; {first[-1] if first else ''}."
            )
            yield Step("", True, text)
            return
        yield self._failed(sight, handle, log)

    def _failed(self, sight: Sight | None, handle: str, log: bytes) -> Step:
        said = log.decode(errors="replace").strip()[-600:]
        tail = f" Its log ends with: {said}" if said else ""
        if sight is None:
            return Step("", False, f"Job {handle} was submitted, and nobody knows it any more.{tail}")
        if sight.state is JobState.PENDING:
            reason = f" ({sight.reason})" if sight.reason else ""
            hint = "The target may be right and its queue long: try again later, or with --timeout 30m."
            return Step("", False, f"The job did not start within {duration_text(self.patience)}{reason}.", hint)
        if sight.state is JobState.COMPLETED:
            hint = "Do nodes and login node share the folder? Set folder of the target to a place that both see."
            return Step("", False, f"The job ran, and {self.folder} does not show what it wrote.{tail}", hint)
        reason = f": {sight.reason}" if sight.reason else ""
        code = f" with exit code {sight.exit_code}" if sight.exit_code else ""
        return Step("", False, f"The job is {sight.state}{code}{reason}.{tail}", "labnb doctor looks at this machine.")

    def _wait(self, token: str, handle: str) -> Sight | None:
        began = time.monotonic()
        unseen_until = began + 5
        pause = 0.05
        while True:
            sight = self.executor.look(self.host, {token: handle}).get(token)
            now = time.monotonic()
            if (sight is None and now > unseen_until) or (sight is not None and sight.state.ended):
                return sight
            if now - began > self.patience:
                with suppress(LabError):
                    self.executor.cancel(self.host, {token: handle})
                return sight
            time.sleep(pause)
            pause = min(2.0, pause * 1.3)

    def _log(self, order: Order) -> bytes:
        """Read the log; a file system over the network shows it a moment late."""
        for pause in (0.0, 0.2, 1.0, 3.0):
            time.sleep(pause)
            with suppress(LabError):
                log = self.host.read(order.log)
                if _ENDS in log or pause:
                    return log
        return b""

    def _launch(self) -> Launch:
        return launch(
            self.target,
            f"{self.folder}/trial.py",
            self.folder,
            interpreter=self._interpreter(),
            environments=f"{self.folder}/environments",
            lock=f"{self.folder}/lock.txt",
            digest="trial",
        )

    def _interpreter(self) -> str:
        return sys.executable if self.host.local else "python3"


# What a file system has left for its users, in kilobytes, behind the folder's real name.
_ROOM = 'cd "$1" 2>/dev/null || cd "$HOME/${1#"~/"}" || exit; df -Pk . | awk -v p="$(pwd -P)" \'NR==2 { print p, $4 }\''
_REMOVE = 'case $1 in "~/"*) rm -rf "$HOME/${1#"~/"}";; /*/.trial-*) rm -rf "$1";; esac'


def _at_home(word: str) -> list[str]:
    """Give the words that run a program whose name may begin with "~/"."""
    return ["sh", "-c", 'p=$1; shift; exec "$HOME/$p" "$@"', "sh", word[2:]] if word.startswith("~/") else [word]


def _asked(resources: Resources) -> str:
    words = [
        f"{name} {value}" for name, value in resources.to_json().items() if name not in ("memory", "time", "options")
    ]
    if resources.memory:
        words.append(f"memory {resources.memory / 1e9:.3g} GB")
    if resources.time:
        words.append(f"time {duration_text(resources.time)}")
    return f" ({', '.join(words)})" if words else ""
