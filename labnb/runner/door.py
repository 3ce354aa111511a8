"""`import labnb` inside a job: the calls that add to the run work whether or not labnb is installed there."""

from __future__ import annotations

import contextlib
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from labnb.runfolder import active, checkpoint


def path(name: str | os.PathLike[str], rev: str | None = None, repo: str | None = None) -> Path:
    """Give the path of data in the job's work tree: what `labnb.path` is where labnb itself is not installed."""
    place = _root / os.fspath(name)
    if rev is None and repo is None and place.exists():
        return place
    raise FileNotFoundError(
        f"labnb.path: {os.fspath(name)!r} is not in the work tree of the job"
        + (f" at {rev or repo!r}: install labnb on the target to read other versions." if rev or repo else ".")
    )


def open_data(
    name: str | os.PathLike[str],
    mode: str = "r",
    rev: str | None = None,
    repo: str | None = None,
    encoding: str | None = None,
) -> Any:
    """Open data in the job's work tree for reading."""
    return open(path(name, rev, repo), mode, encoding=encoding or (None if "b" in mode else "utf-8"))


_root = Path()

NAMES: dict[str, Any] = {
    "artifact": active.artifact,
    "checkpoint": checkpoint.checkpoint,
    "log": active.log,
    "param": active.param,
    "tag": active.tag,
}


def open_door(root: str) -> None:
    """Answer `import labnb` from now on; `root` is the work tree."""
    global _root
    _root = Path(root)
    sys.meta_path.insert(0, _Door())
    loaded = sys.modules.get("labnb")
    if loaded is not None:
        _furnish(loaded)


class _Door(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "labnb":
            return None
        installed = None
        with contextlib.suppress(Exception):
            installed = PathFinder.find_spec("labnb")
        if installed is None or installed.loader is None:
            return ModuleSpec("labnb", _Stub(None), is_package=True)
        installed.loader = _Stub(installed.loader)
        return installed


class _Stub(Loader):
    """Loads the installed labnb where there is one, and puts the job's own functions into it."""

    def __init__(self, installed: Any) -> None:
        self._installed = installed

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(path=path, open=open_data)
        if self._installed is not None:
            with contextlib.suppress(Exception):  # one that cannot be imported here is as good as none
                self._installed.exec_module(module)
                for name in ("path", "open"):
                    vars(module).pop(name)
        _furnish(module)


def _furnish(module: ModuleType) -> None:
    for name, value in NAMES.items():
        setattr(module, name, value)
