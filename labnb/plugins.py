"""Executors and hosts by name: built-ins and plug-ins come through the same entry points.

A package adds an executor with an entry point of the group `labnb.executors` (its name is what labnb.toml says, it
loads to something that gives an Executor when it is called), and a kind of host with one of `labnb.hosts` (its name is
the scheme of the address, "ssh" for ssh://…; it loads to something that takes the address and gives a Host).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from labnb.model.errors import ConfigError, UnknownName
from labnb.ports.executor import Executor
from labnb.ports.host import Host

EXECUTORS = "labnb.executors"
HOSTS = "labnb.hosts"
#: The scheme of this machine's own address, "".
HERE = "local"


@cache
def executor(name: str) -> Executor:
    """Give the executor of a name; raises UnknownName or ConfigError."""
    make: Callable[[], Executor] = load(EXECUTORS, "executor", name)
    return make()


@cache
def host(address: str) -> Host:
    """Give the host at an address, the same one each time; raises UnknownName or ConfigError."""
    scheme, mark, _ = address.partition("://")
    make: Callable[[str], Host] = load(HOSTS, "kind of host", scheme if mark else HERE)
    return make(address)


def names(group: str) -> list[str]:
    """Name what a group offers."""
    return sorted({point.name for point in entry_points(group=group)})


def load(group: str, kind: str, name: str) -> Callable[..., Any]:
    """Load what an entry point names."""
    found = {(point.value, _package(point)): point for point in entry_points(group=group) if point.name == name}
    if not found:
        raise UnknownName(kind, name, names(group))
    if len(found) > 1:
        packages = " and ".join(sorted(_package(point) for point in found.values()))
        raise ConfigError(f"{packages} both bring the {kind} {name!r}.", "Uninstall one of them.")
    (point,) = found.values()
    try:
        loaded: Callable[..., Any] = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"The {kind} {name!r} of {_package(point)} cannot be loaded: {error}.") from error
    return loaded


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"
