"""A comparison for people: text for a terminal, rows for a spreadsheet, a table for a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from labnb.model.comparison import Comparison, Row
from labnb.model.preview import printable
from labnb.model.wording import short

#: Characters of a value in a table.
CELL = 28


def comparison_text(found: Comparison, *, everything: bool = False, diffs: bool = False) -> str:
    """Write what differs (everything on wish) as a table with a column per run, and the diffs behind it."""
    header, rows = table_of(found, everything=everything)
    lines = [[printable(cell) for cell in line] for line in (header, *rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text = [shown[0], "  ".join("-" * width for width in widths), *shown[1:]]
    same = sum(1 for row in found.rows if not row.differs)
    if same and not everything:
        text.append(f"{same} facts are the same; --all shows them.")
    if diffs:
        text.extend(_diffs(found))
    return "\n".join(text)


def table_of(found: Comparison, *, everything: bool = False) -> tuple[list[str], list[list[str]]]:
    """Give the header and the rows of the table."""
    header = ["", *(f"{run.uid[:8]} {short(run.name, CELL - 9)}" for run in found.runs)]
    rows = [
        [f"{row.kind} {short(row.name, CELL)}", *(_cell(row, value) for value in row.values)]
        for row in found.rows
        if row.differs or everything
    ]
    return header, rows


def comparison_html(found: Comparison, *, everything: bool = False) -> str:
    """Write the table for a notebook; what comes out of the runs is escaped."""
    header, rows = table_of(found, everything=everything)
    head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def csv_rows(found: Comparison) -> Iterator[Sequence[object]]:
    """Give the lines of a CSV file: kind, name, whether it differs, and the value of each run."""
    yield ["kind", "name", "differs", *(run.uid for run in found.runs)]
    for row in found.rows:
        yield [row.kind, row.name, row.differs, *("" if value is None else value for value in row.values)]


def _cell(row: Row, value: object) -> str:
    if value is None:
        return ""
    if row.kind in ("data", "code", "environment") and isinstance(value, str) and len(value) >= 32 and " " not in value:
        return value.removeprefix("md5:").removeprefix("sha256:")[:12]
    return short(value, CELL)


def _diffs(found: Comparison) -> Iterator[str]:
    first = found.runs[0].uid[:8]
    for code in found.code:
        yield f"\nCode of {code.run[:8]}, against {first}: {'the same' if code.same else ''}".rstrip()
        if code.diff:
            yield printable(code.diff).rstrip("\n")
    for environment in found.environment:
        same = "" if environment.changes else " the same"
        yield f"\nEnvironment of {environment.run[:8]}, against {first}:{same}"
        for change in environment.changes:
            yield f"  {change.name}: {change.before or '(none)'} -> {change.after or '(none)'}"
