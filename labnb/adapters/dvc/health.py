"""What the doctor wants to know of DVC: its projects and their remotes, from their files; DVC is not imported.

A remote on the network is asked for a connection and no more: no password is needed for that.
"""

from __future__ import annotations

import configparser
import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from labnb.model.health import DvcProject, Remote

_REMOTE = re.compile(r"""^'?remote\s+"(.+)"'?$""")
_DEPTH = 2
# Seconds for a connection.
PATIENCE = 3.0
# The packages that DVC needs for addresses of a kind; http comes with it.
_PACKAGES = {
    "s3": "dvc-s3", "gs": "dvc-gs", "azure": "dvc-azure", "ssh": "dvc-ssh", "hdfs": "dvc-hdfs", "oss": "dvc-oss",
    "webhdfs": "dvc-webhdfs", "gdrive": "dvc-gdrive", "webdav": "dvc-webdav", "webdavs": "dvc-webdav",
}  # fmt: skip
_PORTS = {"http": 80, "https": 443, "ssh": 22, "webdav": 80, "webdavs": 443, "webhdfs": 9870, "hdfs": 8020}


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
    remotes: dict[str, tuple[Path, str, str]] = {}
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
                remotes[found[1]] = path.parent, url, parser.get(section, "endpointurl", fallback="")
    with ThreadPoolExecutor(8) as threads:  # several that do not answer are waited for together
        found_all = tuple(threads.map(lambda item: _remote(item[0], *item[1]), remotes.items()))
    return DvcProject(str(folder), found_all)


def _remote(name: str, config: Path, url: str, endpoint: str) -> Remote:
    if "://" in url and not url.startswith("file://"):
        package = _PACKAGES.get(url.partition("://")[0].lower(), "")
        return Remote(name, _plain(url), _answers(endpoint or url), missing="" if _installed(package) else package)
    place = os.path.join(config, os.path.expanduser(url.removeprefix("file://")))
    # DVC makes the folder at the first push: one above it must be there.
    above = os.path.normpath(place)
    if not os.path.isdir(above):
        above = os.path.dirname(above)
        while not os.path.isdir(above) and above.startswith(str(config.parent)):
            above = os.path.dirname(above)
    there = os.path.isdir(above) and os.access(above, os.R_OK | os.X_OK)
    return Remote(name, _plain(url), there, there and os.access(above, os.W_OK))


def _answers(url: str) -> bool | None:
    """Whether somebody listens there; None where the address names no server."""
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port or _PORTS.get(address.scheme.lower())
    except ValueError:
        return None
    if not host or not port:
        return None
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except OSError:
        return False
    return True


def _installed(package: str) -> bool:
    try:
        return not package or bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _plain(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)
