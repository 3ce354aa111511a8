"""Everything that REST can be asked: the list of all rooms' operations."""

from __future__ import annotations

import re

from labnb.server import (
    artifacts,
    comparisons,
    datasets,
    document,
    health,
    jobs,
    run_edits,
    run_parts,
    runs,
    targets,
)
from labnb.server.operation import Operation, by_path

OPERATIONS: tuple[Operation, ...] = (
    *health.OPERATIONS,
    *runs.OPERATIONS,
    *run_edits.OPERATIONS,
    *run_parts.OPERATIONS,
    *artifacts.OPERATIONS,
    *comparisons.OPERATIONS,
    *datasets.OPERATIONS,
    *jobs.OPERATIONS,
    *targets.OPERATIONS,
    *document.OPERATIONS,
)

_PATTERNS = tuple((re.compile(next(iter(verbs.values())).pattern), verbs) for verbs in by_path(OPERATIONS).values())


def find(path: str) -> tuple[dict[str, Operation], tuple[str, ...]]:
    """Give what answers under a path (relative to `/labnb/api/`), by verb, and the ids in it; nothing where none does.

    A path whose ids are words of other paths (`runs/columns`) is that of the words.
    """
    for pattern, verbs in _PATTERNS:
        if match := pattern.fullmatch(path):
            return verbs, match.groups()
    return {}, ()
