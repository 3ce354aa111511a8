"""The folders of the processes on this machine: ~/.labnb/processes/TOKEN/.

::

    claim       made once: whoever makes it starts the job
    state.json  renewed every few seconds by the job's keeper
    cancel      who wants the job to end; a job not yet begun then never begins
    end.json    how it ended
"""

from __future__ import annotations

import contextlib
import json
import os
import time

TYPE_CHECKING = False  # typing itself would take longer to load than all of this
if TYPE_CHECKING:
    from typing import Any

OLD = 30 * 86400.0


def home() -> str:
    """Name the folder of all."""
    return os.path.join(os.path.expanduser("~"), ".labnb", "processes")


def path_of(token: str, name: str = "") -> str:
    """Name a job's folder, or a file in it."""
    return os.path.join(home(), token, name) if name else os.path.join(home(), token)


def read(token: str, name: str) -> dict[str, Any] | None:
    """Read a file; None where there is none that can be read."""
    try:
        with open(path_of(token, name), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def write(token: str, name: str, data: dict[str, Any]) -> None:
    """Write a file whole."""
    aside = path_of(token, f"{name}.{os.getpid()}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file)
    os.replace(aside, path_of(token, name))


def make(token: str) -> None:
    """Make a job's folder."""
    os.makedirs(home(), 0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path_of(token), 0o700)


def claim(token: str) -> bool:
    """Whether it is this process that may start the job."""
    try:
        number = os.open(path_of(token, "claim"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    os.write(number, json.dumps({"pid": os.getpid(), "time": time.time()}).encode())
    os.close(number)
    return True


def tokens() -> list[str]:
    """Name the jobs that have a folder here."""
    try:
        return os.listdir(home())
    except OSError:
        return []


def tidy() -> None:
    """Remove what ended long ago."""
    import shutil

    for token in tokens():
        with contextlib.suppress(OSError):
            if os.stat(path_of(token, "end.json")).st_mtime < time.time() - OLD:
                shutil.rmtree(path_of(token), ignore_errors=True)
