"""The requests that labnb sends to a host: start, look, cancel, check."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time

from labnb.adapters.process_executor.far import processes, registry
from labnb.adapters.process_executor.far.sights import STARTING, look

TYPE_CHECKING = False  # typing itself would take longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked and say what came of it."""
    return _ANSWERS[request.pop("ask")](request)


def main() -> None:
    """Answer the request on stdin."""
    try:
        told = answer(json.load(sys.stdin))
    except OSError as error:
        told = {"error": f"{error.strerror or error} ({error.filename})"}
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()


def start(order: dict[str, Any]) -> dict[str, Any]:
    """Start a job once; a second request with its token finds it started."""
    token = order["token"]
    registry.make(token)
    while not registry.claim(token):
        if registry.read(token, "state.json") or registry.read(token, "end.json"):
            return {"started": False}
        _wait_for_claim(token)
    registry.tidy()
    ready, tell = os.pipe()
    first = os.fork()
    if first == 0:
        try:
            os.close(ready)
            os.setsid()
            if os.fork() == 0:
                _become_keeper(order, tell)
        finally:
            os._exit(0)
    os.close(tell)
    os.waitpid(first, 0)
    if not os.read(ready, 1):
        return {"error": "the process that looks after the job did not start"}
    return {"started": True}


def _become_keeper(order: dict[str, Any], tell: int) -> None:
    from labnb.adapters.process_executor.far.keeper import Keeper

    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.chdir("/")
    os.umask(0o077)
    keeper = Keeper(order)
    keeper.tell()
    os.write(tell, b"1")
    os.close(tell)
    keeper.run()


def _wait_for_claim(token: str) -> None:
    """Wait for another's start of the same job; take its claim away where it died half-way."""
    path = registry.path_of(token, "claim")
    try:
        with open(path, encoding="utf-8") as file:
            claimed = json.load(file)
    except (OSError, ValueError):
        claimed = {"time": 0.0 if not os.path.exists(path) else os.stat(path).st_mtime}
    if time.time() - claimed["time"] > STARTING:
        with contextlib.suppress(OSError):
            os.rename(path, f"{path}.{os.getpid()}")
    time.sleep(0.05)


def cancel(request: dict[str, Any]) -> dict[str, Any]:
    """End jobs; one that has not come here yet will not start."""
    for token in request["tokens"]:
        if registry.read(token, "end.json"):
            continue
        registry.make(token)
        registry.write(token, "cancel", {"by": request["by"], "time": time.time()})
        state = registry.read(token, "state.json")
        if state is None or state["place"] != processes.place():
            continue
        if processes.lives(state["keeper"]):
            with contextlib.suppress(OSError):
                os.kill(state["keeper"][0], signal.SIGTERM)
        elif processes.lives(state.get("child")):
            _end_orphan(token, state, request["by"])
    return {}


def _end_orphan(token: str, state: dict[str, Any], by: str) -> None:
    """End a job whose keeper was killed, and say so in its place."""
    if os.fork():
        return
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        pid = state["child"][0]
        processes.signal_group(pid, signal.SIGTERM)
        deadline = time.time() + 30
        while processes.lives(state["child"]) and time.time() < deadline:
            time.sleep(0.1)
        processes.signal_group(pid, signal.SIGKILL)
        ended = {"state": "CANCELLED", "reason": f"cancelled by {by}", "ended": time.time()}
        registry.write(token, "end.json", {**state, **ended})
    finally:
        os._exit(0)


def check(request: dict[str, Any]) -> dict[str, Any]:
    """Say what this machine has: CPUs, bytes of memory, GPUs where they were asked about."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = 0
    with contextlib.suppress(OSError, ValueError):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    gpus = processes.gpu_count() if request.get("gpus") else 0
    return {"cpus": cpus, "memory": memory, "gpus": gpus, "python": list(sys.version_info[:3])}


_ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "start": start,
    "look": lambda request: {"seen": look(request["tokens"])},
    "cancel": cancel,
    "check": check,
}
