"""The places where jobs run, as labnb.toml names them."""

from __future__ import annotations

from labnb.model.api_data import TargetItem, Targets
from labnb.model.errors import ConfigError
from labnb.server.operation import Ask, Operation


def list_targets(ask: Ask) -> Targets:
    """Give the targets in force; where labnb.toml cannot be read, why."""
    try:
        found = ask.shelf.fresh_config().targets
    except ConfigError as error:
        return Targets([], None, str(error))
    items = [
        TargetItem(
            name=target.name,
            host=target.host,
            executor=target.executor,
            python=target.python,
            environment=target.environment,
            image=target.image,
            resources=target.resources.to_json(),
        )
        for target in found.values()
    ]
    return Targets(items, None)


OPERATIONS = (Operation("GET", "targets", "list_targets", list_targets, Targets, "Where jobs can run."),)
