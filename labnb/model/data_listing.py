"""Datasets, versions, differences and origins, written for people: the same in the notebook and in the terminal."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from labnb.model.data_diff import DataDiff, TableDiff
from labnb.model.dataset import Dataset, DataState, VersionEntry
from labnb.model.lineage import Lineage, tree
from labnb.model.preview import size_text, text_columns
from labnb.model.wording import format_number, short

NAMED = 20

Table = tuple[list[str], list[list[str]]]


def dataset_rows(datasets: Sequence[Dataset]) -> Table:
    """Give the header and a row per dataset."""
    header = ["dataset", "version", "state", "size", "files", "from"]
    rows = [
        [
            item.name + ("/" if item.folder else ""),
            (item.version or "none yet")[:8],
            item.state.value if item.version else "never made",
            size_text(item.size),
            f"{item.files:,}" if item.files is not None else "",
            {"added": "", "stage": "stage "}.get(item.origin, f"{item.origin} ") + item.source,
        ]
        for item in datasets
    ]
    return header, rows


def version_rows(versions: Sequence[VersionEntry]) -> Table:
    """Give the header and a row per version."""
    header = ["version", "tags", "recorded", "author", "size", "files", "made by", "used by", "message"]
    rows = [
        [
            item.version[:8] + (" *" if item.current else ""),
            ", ".join(item.tags),
            item.time[:16].replace("T", " "),
            item.author,
            size_text(item.size),
            f"{item.files:,}" if item.files is not None else "",
            _runs(item.made_by),
            _runs(item.used_by),
            short(item.message or ("kept by a run" if item.recorded == "run" else ""), 60),
        ]
        for item in versions
    ]
    return header, rows


def table_text(table: Table, empty: str) -> str:
    """Write a table for a terminal."""
    header, rows = table
    return text_columns(header, rows, 80) if rows else empty


def table_html(table: Table, empty: str) -> str:
    """Write a table for a notebook."""
    header, rows = table
    if not rows:
        return f"<p>{html.escape(empty)}</p>"
    head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def status_text(datasets: Sequence[Dataset], diffs: dict[str, DataDiff]) -> str:
    """Write what differs from what is recorded; `diffs` has the files of the changed ones."""
    lines = []
    for item in datasets:
        lines.append(f"{item.state.value if item.version else 'never made'}: {item.name}{_why(item)}")
        if item.name in diffs:
            lines.extend(f"  {line}" for line in _files(diffs[item.name]))
    return "\n".join(lines) or "Everything is as it is recorded."


def diff_text(diff: DataDiff) -> str:
    """Write what differs between two versions."""
    lines = [f"{_at(diff.before)} → {_at(diff.after)}"]
    if diff.same:
        lines.append("They hold the same.")
    lines.extend(_files(diff))
    before, after = diff.sizes
    if before is not None and after is not None and before != after:
        lines.append(f"size {size_text(before)} → {size_text(after)}")
    for table in diff.tables:
        lines.extend(_table(table))
    lines.extend(f"({note})" for note in diff.notes)
    return "\n".join(lines)


def lineage_text(graph: Lineage) -> str:
    """Draw where a version comes from, and what became of it."""
    lines = tree(graph, down=True)
    if len(lines) == 1:
        lines.append("└─ raw: no recorded run or stage made it")
    above = tree(graph, down=False)
    if len(above) > 1:
        lines.extend(["", "what became of it:", *above])
    else:
        lines.extend(["", "No recorded run has used it."])
    if graph.cut:
        lines.append("(There is more: the graph was cut.)")
    return "\n".join(lines)


def _why(item: Dataset) -> str:
    if item.state is DataState.MISSING:
        return f" (labnb data checkout {item.name} brings it back)"
    if item.state is DataState.NOT_IN_CACHE:
        return " (labnb data pull fetches it)"
    if item.state is DataState.CHANGED:
        return f" (labnb data add {item.name} makes it a version)"
    return ""


def _files(diff: DataDiff) -> list[str]:
    lines = []
    for word, paths in (("added", diff.added), ("removed", diff.removed), ("changed", diff.changed)):
        count = diff.counts[word]
        if not count or paths == ("",):
            continue
        named = ", ".join(paths[:NAMED]) + (f" and {count - NAMED:,} more" if count > NAMED else "")
        lines.append(f"{word} {count:,}: {named}")
    return lines


def _table(table: TableDiff) -> list[str]:
    before, after = table.rows
    lines = [f"{table.path}: rows {_count(before)} → {_count(after)}" + (" (of a part)" if table.partial else "")]
    if table.added:
        lines.append(f"  columns added: {', '.join(table.added[:NAMED])}")
    if table.removed:
        lines.append(f"  columns removed: {', '.join(table.removed[:NAMED])}")
    lines.extend(f"  {name}: {old} → {new}" for name, (old, new) in list(table.retyped.items())[:NAMED])
    for name, facts in list(table.changed.items())[:NAMED]:
        told = ", ".join(f"{fact} {_value(old)} → {_value(new)}" for fact, (old, new) in facts.items())
        lines.append(f"  {name}: {told}")
    return lines


def _at(spec: str) -> str:
    name, at, version = spec.rpartition("@")
    return f"{name}{at}{version[:8]}" if " " not in version else f"{name} ({version})"


def _runs(uids: Sequence[str]) -> str:
    more = f" +{len(uids) - 2}" if len(uids) > 2 else ""
    return ", ".join(uid[:8] for uid in uids[:2]) + more


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return format_number(value) if isinstance(value, (int, float)) else short(value, 30)
