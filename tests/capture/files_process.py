"""Runs one cell in a fresh process under a FileWatch, and gives what its record says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SCRIPT = """
import builtins, json, os, sys, time
from pathlib import Path
job = json.loads(Path(sys.argv[1]).read_text())
sys.path.insert(0, job["code"])
if job["system"] == "unprivileged":
    # Without this one capability root is to fanotify what every user is.
    import ctypes
    head, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None)
    assert libc.capget(head, sets) == 0
    for index in (0, 1): sets[index] &= ~(1 << 21)
    assert libc.capset(head, sets) == 0
import labnb.capture.files.events as events
if job["system"] == "inotify":
    import labnb.capture.files.fanotify as fanotify
    def refuse(self): raise OSError(1, "not here")
    fanotify.Fanotify.__init__ = refuse
if job["system"] == "none":
    import labnb.capture.files.watch as watch_module
    watch_module.open_watcher = lambda root: None
from labnb.capture.files import FileWatch, StatCache
if __name__ == "__main__":
    root = Path(job["root"])
    os.chdir(root)
    space = globals()  # so that workers find functions by the name of this module
    exec(job["before"], space)
    watch = FileWatch(root, stat_cache=StatCache(root / ".labnb" / "digests.db"))
    watch.open(None); watch.close()
    time.sleep(0.05)
    error = None
    watch.open(root / ".labnb" / "side.jsonl", eval(job["hints"], space))
    try:
        exec(compile(job["cell"], "<cell>", "exec"), space)
    except Exception as raised:
        error = repr(raised)
    report = watch.close()
    again = watch.close()
    assert again is report
    answer = {
        "inputs": [use.to_json() for use in report.inputs],
        "outputs": [use.to_json() for use in report.outputs],
        "notes": [[note.code, note.message, note.hint] for note in report.notes],
        "system": getattr(watch._watcher, "name", None),
        "error": error,
    }
    Path(job["answer"]).write_text(json.dumps(answer))
    watch.stop()
"""


@dataclass
class Seen:
    """What a record says."""

    inputs: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]
    notes: list[list[str]]
    system: str | None
    error: str | None
    log: str = field(default="", repr=False)


def see(
    root: Path,
    cell: str,
    before: str = "",
    *,
    hints: str = "()",
    system: str = "best",
    fails: bool = False,
    timeout: float = 120,
    env: dict[str, str] | None = None,
) -> Seen:
    """Run `before` unrecorded and then `cell` recorded, both in `root`, in a new Python process.

    `system` is "best", "inotify", "none" (no news of folders) or "unprivileged" (as any
    user is to fanotify; needs root).
    """
    beside = root.parent / f"{root.name}-job"
    beside.mkdir(exist_ok=True)
    script, job, answer = beside / "run.py", beside / "job.json", beside / "answer.json"
    script.write_text(_SCRIPT)
    code = Path(__file__).resolve().parents[2]
    job.write_text(
        json.dumps(
            {
                "code": str(code),
                "root": str(root),
                "before": textwrap.dedent(before),
                "cell": textwrap.dedent(cell),
                "hints": hints,
                "system": system,
                "answer": str(answer),
            }
        )
    )
    done = subprocess.run(
        [sys.executable, str(script), str(job)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        check=False,
    )
    assert answer.exists(), done.stdout + done.stderr
    data = json.loads(answer.read_text())
    answer.unlink()
    if not fails:
        assert data["error"] is None, data["error"]
    return Seen(
        {use["path"]: use for use in data["inputs"]},
        {use["path"]: use for use in data["outputs"]},
        data["notes"],
        data["system"],
        data["error"],
        done.stdout + done.stderr,
    )
