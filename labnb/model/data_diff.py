"""What differs between two versions of data: files, and rows, columns and summaries of tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labnb.model.dataset import Content

#: So many files are named of each kind of change; all of them are counted.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its type as the reader names it, and a summary of its values.

    `facts` holds "missing" (a count), "unique" (a count, for texts) and "mean", "std", "min", "max" (for numbers and
    times, where there are values).
    """

    name: str
    kind: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableSummary:
    """A table: its number of rows (None where only a part was read), columns in their order.

    `partial` is the number of rows that the facts of the columns are of, where these are not all.
    """

    rows: int | None
    columns: tuple[Column, ...]
    partial: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give plain JSON."""
        columns = [{"name": column.name, "kind": column.kind, "facts": column.facts} for column in self.columns]
        return {"rows": self.rows, "columns": columns, "partial": self.partial}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TableSummary:
        """Read what `to_json` gave."""
        columns = tuple(Column(str(item["name"]), str(item["kind"]), dict(item["facts"])) for item in data["columns"])
        return TableSummary(data["rows"], columns, data.get("partial"))


@dataclass(frozen=True, slots=True)
class TableDiff:
    """How a table changed: rows before and after; columns added, removed, of another type; facts that differ.

    `retyped` maps a column to its types before and after; `changed` a column to the facts that differ, each with its
    values before and after.
    """

    path: str
    rows: tuple[int | None, int | None]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: dict[str, tuple[str, str]] = field(default_factory=dict)
    changed: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)
    partial: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give plain JSON."""
        data = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


@dataclass(frozen=True, slots=True)
class DataDiff:
    """The difference between two versions, `before` and `after` ("NAME@VERSION").

    `added`, `removed` and `changed` name at most `SHOWN` files each; `counts` has the whole numbers, and "unchanged".
    `sizes` are the bytes of all files before and after, None where unknown. `notes` say what could not be compared.
    """

    before: str
    after: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    sizes: tuple[int | None, int | None] = (None, None)
    tables: tuple[TableDiff, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether the two hold the same."""
        return not (self.counts["added"] or self.counts["removed"] or self.counts["changed"])

    def to_json(self) -> dict[str, Any]:
        """Give the JSON that `labnb data diff --json` shows."""
        data = {name: getattr(self, name) for name in self.__slots__}
        data["tables"] = [table.to_json() for table in self.tables]
        data["same"] = self.same
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


def diff_contents(before: Content, after: Content, limit: int = SHOWN) -> DataDiff:
    """Compare the files of two versions by their digests.

    >>> a, b = Content("d", "1", {"x": "1", "y": "2"}), Content("d", "2", {"x": "1", "y": "3", "z": "4"})
    >>> diff_contents(a, b).changed, diff_contents(a, b).counts["unchanged"]
    (('y',), 1)
    """
    added = sorted(after.files.keys() - before.files.keys())
    removed = sorted(before.files.keys() - after.files.keys())
    both = before.files.keys() & after.files.keys()
    changed = sorted(path for path in both if before.files[path] != after.files[path])
    return DataDiff(
        f"{before.dataset}@{before.version}",
        f"{after.dataset}@{after.version}",
        tuple(added[:limit]),
        tuple(removed[:limit]),
        tuple(changed[:limit]),
        {
            "added": len(added),
            "removed": len(removed),
            "changed": len(changed),
            "unchanged": len(both) - len(changed),
        },
        (_total(before), _total(after)),
    )


def diff_tables(path: str, before: TableSummary, after: TableSummary) -> TableDiff:
    """Compare two tables by their columns' names, types and facts."""
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    retyped, changed = {}, {}
    for name in (name for name in new if name in old):
        if old[name].kind != new[name].kind:
            retyped[name] = (old[name].kind, new[name].kind)
        facts = {
            fact: (old[name].facts.get(fact), new[name].facts.get(fact))
            for fact in dict.fromkeys((*old[name].facts, *new[name].facts))
            if not _equal(old[name].facts.get(fact), new[name].facts.get(fact))
        }
        if facts:
            changed[name] = facts
    return TableDiff(
        path,
        (before.rows, after.rows),
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        retyped,
        changed,
        partial=before.partial is not None or after.partial is not None,
    )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def _total(content: Content) -> int | None:
    if any(path not in content.sizes for path in content.files):
        return None
    return sum(content.sizes[path] for path in content.files)
