"""Reads what DVC recorded in `*.dvc` and `dvc.lock` files (https://dvc.org/doc/user-guide/project-structure)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import yaml

from labnb.adapters.dvc.cache import listing_digest
from labnb.adapters.dvc.out import LOCK, Out
from labnb.model.errors import DataStoreError

# The C loader reads a lock file of a thousand stages in a tenth of the time; wheels of PyYAML have it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

PIPELINE = "dvc.yaml"


def read_pointer(path: str, top: str) -> list[Out]:
    """Read the outputs (and, last, the dependencies) that a pointer records, inside the DVC project at `top`.

    Raises DataStoreError where the file cannot be read, naming it. Paths that lead out of the project, to another
    machine or nowhere are passed over.
    """
    data = _parse(path)
    if data is None:
        return []
    if not isinstance(data, dict):
        raise _broken(path, "it is no mapping")
    found = _from_lock(data, path) if os.path.basename(path) == LOCK else _from_file(data, path)
    outs: list[Out] = []
    last: list[Out] = []
    for item, base, dependency in found:
        out = _out(item, base, top)
        if out is not None:
            (last if dependency else outs).append(out)
    return outs + last


def _from_file(data: dict[Any, Any], path: str) -> Iterator[tuple[Any, str, bool]]:
    base = os.path.join(os.path.dirname(path), str(data.get("wdir") or "."))
    for item in _items(data.get("outs"), path):
        yield item, base, False


def _from_lock(data: dict[Any, Any], path: str) -> Iterator[tuple[Any, str, bool]]:
    here = os.path.dirname(path)
    stages = data.get("stages", {}) if "schema" in data else data
    if not isinstance(stages, dict):
        raise _broken(path, "its stages are no mapping")
    folders = _working_folders(os.path.join(here, PIPELINE))
    for name, stage in stages.items():
        if not isinstance(stage, dict):
            continue
        wdir = folders.get(str(name), folders.get(str(name).partition("@")[0], "."))
        if "${" in wdir:  # only DVC can tell what a template stands for
            continue
        for kind in ("outs", "deps"):
            for item in _items(stage.get(kind), path):
                yield item, os.path.join(here, wdir), kind == "deps"


def _working_folders(path: str) -> dict[str, str]:
    """Give the working folder of each stage that has one: the lock file's paths are relative to it."""
    try:
        with open(path, "rb") as file:
            if b"wdir" not in file.read(10_000_000):
                return {}
    except OSError:
        return {}
    data = _parse(path)
    stages = data.get("stages") if isinstance(data, dict) else None
    folders = {}
    for name, stage in (stages if isinstance(stages, dict) else {}).items():
        inner = stage.get("do", stage) if isinstance(stage, dict) else None
        if isinstance(inner, dict) and inner.get("wdir"):
            folders[str(name)] = str(inner["wdir"])
    return folders


def _items(value: object, path: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _broken(path, "its outputs are no list")
    return value


def _out(item: object, base: str, top: str) -> Out | None:
    if not isinstance(item, dict):
        return None
    path, md5 = item.get("path"), item.get("md5")
    if not isinstance(path, str) or "://" in path:
        return None
    listed = item.get("files")
    if not md5 and not isinstance(listed, list):
        return None
    absolute = os.path.normpath(os.path.join(base, path))
    if not absolute.startswith(top.rstrip(os.sep) + os.sep):
        return None
    files = {}
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("relpath") and entry.get("md5"):
            files[str(entry["relpath"])] = str(entry["md5"])
    return Out(absolute, str(md5 or listing_digest(files)), top, legacy="hash" not in item, files=files)


def _parse(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            return yaml.load(file, Loader=_Loader)  # noqa: S506 - a safe loader, the fast one
    except FileNotFoundError:
        return None
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise _broken(path, _reason(error)) from error


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"line {mark.line + 1}: {getattr(error, 'problem', None) or 'no YAML'}"
    return " ".join(str(error).split())[:200]


def _broken(path: str, why: str) -> DataStoreError:
    return DataStoreError(
        f"{path} cannot be read: {why}.", "Resolve merge conflicts in it, or restore it with git checkout."
    )
