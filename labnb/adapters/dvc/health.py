"""What the doctor wants to know of DVC: its projects and their remotes, from their files; DVC is not imported."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from labnb.model.health import DvcProject, Remote

_REMOTE = re.compile(r"""^'?remote\s+"(.+)"'?$""")
_DEPTH = 2


def dvc_version() -> str | None:
    """Give the version of the installed DVC, None where there is none."""
    try:
        return metadata.version("dvc")
    except metadata.PackageNotFoundError:
        return None


def dvc_projects(root: Path) -> tuple[DvcProject, ...]:
    """Find the DVC projects that a project's data may belong to: around it, and a little below."""
    return tuple(_project(folder) for folder in _roots(root.resolve()))


def _roots(root: Path) -> Iterator[Path]:
    for folder in (root, *root.parents):
        if (folder / ".dvc").is_dir():
            yield folder
            break
    yield from _below(root, _DEPTH)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        children = sorted(child for child in folder.iterdir() if not child.name.startswith(".") and child.is_dir())
    except OSError:
        return
    for child in children[:200]:
        if (child / ".dvc").is_dir():
            yield child
        elif depth > 1 and child.name not in ("node_modules", "site-packages"):
            yield from _below(child, depth - 1)


def _project(folder: Path) -> DvcProject:
    remotes: dict[str, Remote] = {}
    for name in ("config", "config.local"):
        path = folder / ".dvc" / name
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, configparser.Error) as error:
            reason = str(error).replace("\n", " ")
            return DvcProject(str(folder), problem=f"{path} cannot be read: {reason}.")
        for section in parser.sections():
            found = _REMOTE.match(section)
            url = parser.get(section, "url", fallback="") if found else ""
            if found and url:
                remotes[found[1]] = Remote(found[1], _plain(url), _reachable(path.parent, url))
    return DvcProject(str(folder), tuple(remotes.values()))


def _reachable(config: Path, url: str) -> bool | None:
    if "://" in url and not url.startswith("file://"):
        return None
    place = os.path.join(config, os.path.expanduser(url.removeprefix("file://")))
    # DVC makes the folder at the first push: the folder above must be there.
    there = place if os.path.isdir(place) else os.path.dirname(os.path.normpath(place))
    return os.path.isdir(there) and os.access(there, os.R_OK | os.X_OK)


def _plain(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)
