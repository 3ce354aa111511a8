"""A job's cell runs once: the start that claims the job runs it, others see the claim and end."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labnb.runfolder.job_paths import JobPaths
from labnb.runfolder.owner import Owner

#: Seconds that a start waits for the process it replaces to be gone: a preempted one may still be saving.
PATIENCE = 10.0
#: A job that ended so may be started again by its scheduler; one that ended otherwise has its result.
STOPPED = ("CANCELLED", "TIMEOUT")


@dataclass(frozen=True)
class Claim:
    """The right to run the cell; `starts` counts the starts that had it, this one included."""

    starts: int
    why: str


@dataclass(frozen=True)
class Refusal:
    """Why this start must not run the cell."""

    why: str


def claim(paths: JobPaths) -> Claim | Refusal:
    """Claim the job, taking over from a start that is gone. Every start is noted in job/starts.jsonl.

    Raises OSError where the job folder cannot be written.
    """
    mine = {
        "key": secrets.token_hex(8),
        "starts": 1,
        "restart": _restarts(),
        "slurm": os.environ.get("SLURM_JOB_ID", ""),
        "time": time.time(),
        **dataclasses.asdict(Owner.this()),
    }
    answer: Claim | Refusal = Claim(1, "first start")
    if not _make(paths.claim, mine):
        answer = _take_over(paths, mine)
    word = "runs" if isinstance(answer, Claim) else "refused"
    line = json.dumps({"t": mine["time"], "answer": word, "why": answer.why, **mine}) + "\n"
    handle = os.open(paths.starts, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
    return answer


def _make(path: Path, content: dict[str, Any]) -> bool:
    """Make the claim with its content, or find it made: never half written, also where the process is killed."""
    text = json.dumps(content)
    aside = path.with_name(f".claim.{content['key']}")
    aside.write_text(text, encoding="utf-8")
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    finally:
        aside.unlink()
    return True


def _take_over(paths: JobPaths, mine: dict[str, Any]) -> Claim | Refusal:
    end = _read(paths.end)
    if end and end.get("state") not in STOPPED:
        return Refusal(f"the job has ended already: {end.get('state')}")
    old = _current(paths)
    try:
        owner = Owner.from_json(old)
        starts, restart, key = int(old["starts"]), int(old["restart"]), str(old["key"])
    except (TypeError, ValueError, KeyError):
        return Refusal("another start claimed the job, and it cannot be read which")
    requeued = mine["restart"] > restart and mine["slurm"] == old.get("slurm")
    if end and not requeued:
        return Refusal(f"the job has ended already: {end.get('state')}")
    forgotten = _same(_read(paths.forgotten).get("owner"), owner)
    if not requeued and not forgotten and owner.host != mine["host"]:
        return Refusal(f"a start on {owner.host} claimed the job")
    deadline = time.monotonic() + (PATIENCE if requeued else 0)
    while owner.host == mine["host"] and owner.lives():
        if time.monotonic() >= deadline:
            return Refusal(f"the start with process {owner.pid} on {owner.host} still runs")
        time.sleep(0.1)
    mine["starts"] = starts + 1
    # Of several that saw the same dead claim, the one that makes this file goes on.
    if not _make(_after(paths, key), mine):
        return Refusal("another start took the job over")
    for path in (paths.end, paths.stopped):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, path.with_name(f"{path.stem}.{starts}.json"))
    why = "requeued" if requeued else "its scheduler had forgotten it" if forgotten else "its process was gone"
    return Claim(starts + 1, why)


def _same(told: Any, owner: Owner) -> bool:
    """Whether the near side names this process as one that gives no sign of life any more."""
    names = ("host", "pid", "started")
    return isinstance(told, dict) and all(told.get(name) == getattr(owner, name) for name in names)


def _after(paths: JobPaths, key: str) -> Path:
    return paths.claim.with_name(f"claim.after-{key}")


def _current(paths: JobPaths) -> dict[str, Any]:
    """Give the last claim of the chain: each take-over is a file of its own, so that two cannot happen at once."""
    found = _read(paths.claim)
    while following := _read(_after(paths, str(found.get("key", "")))):
        found = following
    return found


def _restarts() -> int:
    with contextlib.suppress(ValueError):
        return int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    return 0


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
