"""The remotes of a DVC project: listed and written in its settings, and tried."""

from __future__ import annotations

import os
import re

from labnb.adapters.dvc.aside import aside
from labnb.adapters.dvc.child import ask
from labnb.adapters.dvc.locks import locked
from labnb.adapters.dvc.pointing import write_whole
from labnb.adapters.dvc.project import Project
from labnb.adapters.dvc.settings import Settings, read_settings
from labnb.adapters.dvc.transfer import choose
from labnb.adapters.dvc.wording import from_os
from labnb.model.address import without_secrets
from labnb.model.data_changes import RemoteInfo, RemoteTest
from labnb.model.errors import DataStoreError, UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@")
_LEVELS = {"config": "project", "config.local": "local"}


def remotes(settings: Settings) -> tuple[RemoteInfo, ...]:
    """List the remotes, by name, their addresses without passwords."""
    return tuple(_info(settings, name) for name in sorted(settings.remotes))


def add_remote(project: Project, name: str, url: str, *, default: bool) -> RemoteInfo:
    """Write a remote into `.dvc/config`; raises UsageError for a name or address that cannot be one."""
    name = name.lower()  # DVC reads all names so
    if not _NAME.fullmatch(name):
        raise UsageError(f"A remote cannot be called {name!r}.", "Letters, digits, '-', '_' and '.' make a name.")
    if name in project.settings.remotes:
        raise UsageError(
            f"There is a remote {name!r} already: {without_secrets(project.settings.remotes[name])}.",
            f"dvc remote modify {name} url … changes it.",
        )
    if not url.strip() or any(ord(char) < 32 for char in url):
        raise UsageError("A remote needs an address.", "A folder, s3://bucket/path, or ssh://host/path.")
    if _PASSWORD.search(url):
        raise UsageError(
            "A password in a remote's address would be committed with the project.",
            f"Leave it out, and set it with dvc remote modify --local {name} password …",
        )
    path = os.path.join(project.top, ".dvc", "config")
    try:
        with locked(project.settings):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            write_whole(path, _with_remote(text, name, _written(url, path), default or not project.settings.remotes))
    except OSError as error:
        raise from_os(error, f"{path} cannot be written") from error
    settings = read_settings(project.top)
    if name not in settings.remotes:
        raise DataStoreError(f"{path} did not take the remote {name!r}.", "dvc remote add writes it.")
    return _info(settings, name)


def test_remote(project: Project, name: str) -> RemoteTest:
    """Try a remote; raises NotFound where there is none of that name."""
    name, url = choose(project.settings, name)
    shown = without_secrets(url)
    try:
        with aside(project.work) as place:
            answer = ask(project.top, {"do": "try", "remote": name, "url": url, "into": place.folder})
    except DataStoreError as error:
        return RemoteTest(name, shown, False, problem=error.message, hint=error.hint)
    except OSError as error:
        raise from_os(error, f"Remote {name!r} cannot be tried") from error
    return RemoteTest(
        name,
        shown,
        bool(answer["reachable"]),
        answer["can_read"],
        answer["can_write"],
        answer.get("message", ""),
        answer.get("hint", ""),
    )


def _info(settings: Settings, name: str) -> RemoteInfo:
    path = settings.levels[name]
    inside = path.startswith(os.path.join(settings.top, ".dvc") + os.sep)
    level = _LEVELS.get(os.path.basename(path), "") if inside else "user"
    return RemoteInfo(name, without_secrets(settings.remotes[name]), name == settings.remote, level)


def _written(url: str, config: str) -> str:
    """Write a folder as DVC does: relative to the file that names it, unless it was given from the top."""
    if "://" in url or os.path.isabs(url) or url.startswith("~"):
        return url
    return os.path.relpath(os.path.abspath(url), os.path.dirname(config))


def _with_remote(text: str, name: str, url: str, default: bool) -> str:
    lines = text.splitlines()
    if default:
        lines = _with_default(lines, name)
    quoted = f'"{url}"' if url != url.strip() or "#" in url or "," in url else url
    return "\n".join([*lines, f"['remote \"{name}\"']", f"    url = {quoted}"]) + "\n"


def _with_default(lines: list[str], name: str) -> list[str]:
    start = next((number for number, line in enumerate(lines) if line.strip().lower() == "[core]"), None)
    if start is None:
        return ["[core]", f"    remote = {name}", *lines]
    end = next((n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    section = [line for line in lines[start + 1 : end] if line.partition("=")[0].strip().lower() != "remote"]
    return [*lines[: start + 1], *section, f"    remote = {name}", *lines[end:]]
