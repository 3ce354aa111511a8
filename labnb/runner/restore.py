"""The state of a cell: its names, as they were in the session."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import linecache
import os
import pickle
import random
import stat
import sys
from functools import partial
from pathlib import Path
from typing import Any

from labnb.model.job_request import JobRequest
from labnb.runfolder.job_paths import JobStore
from labnb.runner.after_import import after_import


class NotRestored(Exception):
    """The cell cannot run here; the message says why, and what to do."""


class _Loads(pickle.Unpickler):
    """Reads what `labnb.capture.state` packed: large values lie in objects of their own."""

    def __init__(self, file: Any, store: JobStore, names: dict[str, Any]) -> None:
        super().__init__(file)
        self._store = store
        self._names = names
        self._large: dict[int, Any] = {}

    def persistent_load(self, key: Any) -> Any:
        if key[0] == "main":
            return self._names
        _, digest, number = key
        if number not in self._large:
            with contextlib.closing(open_object(self._store.object(digest), digest)) as file:
                self._large[number] = pickle.load(file)  # noqa: S301 - the user's own, digest checked
        return self._large[number]


def open_object(path: Path, digest: str) -> Any:
    """Open an object to unpickle: the user's own, nobody else may write it, and its content is what was packed.

    Raises NotRestored.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - given to the caller
    except OSError as error:
        raise NotRestored(f"The state of the cell is not there: {error}.") from None
    try:
        status = os.fstat(file.fileno())
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
            raise NotRestored(f"{path} could have been written by others; it is not unpickled.")
        found = hashlib.sha256()
        while chunk := file.read(1 << 20):
            found.update(chunk)
        if found.hexdigest() != digest:
            raise NotRestored(f"{path} is damaged: its content is not what was sent.")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def restore(request: JobRequest, names: dict[str, Any], carried: str) -> None:
    """Bind the names of the request in `names`; `carried` is the place that cloudpickle travelled in.

    Raises NotRestored.
    """
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    theirs = ".".join(request.python.split(".")[:2])
    if request.by_value and theirs and theirs != mine:
        raise NotRestored(
            f"The target runs Python {mine}, the notebook {theirs}, and code made in the notebook "
            f"({', '.join(request.by_value[:5])}) cannot cross versions. Name a Python of the same version in the "
            f'target\'s `python`, or set environment = "uv"; or move that code into a module of the project.'
        )
    for name, how in request.names.items():
        if "import" in how or "module" in how:
            names[name] = _imported(name, how, request)
    if request.state:
        _load_state(request, names, carried)
    names.update(request.bind)


def _imported(name: str, how: dict[str, Any], request: JobRequest) -> Any:
    wanted = how.get("import") or how["module"]
    try:
        module = importlib.import_module(wanted)
        return getattr(module, how["attribute"]) if "attribute" in how else module
    except Exception as error:
        raise NotRestored(_lacking(f"{name} needs the module {wanted}", error, request)) from error


def _load_state(request: JobRequest, names: dict[str, Any], carried: str) -> None:
    store = JobStore(Path(request.objects_folder).parent)
    with contextlib.closing(open_object(Path(request.objects_folder) / request.state, request.state)) as file:
        carry_cloudpickle(carried)
        loads = _Loads(file, store, names)
        try:
            header = pickle.load(file)  # noqa: S301 - the user's own, digest checked; with a memory of its own
            for place, text in header["sources"].items():
                show_source(place, text)
        except Exception as error:
            raise NotRestored(f"The state of the cell cannot be read: {type(error).__name__}: {error}.") from error
        for name in header["names"]:
            try:
                value = loads.load()
            except NotRestored:
                raise
            except Exception as error:
                raise NotRestored(_lacking(f"{name} could not be restored", error, request)) from error
            names[name] = value
    _set_generators(header["random"])


def _lacking(what: str, error: Exception, request: JobRequest) -> str:
    """Say why something cannot be had here, with the version of the package there and here."""
    missing = (error.name or "") if isinstance(error, ImportError) else ""
    package = missing.partition(".")[0]
    there = request.packages.get(package) or request.packages.get(package.replace("_", "-"), "")
    advice = 'Install it there, or rebuild the environment with environment = "uv".'
    if missing and there:
        return f"{what}, and the target has no {missing} as {package} {there} has it here: {error}. {advice}"
    if missing:
        return f"{what}, and the target has no {missing}: {error}. {advice}"
    return f"{what}: {type(error).__name__}: {error}. Do the versions of its package differ?"


def carry_cloudpickle(carried: str) -> Any:
    """Give cloudpickle as it travelled: pickles of another version could not be read."""
    found = sys.modules.get("cloudpickle")
    if found is not None:
        return found
    sys.path.insert(0, carried)
    try:
        return importlib.import_module("cloudpickle")
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(carried)


def show_source(place: str, text: str) -> None:
    """Let tracebacks and `inspect` find the source of code that has no file here."""
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)


def _set_generators(states: dict[str, bytes]) -> None:
    """Put the global random generators where they stood in the session; those of libraries once they are imported."""
    if "random" in states:
        random.setstate(pickle.loads(states["random"]))  # noqa: S301 - part of the checked state
    for name, module in (("numpy", "numpy.random"), ("torch", "torch")):
        if name in states:
            after_import(module, partial(_set_generator, module, states[name]))


def _set_generator(module: str, state: bytes) -> None:
    loaded: Any = sys.modules[module]
    with contextlib.suppress(Exception):  # another version of the library: then it draws anew
        if module == "numpy.random":
            loaded.set_state(pickle.loads(state))  # noqa: S301 - part of the checked state
        else:
            loaded.set_rng_state(loaded.frombuffer(bytearray(state), dtype=loaded.uint8))
