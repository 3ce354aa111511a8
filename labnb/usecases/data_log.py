"""The versions of datasets with the runs that made and used them, and how a version is found by its names."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labnb.model.dataset import Dataset, VersionEntry
from labnb.model.errors import NotFound, UsageError, nearest
from labnb.model.run import Run
from labnb.ports.data_catalog import DataCatalog

LATEST = "latest"
SHORTEST = 4


@dataclass(frozen=True)
class DataLog:
    """Reads versions; `runs` gives the runs of the project, `root` is its folder."""

    catalog: DataCatalog
    runs: Callable[[], Sequence[Run]]
    root: Path

    def log(self, name: str) -> tuple[VersionEntry, ...]:
        """Give the versions of a dataset, newest first; raises NotFound that lists the nearest names."""
        return self._log(self.name(name))

    def find(self, spec: str) -> VersionEntry:
        """Give the version that NAME@VERSION means; NAME alone means what the work tree's pointer records.

        VERSION is a tag, a digest or the start of one, a revision of the code, or `latest`. Raises NotFound that lists
        the nearest names or versions.
        """
        name, version = self.split(spec)
        found = self._log(name)
        if version is None:
            current = [entry for entry in found if entry.current] or self._latest(found)
            if not current:
                raise NotFound(f"{name} has no version yet.", f"labnb data add {name} makes one.")
            return current[0]
        return self._version(name, version, found)

    def split(self, spec: str) -> tuple[str, str | None]:
        """Part NAME@VERSION; a name may hold "@" itself."""
        before, at, after = spec.rpartition("@")
        if not at or not before:
            return self.name(spec), None
        try:
            return self.name(spec), None
        except NotFound:
            pass
        if not after:
            raise UsageError(f"{spec!r} names no version behind the @.", "Write NAME@VERSION, or NAME alone.")
        return self.name(before), after

    def name(self, text: str) -> str:
        """Give the name of a dataset, which may also be given as a path from the current folder."""
        given = text.strip().rstrip("/") or text
        if not given.strip():
            raise UsageError("A dataset must be named.", "Write NAME or NAME@VERSION; labnb data list shows the names.")
        known = self._names()
        for name in (given, os.path.normpath(given), self._from_here(given)):
            if name in known:
                return name
        raise NotFound(f"There is no dataset {text!r}.", nearest(given, known) or _FIRST)

    def _from_here(self, given: str) -> str:
        path = os.path.normpath(os.path.join(os.getcwd(), os.path.expanduser(given)))
        try:
            return os.path.relpath(os.path.realpath(path), os.path.realpath(self.root))
        except ValueError:
            return given

    def _names(self) -> set[str]:
        names = {dataset.name for dataset in self.catalog.datasets()}
        for run in self.runs():
            names.update(use.dataset for use in (*run.inputs, *run.outputs) if use.dataset and use.version)
        return names

    def _version(self, name: str, version: str, found: tuple[VersionEntry, ...]) -> VersionEntry:
        if version == LATEST:
            latest = self._latest(found)
            if not latest:
                raise NotFound(f"{name} has no version yet.", f"labnb data add {name} makes one.")
            return latest[0]
        tagged = [entry for entry in found if version in entry.tags]
        if tagged:
            return tagged[0]  # the newest that has the tag
        wanted = version.lower().removeprefix("md5:")
        starting = [entry for entry in found if entry.version.startswith(wanted)] if len(wanted) >= SHORTEST else []
        if len(starting) == 1:
            return starting[0]
        if starting:
            listed = ", ".join(entry.version[:12] for entry in starting[:5])
            raise NotFound(f"{len(starting)} versions of {name} start with {version!r}.", f"They are: {listed}.")
        digest, known = self.catalog.at_revision(name, version)
        if digest is not None:
            return next((entry for entry in found if entry.version == digest), VersionEntry(name, digest))
        if known:
            raise NotFound(f"The revision {version} records no {name}.", f"labnb data log {name} lists its versions.")
        names = [*(tag for entry in found for tag in entry.tags), *(entry.version[:8] for entry in found), LATEST]
        hint = nearest(version, [*names, *self.catalog.revisions()])
        raise NotFound(f"{name} has no version {version!r}.", f"{hint} labnb data log {name} lists them.".strip())

    @staticmethod
    def _latest(found: tuple[VersionEntry, ...]) -> list[VersionEntry]:
        """Give the newest that somebody recorded; what a run merely kept counts where there is nothing else."""
        return [entry for entry in found if entry.recorded != "run"] or list(found)

    def _log(self, name: str) -> tuple[VersionEntry, ...]:
        entries = {entry.version: entry for entry in self.catalog.versions(name)}
        for run in sorted(self.runs(), key=lambda run: run.started):
            self._add_run(entries, name, run)
        return tuple(sorted(entries.values(), key=lambda entry: entry.time, reverse=True))

    @staticmethod
    def _add_run(entries: dict[str, VersionEntry], name: str, run: Run) -> None:
        for made, uses in ((False, run.inputs), (True, run.outputs)):
            for use in uses:
                whole = use.path.rstrip("/") == name
                digest = (use.digest or "").removeprefix("md5:")
                if use.dataset == name and use.version:
                    version = use.version
                elif whole and digest in entries:
                    version = digest  # it was written before anybody added it
                else:
                    continue
                if version not in entries:
                    size, files = (use.size, use.files) if whole and digest == version else (None, None)
                    entries[version] = VersionEntry(
                        name, version, run.started, run.user, size=size, files=files, recorded="run"
                    )
                entries[version] = _with_run(entries[version], run, made=made)


def _with_run(entry: VersionEntry, run: Run, *, made: bool) -> VersionEntry:
    if made and run.uid not in entry.made_by:
        entry = dataclasses.replace(entry, made_by=(run.uid, *entry.made_by))
    elif not made and run.uid not in entry.used_by:
        entry = dataclasses.replace(entry, used_by=(run.uid, *entry.used_by))
    if entry.recorded == "run" and not entry.author:
        entry = dataclasses.replace(entry, author=run.user)
    return entry


def used_digests(runs: Iterable[Run]) -> Iterator[str]:
    """Give the versions that recorded runs name: what cleaning up must not take."""
    for run in runs:
        for use in (*run.inputs, *run.outputs):
            if use.version:
                yield use.version


def current_versions(datasets: Iterable[Dataset]) -> Iterator[Dataset]:
    """Give those datasets that have a version."""
    return (dataset for dataset in datasets if dataset.version is not None)


_FIRST = "labnb data add PATH makes the first one."
