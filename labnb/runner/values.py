"""The values that come back: each in an object named by its content, or a reason why it could not travel."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

from labnb.model.job_request import JobRequest
from labnb.runfolder.job_paths import JobPaths


class Room:
    """Bytes kept back from a disk that the cell may fill: half for its values, half for what is told of its end."""

    BYTES = 200_000

    def __init__(self, path: Path) -> None:
        self._path = path
        with contextlib.suppress(OSError):
            path.write_bytes(os.urandom(self.BYTES))

    def half(self) -> None:
        """Give back one half."""
        with contextlib.suppress(OSError):
            os.truncate(self._path, self.BYTES // 2)

    def give(self) -> None:
        """Give back all of it."""
        with contextlib.suppress(OSError):
            self._path.unlink()


class TooLarge(Exception):
    """More bytes than may travel."""


class _Writer:
    """Counts and digests what is written, and stops at a limit."""

    def __init__(self, file: Any, limit: int) -> None:
        self._file = file
        self._limit = limit
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.size += len(view)
        if self.size > self._limit:
            raise TooLarge
        self.digest.update(view)
        self._file.write(view)
        return len(view)


def keep_values(request: JobRequest, paths: JobPaths, names: dict[str, Any], cloudpickle: Any) -> dict[str, Any]:
    """Write the objects of the values; give the index that job/values.json is to hold. Raises OSError."""
    index: dict[str, Any] = {}
    left = request.values_limit
    paths.value_objects.mkdir(mode=0o700, exist_ok=True)
    for name in request.out:
        if name not in names:
            close = difflib.get_close_matches(name, [key for key in names if not key.startswith("_")], n=3)
            hint = f"Did you mean {' or '.join(close)}?" if close else "Only names of the cell itself can come back."
            index[name] = {"error": f"The cell left no name {name!r}.", "hint": hint}
            continue
        value = names[name]
        index[name] = _keep(value, paths.value_objects, min(request.value_limit, left), cloudpickle)
        index[name]["type"] = f"{type(value).__module__}.{type(value).__qualname__}"
        left -= index[name].get("size", 0)
    return index


def _keep(value: Any, folder: Path, limit: int, cloudpickle: Any) -> dict[str, Any]:
    size = getattr(value, "nbytes", 0)
    if isinstance(size, int) and size > limit:
        return _too_large(size, limit)
    aside = folder / f".new-{os.getpid()}"
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            writer = _Writer(file, limit)
            cloudpickle.CloudPickler(writer, protocol=5).dump(value)
        digest = writer.digest.hexdigest()
        os.replace(aside, folder / digest)
    except TooLarge:
        return _too_large(writer.size, limit)
    except OSError as error:
        return {"error": f"It could not be written: {error.strerror or error}.", "hint": "Is the disk full?"}
    except Exception as error:  # noqa: BLE001 - whatever the object's own code raises
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        return {
            "error": f"A {kind} cannot be pickled: {type(error).__name__}: {error}.",
            "hint": "Return what it holds (numbers, arrays, a state_dict), or save it to a file: labnb.artifact(path).",
        }
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()
    return {"object": digest, "digest": f"sha256:{digest}", "size": writer.size}


def _too_large(size: int, limit: int) -> dict[str, Any]:
    return {
        "error": f"It is larger than may travel: {size / 1e6:,.1f} MB or more, the limit is {limit / 1e6:,.1f} MB.",
        "hint": "Write it to a file and keep that: labnb.artifact(path).",
    }


def keep_error(error: BaseException, path: Path, cloudpickle: Any) -> str:
    """Write the exception so that it can be raised again; give its sha256, "" where it cannot be."""
    try:
        data = cloudpickle.dumps(error, protocol=5)
        if type(pickle.loads(data)) is not type(error):  # noqa: S301 - made here, just now
            return ""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except Exception:  # noqa: BLE001 - one that does not survive pickling travels as text
        with contextlib.suppress(OSError):
            path.unlink()
        return ""
    return hashlib.sha256(data).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write the whole file or nothing, and onto the disk: what is told there has happened. Raises OSError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
