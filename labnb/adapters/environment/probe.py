"""Tells the environment of this process, reading again only what changed."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from labnb.adapters.environment.distributions import Distribution, distributions_in
from labnb.adapters.environment.hardware import hardware, platform_text
from labnb.adapters.environment.variables import relevant
from labnb.model.snapshot import Environment

FORMAT = 1


@dataclass
class _Site:
    """A folder on `sys.path` and the distributions in it, as of a modification time (ns)."""

    changed: int
    found: list[Distribution]


@dataclass
class _Lock:
    """What follows from the sites: the lines, which distribution a module is of, and editable folders."""

    lines: tuple[str, ...]
    owners: dict[str, list[Distribution]]
    shared: frozenset[str]
    editable: list[Distribution]
    known: dict[str, list[Distribution]] = field(default_factory=dict)


class ProcessEnvironment:
    """The environment as `ports.environment.EnvironmentProbe` asks for it.

    `cache` is a folder that may be lost; it holds what was read of each site folder, so that a new kernel need not
    read hundreds of metadata files again. A site folder is read again when its modification time changes, as it does
    whenever something is installed, removed or upgraded.
    """

    def __init__(self, cache: Path) -> None:
        self._file = cache / "environment.json"
        self._sites: dict[str, _Site] | None = None
        self._at: tuple[tuple[str, int], ...] = ()
        self._lock = _Lock((), {}, frozenset(), [])

    def capture(self) -> Environment:
        """Tell it as it is now. Raises nothing: what cannot be read is not there."""
        lock = self._installed()
        return Environment(
            python=platform.python_version(),
            platform=platform_text(),
            lock=lock.lines,
            loaded=loaded(lock, sys.modules),
            variables=relevant(os.environ),
            hardware=dict(hardware()),
        )

    def _installed(self) -> _Lock:
        at = tuple(_site_folders(sys.path))
        if self._sites is not None and at == self._at:
            return self._lock
        if self._sites is None:
            self._sites = self._load()
        read = False
        for folder, changed in at:
            site = self._sites.get(folder)
            if site is None or site.changed != changed:
                self._sites[folder] = _Site(changed, list(distributions_in(folder)))
                read = True
        if read:
            self._store(self._sites)
        self._at = at
        self._lock = _lock_of([self._sites[folder].found for folder, _ in at])
        return self._lock

    def _load(self) -> dict[str, _Site]:
        try:
            data = json.loads(self._file.read_bytes())
            if data["format"] != FORMAT:
                return {}
            return {
                folder: _Site(int(site["changed"]), [Distribution.from_json(item) for item in site["found"]])
                for folder, site in data["sites"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _store(self, sites: Mapping[str, _Site]) -> None:
        data: dict[str, Any] = {"format": FORMAT, "sites": {}}
        for folder, site in sites.items():
            data["sites"][folder] = {"changed": site.changed, "found": [item.to_json() for item in site.found]}
        aside = self._file.with_name(f"{self._file.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):  # a cache that cannot be written costs time, not truth
            self._file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(data))
            os.replace(aside, self._file)


def _site_folders(path: list[str]) -> list[tuple[str, int]]:
    """Give the folders that may hold distributions, with their modification times (ns).

    The working folder and the script's are not among them: a file is made there in every other cell.
    """
    here = os.getcwd() if os.path.isdir(".") else ""
    folders: dict[str, int] = {}
    for entry in path:
        if entry in ("", here) or entry in folders or entry.endswith((".zip", "lib-dynload")):
            continue
        with contextlib.suppress(OSError):
            folders[entry] = os.stat(entry).st_mtime_ns
    return list(folders.items())


def _lock_of(sites: list[list[Distribution]]) -> _Lock:
    first: dict[str, Distribution] = {}
    for found in sites:
        for item in found:
            first.setdefault(item.key, item)  # as Python does: the first on the path wins
    chosen = [first[key] for key in sorted(first)]
    owners: dict[str, list[Distribution]] = {}
    for item in chosen:
        for name in item.modules:
            owners.setdefault(name, []).append(item)
    shared = frozenset(name.partition(".")[0] for name in owners if "." in name)
    return _Lock(tuple(item.line for item in chosen), owners, shared, [item for item in chosen if item.source])


def loaded(lock: _Lock, modules: Mapping[str, ModuleType]) -> dict[str, str]:
    """Map the distributions whose modules were imported to their versions."""
    names = set()
    for module in list(modules):
        first, dot, rest = module.partition(".")
        names.add(f"{first}.{rest.partition('.')[0]}" if dot and first in lock.shared else first)
    found: dict[str, str] = {}
    for name in names:
        first = name.partition(".")[0]
        if first in sys.stdlib_module_names:
            continue
        owners = lock.known.get(name)
        if owners is None:
            owners = lock.owners.get(name) or (lock.owners.get(first) if "." in name else None)
            owners = owners or _editable_owner(lock, modules.get(first))
            lock.known[name] = owners
        found.update((item.name, item.version) for item in owners)
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def _editable_owner(lock: _Lock, module: ModuleType | None) -> list[Distribution]:
    """Find the editable install that a module's file lies in: its metadata does not list its modules."""
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    if not isinstance(place, str):
        return []
    holding = [item for item in lock.editable if place.startswith(item.source.rstrip("/") + "/")]
    return [max(holding, key=lambda item: len(item.source))] if holding else []
