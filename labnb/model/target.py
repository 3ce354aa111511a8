"""A target: a named place where jobs run, from `labnb.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from labnb.model.errors import ConfigError, UsageError, nearest
from labnb.model.resources import Resources

#: The keys of [targets.NAME] that are not resources, with what their value must be.
TARGET_SETTINGS: dict[str, type] = {
    "host": str,
    "executor": str,
    "python": str,
    "setup": list,
    "environment": str,
    "image": str,
    "folder": str,
    "cache": str,
    "notify": str,
}
RESOURCE_SETTINGS = tuple(item.name for item in fields(Resources))
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Target:
    """A Host, an Executor, Resources, and how Python is found there.

    `host` is "" for this machine or "ssh://[user@]name[:port]". `python` is the interpreter there, "" for this one;
    `setup` are shell lines that go before it (module load …), written by whoever wrote labnb.toml;
    `environment` is "" (as it is) or "uv" (rebuilt from the snapshot's lock, kept by its digest); `image` an Apptainer
    image. `folder` is where job folders lie on the host, `cache` a DVC cache that the host shares with others, `notify`
    an address (mail or https) that the job tells its end.
    """

    name: str
    host: str = ""
    executor: str = "process"
    resources: Resources = field(default_factory=Resources)
    python: str = ""
    setup: tuple[str, ...] = ()
    environment: str = ""
    image: str = ""
    folder: str = ""
    cache: str = ""
    notify: str = ""


def parse_target(name: str, given: Mapping[str, Any], where: str = "") -> Target:
    """Read [targets.NAME]; `where` names the file. Raises ConfigError that names the right keys."""
    known = (*TARGET_SETTINGS, *RESOURCE_SETTINGS)
    resources: dict[str, Any] = {}
    values: dict[str, Any] = {}
    place = f"{where}[targets.{name}] "
    if name == LOCAL:
        raise ConfigError(f"{place}cannot be: local is the kernel itself.", "Give the target another name.")
    for key, value in given.items():
        if key in RESOURCE_SETTINGS:
            resources[key] = value
            continue
        kind = TARGET_SETTINGS.get(key)
        if kind is None:
            raise ConfigError(f"{place}has no setting {key!r}.", nearest(key, known))
        if not isinstance(value, kind):
            raise ConfigError(f"{place}{key} must be of type {kind.__name__}.")
        values[key] = value
    setup = values.pop("setup", [])
    if not all(isinstance(line, str) for line in setup):
        raise ConfigError(f"{place}setup must be a list of lines.")
    host = values.get("host", "")
    if host and not host.startswith("ssh://"):
        raise ConfigError(f"{place}host must be an address, not {host!r}.", f"Write ssh://{host}.")
    if values.get("environment", "") not in ("", "uv"):
        raise ConfigError(f'{place}environment must be "uv", or be left out.')
    try:
        asked = Resources.parse(resources, place)
    except UsageError as error:
        raise ConfigError(error.message, error.hint) from None
    return Target(name=name, resources=asked, setup=tuple(setup), **values)
