"""What DVC's settings say to whoever writes: cache, links, locks, remotes; read from its files, DVC is not imported."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from labnb.adapters.dvc import cache
from labnb.model.errors import DataStoreError

LINKS = ("reflink", "hardlink", "symlink", "copy")
_REMOTE = re.compile(r"""^'?remote\s+"(.+)"'?$""")
_YES = {"true", "yes", "on", "1"}


@dataclass(frozen=True)
class Settings:
    """The settings in force in one DVC project.

    `top` is its folder, `cache` the cache's. `links` are the ways in which the work tree gets its files from the cache,
    the first that works being taken. `remotes` maps names to addresses as they are written (a login may stand in
    them), `levels` to the file that says so. `remote` is the default one, "" for none.
    """

    top: str
    cache: str
    links: tuple[str, ...] = ("reflink", "copy")
    shared: bool = False
    hardlink_lock: bool = False
    no_scm: bool = False
    autostage: bool = False
    remote: str = ""
    remotes: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)

    @property
    def tmp(self) -> str:
        """The folder of DVC's locks and passing files, which git does not see."""
        return os.path.join(self.top, ".dvc", "tmp")


def read_settings(top: str) -> Settings:
    """Read the settings of all levels, the nearer ones over the farther; raises DataStoreError naming the file."""
    merged: dict[str, dict[str, str]] = {}
    remotes: dict[str, str] = {}
    levels: dict[str, str] = {}
    for path in cache.settings_files(top):
        parser = _parse(path)
        for section in parser.sections() if parser else ():
            assert parser is not None
            values = {key: _plain(value) for key, value in parser.items(section)}
            if found := _REMOTE.match(section):
                if values.get("url"):
                    name = found[1].lower()  # as DVC does
                    remotes[name], levels[name] = values["url"], path
            else:
                merged.setdefault(section.lower(), {}).update(values)
    core, kept = merged.get("core", {}), merged.get("cache", {})
    links = tuple(name.strip() for name in kept.get("type", "").split(",") if name.strip())
    if wrong := [name for name in links if name not in LINKS]:
        raise DataStoreError(f"cache.type of {top} cannot be {wrong[0]!r}.", f"There are: {', '.join(LINKS)}.")
    return Settings(
        top=top,
        cache=cache.cache_folder(top),
        links=links or Settings.links,
        shared=kept.get("shared", "") == "group",
        hardlink_lock=core.get("hardlink_lock", "").lower() in _YES,
        no_scm=core.get("no_scm", "").lower() in _YES,
        autostage=core.get("autostage", "").lower() in _YES,
        remote=core.get("remote", "").lower(),
        remotes=remotes,
        levels=levels,
    )


def _parse(path: str) -> configparser.ConfigParser | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="\0none")
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (OSError, configparser.Error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataStoreError(f"{path} cannot be read: {reason}.", "dvc config --list says more.") from error
    return parser


def _plain(value: str) -> str:
    return value.strip().strip("\"'")
