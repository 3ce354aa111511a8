"""The process that starts one job, keeps its limits, and writes how it ended."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import time

from labnb.adapters.process_executor.far import processes, registry
from labnb.adapters.process_executor.far.sights import look

TYPE_CHECKING = False  # typing itself would take longer to load than all of this
if TYPE_CHECKING:
    import subprocess
    from typing import Any

# Seconds: between two signs of life; between SIGTERM and SIGKILL when the time is over.
BEAT = 5.0
KILL_WAIT = 10.0
_NOT_THEIRS = ("JUPYTERHUB_", "JPY_", "JUPYTER_TOKEN", "JUPYTER_SERVER_")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Keeper:
    """Looks after one job from its start to its end."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.token: str = order["token"]
        self.wanted: dict[str, Any] = order["resources"]
        self.used: dict[str, float] = {}
        self.state: dict[str, Any] = {
            "keeper": [os.getpid(), processes.birth(os.getpid())],
            "place": processes.place(),
            "node": processes.place()[0],
            "state": "PENDING",
            "reason": "",
            "submitted": time.time(),
            "beat": 0.0,
        }
        # A signal ends a sleep: neither the job's end nor a cancellation waits for the next look.
        self._wake, waker = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def run(self) -> None:
        """Keep the job, whatever happens."""
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - nobody else could tell that the job has ended
            self._end("FAILED", f"the process that looks after it failed: {error!r}", None)

    def tell(self, **changes: Any) -> None:
        """Give a sign of life."""
        self.state.update(changes, used=self.used, beat=time.time())
        with contextlib.suppress(OSError):  # a full disk must not end the job
            registry.write(self.token, "state.json", self.state)

    def _run(self) -> None:
        if not self._wait_for_others():
            return
        before = processes.oom_kills()
        try:
            child = self._start()
        except (OSError, ValueError) as error:
            self._end("FAILED", f"it cannot be started: {error}", 127)
            return
        self.tell(state="RUNNING", reason="", started=time.time(), child=[child.pid, processes.birth(child.pid)])
        why, reason = _Watch(self, child).until_it_ends()
        # What the job left behind in its group ends with it, as it does under a scheduler.
        processes.signal_group(child.pid, signal.SIGKILL)
        self._measure()
        code = child.returncode
        if not why or (code == 0 and why != "OUT_OF_MEMORY"):
            why, reason = _meaning(code, processes.oom_kills() > before)
        self._end(why, reason, code if code >= 0 else 128 - code)

    def _end(self, state: str, reason: str, code: int | None) -> None:
        told = {**self.state, "state": state, "reason": reason, "exit_code": code, "used": self.used}
        told["ended"] = time.time()
        for _ in range(600):  # for as long as the disk is full
            try:
                registry.write(self.token, "end.json", told)
            except OSError:
                time.sleep(1)
            else:
                break

    def sleep(self, seconds: float) -> None:
        select.select([self._wake], [], [], max(0.0, seconds))
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 512)

    def cancelled(self) -> str:
        """By whom the job was cancelled, "" where it was not."""
        found = registry.read(self.token, "cancel")
        return f"cancelled by {found.get('by', 'somebody')}" if found else ""

    def _wait_for_others(self) -> bool:
        waiting = list(self.order["after"])
        pause = 0.05
        while True:
            if self.cancelled():
                self._end("CANCELLED", self.cancelled(), None)
                return False
            if not waiting:
                return True
            sight = look(waiting[:1]).get(waiting[0])
            if sight and sight["state"] == "COMPLETED":
                waiting.pop(0)
                continue
            if not sight or sight["state"] not in ("PENDING", "RUNNING"):
                told = sight["state"] if sight else "not known here"
                self._end("CANCELLED", f"DependencyNeverSatisfied: a job that it waits for is {told}", None)
                return False
            if time.time() - self.state["beat"] > BEAT or not self.state["reason"]:
                self.tell(reason="Dependency")
            self.sleep(pause)
            pause = min(1.0, pause * 1.5)

    def _start(self) -> subprocess.Popen[bytes]:
        import subprocess

        order = self.order
        environment = clean_environment()
        cpus = self._allot(environment)
        words = [os.path.expanduser(word) if word.startswith("~/") else word for word in order["command"]]
        if order["setup"]:
            # A login shell knows `module`; exec keeps the process, so that signals reach the job itself.
            shell = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"
            words = [shell, "-l", "-c", "\n".join([*order["setup"], 'exec "$@"']), "labnb", *words]
        folder, log = os.path.expanduser(order["folder"]), os.path.expanduser(order["log"])
        for made in (folder, os.path.dirname(log)):
            os.makedirs(made, 0o700, exist_ok=True)
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
            return subprocess.Popen(
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,
            )

    def _allot(self, environment: dict[str, str]) -> list[int]:
        """Choose CPUs and GPUs that the fewest other jobs have; gives the CPUs, [] where they cannot be bound."""
        cpus: list[int] = []
        taken = allotted(self.token)
        if number := self.wanted.get("cpus"):
            environment.update({name: str(number) for name in _THREADS if name not in environment})
            if hasattr(os, "sched_getaffinity"):
                free = sorted(os.sched_getaffinity(0), key=lambda cpu: (taken["cpus"].count(cpu), cpu))
                cpus = self.state["cpus"] = free[:number]
        if self.wanted.get("gpus") is not None:
            known = environment.get("CUDA_VISIBLE_DEVICES")
            names = known.split(",") if known else [str(number) for number in range(processes.gpu_count())]
            self.state["gpus"] = sorted(names, key=taken["gpus"].count)[: self.wanted["gpus"]]
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(self.state["gpus"])
        return cpus

    def _measure(self) -> None:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        unit = 1 if sys.platform == "darwin" else 1024
        self.used = {
            "memory": max(self.used.get("memory", 0), spent.ru_maxrss * unit),
            "cpu": max(self.used.get("cpu", 0), round(spent.ru_utime + spent.ru_stime, 2)),
        }


class _Watch:
    """The limits of a job that runs, and what is done about them."""

    def __init__(self, keeper: Keeper, child: subprocess.Popen[bytes]) -> None:
        self.keeper, self.child = keeper, child
        self.grace: float = keeper.order["grace"]
        self.memory: int | None = keeper.wanted.get("memory")
        self.seconds: int | None = keeper.wanted.get("time")
        self.began = time.time()
        self.end_at = self.began + self.seconds if self.seconds else None
        self.warn_at = self.end_at - self.grace if self.end_at and self.grace < self.end_at - self.began else None
        self.kill_at: float | None = None
        self.why = self.reason = ""

    def until_it_ends(self) -> tuple[str, str]:
        """Give the state and the reason where it was the keeper who ended the job, else two times ""."""
        while self.child.poll() is None:
            now = time.time()
            memory, cpu = processes.usage(self.child.pid)
            peak = max(memory, int(self.keeper.used.get("memory", 0)))
            self.keeper.used = {"memory": peak, "cpu": round(cpu, 2)}
            self._act(now, memory)
            if now - self.keeper.state["beat"] > BEAT:
                self.keeper.tell()
            # Memory is filled fastest at the start; a job that has run for long is looked at less often.
            age = now - self.began
            pause = 0.1 if self.memory and age < 30 else min(2.0, 0.5 + age / 60)
            dates = [date - now for date in (self.warn_at, self.end_at, self.kill_at) if date]
            self.keeper.sleep(max(0.01, min([pause, *dates])))
        return self.why, self.reason

    def _act(self, now: float, memory: int) -> None:
        if self.memory and memory > self.memory and self.why != "OUT_OF_MEMORY":
            self._stop("OUT_OF_MEMORY", f"it used {memory:,} bytes of memory and had asked for {self.memory:,}", now, 0)
        elif not self.why and (by := self.keeper.cancelled()):
            self._stop("CANCELLED", by, now, self.grace)
        elif not self.why and self.end_at and now >= self.end_at:
            self._stop("TIMEOUT", f"its {self.seconds} s were over", now, KILL_WAIT)
        elif not self.why and self.warn_at and now >= self.warn_at:
            self.warn_at = None
            with contextlib.suppress(OSError):
                self.child.send_signal(signal.SIGUSR2)
        if self.kill_at and now >= self.kill_at:
            processes.signal_group(self.child.pid, signal.SIGKILL)
            self.kill_at = now + 1.0

    def _stop(self, why: str, reason: str, now: float, grace: float) -> None:
        self.why, self.reason, self.kill_at = why, reason, now + grace
        self.warn_at = self.end_at = None
        if grace:
            processes.signal_group(self.child.pid, signal.SIGTERM)


def _meaning(code: int, memory_ran_out: bool) -> tuple[str, str]:
    if code >= 0:
        return ("FAILED", f"exit code {code}") if code else ("COMPLETED", "")
    if code == -signal.SIGKILL and memory_ran_out:
        return "OUT_OF_MEMORY", "the machine had no memory left and killed it"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return "FAILED", f"ended by signal {name}"


def clean_environment() -> dict[str, str]:
    """Give this environment without what belongs to a kernel or to JupyterHub: a job outlives both."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_NOT_THEIRS)}
    if "inline" in kept.get("MPLBACKEND", ""):
        del kept["MPLBACKEND"]
    return kept


def allotted(token: str) -> dict[str, list[Any]]:
    """Give the CPUs and GPUs of the other jobs that run here, once for each job."""
    taken: dict[str, list[Any]] = {"cpus": [], "gpus": []}
    here = processes.place()
    for other in registry.tokens():
        if other == token or os.path.exists(registry.path_of(other, "end.json")):
            continue
        state = registry.read(other, "state.json")
        if state and state["place"] == here and processes.lives(state["keeper"]):
            for name, items in taken.items():
                items += state.get(name) or []
    return taken
