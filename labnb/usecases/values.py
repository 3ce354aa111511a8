"""Values and exceptions that a job gave back: read from the user's own folder only, one by one, when asked for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from labnb.model.errors import JobError, nearest
from labnb.runfolder.job_paths import JobPaths


@dataclass(frozen=True, slots=True)
class Returned:
    """One name that was asked for: its value's type and size in bytes, or why it did not come back."""

    name: str
    type: str = ""
    size: int = 0
    object: str = ""
    error: str = ""
    hint: str = ""


def returned(paths: JobPaths) -> dict[str, Returned]:
    """Tell what came back; nothing is unpickled. Empty where the job returned nothing."""
    index = _read_json(paths.values)
    found = {}
    for name, told in index.items():
        if isinstance(told, dict):
            known = {key: told[key] for key in ("type", "size", "object", "error", "hint") if key in told}
            with contextlib.suppress(TypeError):
                found[name] = Returned(name, **known)
    return found


def load_value(paths: JobPaths, name: str) -> Any:
    """Give the value that a name had in the job.

    Raises JobError where it was not asked for, could not travel, is damaged, cannot be read here, or lies where
    others could have written it.
    """
    known = returned(paths)
    if name not in known:
        hint = nearest(name, known) or "Ask for it when the cell is submitted: --out " + name
        raise JobError(f"The job returned no {name!r}.", hint)
    value = known[name]
    if value.error:
        raise JobError(f"{name} did not come back from the job. {value.error}", value.hint)
    if len(value.object) != 64 or not set(value.object) <= set("0123456789abcdef"):
        raise JobError(f"The index of the job's values is damaged at {name}.", "labnb collect fetches them anew.")
    try:
        with contextlib.closing(_open(paths, paths.value(value.object), value.object)) as file:
            return pickle.load(file)  # noqa: S301 - the user's own folder, digest checked
    except FileNotFoundError:
        raise JobError(f"The value of {name} is not here.", "labnb collect fetches it.") from None
    except JobError:
        raise
    except Exception as error:
        raise JobError(
            f"The value of {name} ({value.type}) cannot be read here: {type(error).__name__}: {error}.", _version(error)
        ) from error


def load_error(paths: JobPaths) -> BaseException | None:
    """Give the exception that ended the cell, as it was, with the far traceback as a note; None where there was none.

    One that could not be pickled, or cannot be read here, comes as a JobError with its text.
    """
    told = (_read_json(paths.end) or _read_json(paths.stopped)).get("error")
    if not isinstance(told, dict):
        return None
    trace = str(told.get("traceback", "")).strip()
    found: BaseException | None = None
    if told.get("pickled"):
        try:
            with contextlib.closing(_open(paths, paths.error, str(told.get("digest", "")))) as file:
                loaded = pickle.load(file)  # noqa: S301 - the user's own folder
            if isinstance(loaded, BaseException):
                found = loaded
        except JobError as error:
            return error
        except Exception:  # noqa: BLE001 - its class is not here: then its text is
            found = None
    if found is None:
        found = JobError(f"{told.get('type', 'Exception')}: {told.get('message', '')}".rstrip(": "))
    note = f"The cell raised this in the job:\n{trace}"
    if hasattr(found, "add_note"):
        found.add_note(note)
    else:  # Python 3.10: tracebacks show no notes, but tools that know of them do
        with contextlib.suppress(Exception):
            found.__notes__ = [*getattr(found, "__notes__", ()), note]
    return found


def _open(paths: JobPaths, path: Path, digest: str) -> BinaryIO:
    """Open a file to unpickle, where nobody but the user could have written it, and its content is as told."""
    for folder in (paths.folder, paths.home, path.parent):
        _own(os.stat(folder), folder)
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)), "rb")
    try:
        _own(os.fstat(file.fileno()), path)
        found = hashlib.sha256()
        while chunk := file.read(1 << 20):
            found.update(chunk)
        if found.hexdigest() != digest:
            raise JobError(f"{path} is damaged: the job wrote another content.", "labnb collect fetches it.")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _own(status: os.stat_result, path: Path) -> None:
    if not hasattr(os, "getuid"):
        return
    if status.st_uid != os.getuid():
        raise JobError(
            f"{path} belongs to another user; values are unpickled from one's own folders only.",
            "What a pickle does when it is read is up to who wrote it.",
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise JobError(
            f"{path} can be written by others; values are unpickled from private folders only.",
            f"If nobody did: chmod go-w {str(path)!r}",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _version(error: Exception) -> str:
    if isinstance(error, ImportError) and error.name:
        return f"The package {error.name.partition('.')[0]} is needed here as well."
    return "Do the versions of its package differ between here and the target?"
