"""Reads the distributions of one site folder from their own metadata, as the packaging standards describe it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

# Wheels of these carry the name of a build that only their own index has.
OWN_INDEX = {"torch": "https://download.pytorch.org/whl/"}
OWN_INDEX |= dict.fromkeys(("torchvision", "torchaudio", "pytorch-triton"), OWN_INDEX["torch"])

_NOT_MODULES = ("__pycache__", "..", "bin", "include", "share", "etc")


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution.

    `line` is the requirement that installs it again. `modules` are the top-level modules that it brings, written
    "google.protobuf" where several distributions share the first part. `source` is the folder of an editable install.
    """

    name: str
    version: str
    line: str
    modules: tuple[str, ...] = ()
    source: str = ""

    @property
    def key(self) -> str:
        """The name as the index compares it."""
        return normalised(self.name)

    def to_json(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Distribution:
        """Read what `to_json` gave; raises TypeError or KeyError for anything else."""
        return Distribution(**{**data, "modules": tuple(data["modules"])})


def normalised(name: str) -> str:
    """Write a name as the package index compares it.

    >>> normalised("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions_in(folder: str) -> Iterator[Distribution]:
    """Read every distribution of a folder; what is damaged or half removed is passed over."""
    try:
        with os.scandir(folder) as listing:
            names = sorted(entry.name for entry in listing if entry.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return
    for name in names:
        if name.startswith("~"):  # pip's name for what it is about to remove
            continue
        found = _read(os.path.join(folder, name))
        if found is not None:
            yield found


def _read(path: str) -> Distribution | None:
    wheel = path.endswith(".dist-info")
    metadata = os.path.join(path, "METADATA") if wheel else os.path.join(path, "PKG-INFO")
    if not wheel and os.path.isfile(path):
        metadata = path
    head = _text(metadata, 8192)
    name, version = _field(head, "Name"), _field(head, "Version")
    if not name or not version:
        return None
    line, source = requirement(name, version, path)
    if source:
        modules: set[str] = set(_text(os.path.join(path, "top_level.txt")).split())
    else:
        modules = _modules(_text(os.path.join(path, "RECORD"), 50_000_000), _text(os.path.join(path, "top_level.txt")))
    return Distribution(name, version, line, tuple(sorted(modules)), source)


def requirement(name: str, version: str, path: str) -> tuple[str, str]:
    """Give the line that installs a distribution again, and the folder when it is an editable install."""
    told = _direct_url(path)
    if told is None:
        index = OWN_INDEX.get(normalised(name), "")
        build = version.partition("+")[2]
        return f"{name}=={version}" + (f"  # from {index}{build}" if index and build else ""), ""
    url, info = told
    folder = unquote(urlsplit(url).path) if url.startswith("file:") else ""
    if info.get("dir_info", {}).get("editable"):
        return f"-e {url}", folder
    vcs = info.get("vcs_info")
    fragment = f"#subdirectory={info['subdirectory']}" if info.get("subdirectory") else ""
    if vcs:
        scheme = "" if url.startswith(f"{vcs.get('vcs')}+") else f"{vcs.get('vcs', 'git')}+"
        return f"{name} @ {scheme}{url}@{vcs.get('commit_id', '')}{fragment}", ""
    if folder and not os.path.exists(folder):
        # Conda builds its packages in folders that nobody else has; other local files may be gone by now.
        gone = "" if _text(os.path.join(path, "INSTALLER")).strip() == "conda" else f"  # was {url}, which is gone"
        return f"{name}=={version}{gone}", ""
    archive = info.get("archive_info", {})
    digest = archive.get("hashes", {}).get("sha256") or archive.get("hash", "").removeprefix("sha256=")
    if digest and not fragment and re.fullmatch(r"[0-9a-f]{64}", digest):
        fragment = f"#sha256={digest}"
    return f"{name} @ {url}{fragment}", ""


def without_credentials(url: str) -> str:
    """Take passwords and tokens out of a URL; the user of an SSH address belongs to it and stays.

    >>> without_credentials("https://token@host/x.git"), without_credentials("ssh://git:pw@host/x.git")
    ('https://host/x.git', 'ssh://git@host/x.git')
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    user = user.partition(":")[0] if parts.scheme.endswith("ssh") else ""
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))


def _direct_url(path: str) -> tuple[str, dict[str, Any]] | None:
    text = _text(os.path.join(path, "direct_url.json"))
    if not text:
        return None
    try:
        info = json.loads(text)
        return without_credentials(info["url"]), info
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _modules(record: str, top_level: str) -> set[str]:
    """Tell the modules that a RECORD installs; shared (namespace) packages are told by their second part."""
    found, record = set(top_level.split()), f"\n{record}"
    for first in set(re.findall(r'\n"?([^/,\n"]+)', record)):
        if first in _NOT_MODULES or first.endswith((".dist-info", ".data", ".libs", ".pth")):
            continue
        if f"\n{first}," in record:  # a file
            name, dot, kind = first.partition(".")
            if dot and kind.rpartition(".")[2] in ("py", "so", "pyd"):
                found.add(name)
        elif f"\n{first}/__init__." in record:
            found.add(first)
        elif first.isidentifier():
            found.discard(first)
            second = rf"\n{re.escape(first)}/([^/,.\n]+)[/.]"
            found.update(f"{first}.{name}" for name in set(re.findall(second, record)))
    return found


def _field(head: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(\S[^\n]*?)\s*$", head.split("\n\n", 1)[0], re.MULTILINE)
    return found[1] if found else ""


def _text(path: str, limit: int = 1_000_000) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError:
        return ""
