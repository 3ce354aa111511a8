"""What pointers say, in the work tree or at any revision: datasets with versions, where they come from, and stages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from labnb.adapters.dvc.out import LOCK
from labnb.model.errors import DataStoreError
from labnb.model.wording import short

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

PIPELINE = "dvc.yaml"


@dataclass(frozen=True)
class Entry:
    """One output (or dependency) that a pointer records; `path` is absolute, `project` the folder of its DVC project.

    `origin` is "added", "stage", "import" or "import-url", `source` the stage or where it was imported from. `notes`
    are what `labnb data add` wrote beside it: message, tags, author, time.
    """

    path: str
    md5: str | None
    project: str
    pointer: str
    size: int | None = None
    nfiles: int | None = None
    legacy: bool = False
    listed: dict[str, str] = field(default_factory=dict)
    origin: str = "added"
    source: str = ""
    dependency: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> bool:
        return bool(self.md5 and self.md5.endswith(".dir"))


def read_entries(pointer: str, text: bytes, project: str, pipeline: bytes | None = None) -> list[Entry]:
    """Read what a pointer (a `.dvc` file, or `dvc.lock` with the `dvc.yaml` beside it) records.

    `pointer` is its absolute path, whether or not it lies there now. Entries that lead out of the DVC project, to
    another machine or nowhere are passed over. Raises DataStoreError, naming the file, where it cannot be understood.
    """
    data = _parse(text, pointer)
    if not isinstance(data, dict):
        if data is None:
            return []
        raise _broken(pointer, "it is no mapping")
    lock = os.path.basename(pointer) == LOCK
    return list(_from_lock(data, pointer, project, pipeline) if lock else _from_file(data, pointer, project))


def unrun_outputs(pipeline: str, text: bytes, project: str) -> list[Entry]:
    """Read the outputs that a `dvc.yaml` names: those of stages that never ran have no version yet."""
    data = _parse(text, pipeline)
    stages = data.get("stages") if isinstance(data, dict) else None
    found = []
    for name, stage in (stages if isinstance(stages, dict) else {}).items():
        if not isinstance(stage, dict):
            continue
        wdir = str(stage.get("wdir") or ".")
        for item in stage.get("outs") or ():
            path, options = next(iter(item.items())) if isinstance(item, dict) and item else (item, None)
            cached = not (isinstance(options, dict) and options.get("cache") is False)
            if isinstance(path, str) and "${" not in path + wdir and cached:
                absolute = _inside(path, os.path.join(os.path.dirname(pipeline), wdir), project)
                if absolute is not None:
                    found.append(Entry(absolute, None, project, pipeline, origin="stage", source=str(name)))
    return found


def name_of(path: str, root: str, project: str) -> str:
    """Name a dataset: its path relative to labnb's project, also when DVC's project begins above it."""
    inside = f"{root}/".startswith(project.rstrip("/") + "/") or path.startswith(root.rstrip("/") + "/")
    return PurePosixPath(os.path.relpath(path, root)).as_posix() if inside else path


def _from_file(data: dict[Any, Any], pointer: str, project: str) -> Iterator[Entry]:
    base = os.path.join(os.path.dirname(pointer), str(data.get("wdir") or "."))
    origin, source = _origin(data.get("deps"))
    notes = _notes(data.get("meta"))
    for item in _list(data.get("outs"), pointer):
        entry = _entry(item, base, pointer, project, origin, source)
        if entry is not None:
            own = _notes(item.get("meta"))
            yield Entry(**{**entry, "notes": {**notes, **own}})


def _from_lock(data: dict[Any, Any], pointer: str, project: str, pipeline: bytes | None) -> Iterator[Entry]:
    stages = data.get("stages", {}) if "schema" in data else data
    if not isinstance(stages, dict):
        raise _broken(pointer, "its stages are no mapping")
    folders = working_folders(pipeline, pointer)
    for name, stage in stages.items():
        wdir = folders.get(str(name), folders.get(str(name).partition("@")[0], "."))
        if not isinstance(stage, dict) or "${" in wdir:  # only DVC can tell what a template stands for
            continue
        base = os.path.join(os.path.dirname(pointer), wdir)
        for kind in ("outs", "deps"):
            for item in _list(stage.get(kind), pointer):
                entry = _entry(item, base, pointer, project, "stage", str(name))
                if entry is not None:
                    yield Entry(**{**entry, "dependency": kind == "deps"})


def _entry(item: Any, base: str, pointer: str, project: str, origin: str, source: str) -> dict[str, Any] | None:
    if not isinstance(item, dict) or not isinstance(item.get("path"), str) or "://" in item["path"]:
        return None
    md5, listed = item.get("md5"), item.get("files")
    files = {}
    for part in listed if isinstance(listed, list) else []:
        if isinstance(part, dict) and part.get("relpath") and part.get("md5"):
            files[str(part["relpath"])] = str(part["md5"])
    if not md5 and files:
        from labnb.adapters.dvc.cache import listing_digest

        md5 = listing_digest(files)
    absolute = _inside(item["path"], base, project)
    if absolute is None or (md5 is not None and not is_digest(str(md5))):
        return None
    return {
        "path": absolute,
        "md5": str(md5) if md5 else None,
        "project": project,
        "pointer": pointer,
        "size": item["size"] if isinstance(item.get("size"), int) else None,
        "nfiles": item["nfiles"] if isinstance(item.get("nfiles"), int) else None,
        "legacy": "hash" not in item,
        "listed": files,
        "origin": origin,
        "source": source,
    }


def is_digest(text: str) -> bool:
    """Whether a text is a digest of DVC's: nothing else may become part of a path in the cache."""
    plain = text.removesuffix(".dir")
    return len(plain) == 32 and all(char in "0123456789abcdef" for char in plain)


def _inside(path: str, base: str, project: str) -> str | None:
    absolute = os.path.normpath(os.path.join(base, path))
    return absolute if absolute.startswith(project.rstrip(os.sep) + os.sep) else None


def _origin(deps: Any) -> tuple[str, str]:
    """Tell an import, and where it comes from, by the dependency that `dvc import` and `import-url` write."""
    for item in deps if isinstance(deps, list) else []:
        if not isinstance(item, dict):
            continue
        repo = item.get("repo")
        if isinstance(repo, dict) and repo.get("url"):
            revision = repo.get("rev") or str(repo.get("rev_lock") or "")[:8]
            return "import", f"{_public(repo['url'])} {item.get('path', '')}" + (f" at {revision}" if revision else "")
        if item.get("path"):
            return "import-url", _public(item["path"])
    return "added", ""


def _public(address: object) -> str:
    """Take user and password out of an address."""
    text = str(address)
    scheme, slashes, rest = text.partition("://")
    if slashes and "@" in rest.partition("/")[0]:
        rest = rest.partition("@")[2]
    return f"{scheme}{slashes}{rest}" if slashes else text


def _notes(meta: Any) -> dict[str, Any]:
    found = meta.get("labnb") if isinstance(meta, dict) else None
    return dict(found) if isinstance(found, dict) else {}


def working_folders(pipeline: bytes | None, pointer: str) -> dict[str, str]:
    """Give the working folder of each stage that has one: the lock file's paths are relative to it."""
    if not pipeline or b"wdir" not in pipeline:
        return {}
    data = _parse(pipeline, os.path.join(os.path.dirname(pointer), PIPELINE))
    stages = data.get("stages") if isinstance(data, dict) else None
    folders = {}
    for name, stage in (stages if isinstance(stages, dict) else {}).items():
        inner = stage.get("do", stage) if isinstance(stage, dict) else None
        if isinstance(inner, dict) and inner.get("wdir"):
            folders[str(name)] = str(inner["wdir"])
    return folders


def _list(value: object, pointer: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _broken(pointer, "its outputs are no list")
    return value


def _parse(text: bytes, path: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, the fast one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: {getattr(error, 'problem', None) or 'no YAML'}" if mark else short(error, 200)
        raise _broken(path, where) from error


def _broken(path: str, why: str) -> DataStoreError:
    return DataStoreError(
        f"{path} cannot be read: {why}.", "Resolve merge conflicts in it, or restore it with git checkout."
    )
