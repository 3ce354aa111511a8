"""Everything that REST can be asked: the list of all rooms' operations."""

from __future__ import annotations

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
from labnb.server.operation import Operation

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
