"""`labnb.toml`: what a project sets, merged over what the user and the machine set."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnb.model.address import absolute
from labnb.model.errors import ConfigError, nearest
from labnb.model.target import Target, parse_target

CONFIG_NAME = "labnb.toml"

# Every setting, with what its value must be. Unknown keys are errors that name the known ones.
SETTINGS: dict[str, dict[str, type]] = {
    "tracking": {"uri": str, "experiment": str},
    "store": {"path": str},
    "snapshot": {"max_file_mb": int, "max_total_mb": int},
    "data": {"policy": str, "max_version_mb": int, "remote": str},
}
TARGETS = "targets"
POLICIES = ("off", "record", "version")


@dataclass(frozen=True)
class Config:
    """The settings in force.

    `experiment` is the MLflow experiment, by default the name of the project's folder. `tracking_uri` is the MLflow
    store that runs are published to besides the embedded one, "" for none. `store_path` is the folder in which the
    embedded store has a folder of the project's own, "" for `.labnb`; `~` and variables are not yet put in.
    `max_file_mb` and `max_total_mb` bound what a code snapshot takes of one file and of all. `data_policy` says what
    becomes of data that a run read and that no version holds: "off" (nothing), "record" (the digest), "version" (the
    content is kept, up to `max_version_mb`). `data_remote` is the DVC remote to use, "" for DVC's own default.
    `targets` are the places where jobs run, by name.
    """

    experiment: str
    tracking_uri: str = field(default="", repr=False)  # a password may stand in it
    store_path: str = ""
    max_file_mb: int = 10
    max_total_mb: int = 200
    data_policy: str = "version"
    max_version_mb: int = 1000
    data_remote: str = ""
    targets: Mapping[str, Target] = field(default_factory=dict)
    files: tuple[Path, ...] = field(default_factory=tuple)


def find_root(start: Path) -> Path:
    """Find the project of a folder: where `labnb.toml` lies, else the git root, else the folder itself."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return start


def load_config(root: Path) -> Config:
    """Read the settings of a project: system, then user, then project, the later ones over the earlier.

    Raises ConfigError for a file that cannot be read, an unknown key or a value of the wrong type.
    """
    merged: dict[str, dict[str, Any]] = {}
    targets: dict[str, Target] = {}
    files = tuple(path for path in config_files(root) if path.is_file())
    for path in files:
        for section, values in _read(path).items():
            if section == TARGETS:
                # A target is taken whole: half of one file's and half of another's would be nobody's.
                targets.update({name: parse_target(name, given, f"{path}: ") for name, given in values.items()})
            else:
                merged.setdefault(section, {}).update(values)
    tracking, snapshot, data = (merged.get(name, {}) for name in ("tracking", "snapshot", "data"))
    return Config(
        experiment=tracking.get("experiment", root.name or "labnb"),
        tracking_uri=absolute(tracking.get("uri", ""), str(root)),
        store_path=merged.get("store", {}).get("path", ""),
        data_policy=data.get("policy", Config.data_policy),
        max_version_mb=data.get("max_version_mb", Config.max_version_mb),
        data_remote=data.get("remote", ""),
        targets=targets,
        files=files,
        **snapshot,
    )


def config_files(root: Path) -> tuple[Path, ...]:
    """Name the files that settings are read from, whether they are there or not; the later ones go over the earlier."""
    return (*_shared_files(), root / CONFIG_NAME)


def written(root: Path) -> tuple[int, ...]:
    """Give the times (ns) at which those files were written, 0 for one that is missing."""
    return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in config_files(root))


def _shared_files() -> tuple[Path, ...]:
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path("/etc/labnb") / CONFIG_NAME, user / "labnb" / CONFIG_NAME


def _read(path: Path) -> Mapping[str, dict[str, Any]]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    for section, values in data.items():
        if section not in SETTINGS and section != TARGETS:
            raise ConfigError(f"{path}: there is no section [{section}].", nearest(section, (*SETTINGS, TARGETS)))
        if not isinstance(values, dict):
            raise ConfigError(f"{path}: {section} must be a section, [{section}].")
        if section == TARGETS:
            if wrong := [name for name, given in values.items() if not isinstance(given, dict)]:
                raise ConfigError(f"{path}: {wrong[0]} must stand in a section, [targets.NAME].")
            continue
        known = SETTINGS[section]
        for key, value in values.items():
            if key not in known:
                raise ConfigError(f"{path}: [{section}] has no setting {key!r}.", nearest(key, known))
            if not isinstance(value, known[key]) or isinstance(value, bool):
                raise ConfigError(f"{path}: [{section}] {key} must be of type {known[key].__name__}.")
        policy = values.get("policy", POLICIES[0]) if section == "data" else POLICIES[0]
        if policy not in POLICIES:
            raise ConfigError(f"{path}: [data] policy cannot be {policy!r}.", nearest(policy, POLICIES))
    return data
