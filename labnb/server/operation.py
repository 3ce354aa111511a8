"""One thing that REST can be asked: its path, its words, what it answers, and who does the work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labnb.model.api import NoQuery
from labnb.model.errors import NotFound

if TYPE_CHECKING:
    from labnb.server.desk import Desk
    from labnb.server.shelf import Shelf

#: What an id may look like: never a path.
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Ask:
    """A question as an operation gets it: read, checked, and with the project that it is about."""

    desk: Desk
    shelf: Shelf
    path: dict[str, str]
    query: Any
    body: Any
    user: str


@dataclass(frozen=True)
class Download:
    """An answer that is a file: it is sent in pieces, as an attachment that no browser runs."""

    path: Path
    name: str
    type: str


@dataclass(frozen=True)
class Ready:
    """An answer that is JSON text already, or a document with a shape of its own."""

    text: str


@dataclass(frozen=True)
class Operation:
    """`path` is relative to `/labnb/api/`, with ids in braces; `call` works in a thread of the pool.

    `query` and `body` are dataclasses whose fields are the words; `answer` the type of what comes back.
    """

    verb: str
    path: str
    name: str
    call: Callable[[Ask], Any]
    answer: Any
    says: str
    query: type = NoQuery
    body: type | None = None
    status: int = 200

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the ids in the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def pattern(self) -> str:
        """The path as a regular expression with the ids as groups."""
        return re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(self.path))

    def ids(self, given: Iterable[str]) -> dict[str, str]:
        """Name the ids of a path; raises NotFound where one cannot be an id of anything."""
        named = dict(zip(self.parameters, given, strict=True))
        for kind, text in named.items():
            if not _ID.fullmatch(text):
                raise NotFound(f"There is no {kind} {text[:80]!r}.")
        return named


def by_path(operations: Iterable[Operation]) -> dict[str, dict[str, Operation]]:
    """Put together what answers under one path, by verb."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        verbs = paths.setdefault(operation.path, {})
        if operation.verb in verbs:
            raise ValueError(f"{operation.verb} {operation.path} is claimed twice")
        verbs[operation.verb] = operation
    return paths
