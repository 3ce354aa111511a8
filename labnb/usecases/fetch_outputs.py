"""Fetch the files that a job wrote."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from labnb.model.errors import NotFound
from labnb.ports.host import Host
from labnb.runfolder.job_index import JobFolder, read_json
from labnb.runfolder.job_paths import JobPaths
from labnb.usecases.send_job import target_of


def fetch_outputs(folder: JobFolder, reach: Callable[[str], Host], inner: str) -> dict[str, Path]:
    """Give the files that the cell wrote by their path in the project; those of another machine are brought here.

    `inner` is where in the work tree the project lies. Files outside of the work tree stay where they are; those of
    another machine are left out. Raises what the host raises.
    """
    told = read_json(folder.paths.files) or {}
    names = [str(use["path"]) for use in told.get("outputs") or () if isinstance(use, dict) and "path" in use]
    host = reach(target_of(folder).host)
    found: dict[str, Path] = {}
    missing: dict[str, Path] = {}
    far = JobPaths(Path(folder.read().folder or folder.paths.folder))
    for name in names:
        inside = not name.startswith("/") and ".." not in Path(name).parts
        if host.local:
            path = folder.paths.work / inner / name if inside else Path(name)
            if path.exists():
                found[name] = path
        elif inside:
            found[name] = folder.paths.work / inner / name
            if not found[name].exists():
                missing[str(far.work / inner / name)] = found[name]
    if missing:
        try:
            host.get(missing)
        except NotFound:
            found = {name: path for name, path in found.items() if path.exists()}
    return found


def fetch_again(folder: JobFolder, reach: Callable[[str], Host]) -> None:
    """Bring the values of a job of another machine once more. Raises what the host raises."""
    host = reach(target_of(folder).host)
    place = folder.read().folder
    if host.local or not place:
        return
    far = JobPaths(Path(place))
    with contextlib.suppress(NotFound):
        host.get({str(far.values): folder.paths.values})
        digests = [item.get("object") for item in (read_json(folder.paths.values) or {}).values()]
        host.get({str(far.value(name)): folder.paths.value(name) for name in digests if name and name.isalnum()})
