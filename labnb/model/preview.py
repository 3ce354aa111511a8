"""A look into data, bounded: what a face shows of a file or a folder."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CELL = 40


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file, or the files of a folder.

    `kind` is "table", "image", "text", "array", "audio", "folder" or "other". `facts` say what there is to know (rows,
    shape, format, seconds …). `columns` and `rows` are the head of a table, values as text; `text` that of a text, also
    the names in a folder. `image` is a thumbnail (PNG, base64), "" where there is none. `note` says what was left out.
    """

    name: str
    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    text: str = ""
    image: str = ""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give the JSON that `labnb data preview --json` shows."""
        data = {name: getattr(self, name) for name in self.__slots__}
        data.update(columns=list(self.columns), rows=[list(row) for row in self.rows])
        return {"schema": 1, **data}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Preview:
        """Read what `to_json` gave."""
        known = {name: data[name] for name in Preview.__slots__ if name in data}
        known["columns"] = tuple(str(name) for name in known.get("columns", ()))
        known["rows"] = tuple(tuple(str(value) for value in row) for row in known.get("rows", ()))
        return Preview(**known)


def preview_text(preview: Preview) -> str:
    """Write a preview for a terminal."""
    facts = " · ".join(f"{name} {_fact(value)}" for name, value in preview.facts.items())
    lines = [f"{preview.name}  ({preview.kind}{': ' + facts if facts else ''})"]
    if preview.columns:
        lines.append(text_columns(preview.columns, preview.rows))
    if preview.text:
        lines.append(printable(preview.text).rstrip("\n"))
    if preview.note:
        lines.append(f"({preview.note})")
    return "\n".join(lines)


def preview_html(preview: Preview) -> str:
    """Write a preview for a notebook; everything that comes out of the data is escaped."""
    facts = " · ".join(f"{name} {_fact(value)}" for name, value in preview.facts.items())
    head = f"<b>{html.escape(preview.name)}</b> <small>{html.escape(preview.kind)} {html.escape(facts)}</small>"
    parts = [f"<div>{head}</div>"]
    if preview.columns:
        cells = "".join(f"<th>{html.escape(name)}</th>" for name in preview.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>" for row in preview.rows
        )
        parts.append(f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>")
    if preview.text:
        parts.append(f"<pre>{html.escape(preview.text)}</pre>")
    if preview.image:
        parts.append(
            f'<img src="data:image/png;base64,{html.escape(preview.image)}" alt="{html.escape(preview.name)}">'
        )
    if preview.note:
        parts.append(f"<small>{html.escape(preview.note)}</small>")
    return "".join(parts)


def text_columns(header: Sequence[str], rows: Sequence[Sequence[str]], cell: int = CELL) -> str:
    """Write a table with aligned columns; long values are cut, and what would steer a terminal is spelled out."""
    lines = [[_cut(printable(value).replace("\n", "\\n"), cell) for value in line] for line in (header, *rows)]
    widths = [max(len(line[at]) for line in lines if at < len(line)) for at in range(len(header))]
    shown = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=False)).rstrip() for line in lines]
    return "\n".join([shown[0], "  ".join("-" * width for width in widths), *shown[1:]])


def printable(text: str) -> str:
    r"""Spell out control characters but for line ends and tabs, so that data cannot steer a terminal.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode() for char in text
    )


def size_text(size: int | None) -> str:
    """Write a number of bytes for people.

    >>> [size_text(n) for n in (12, 1234, 5_600_000, None)]
    ['12 B', '1.2 kB', '5.6 MB', '']
    """
    if size is None:
        return ""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" or value >= 100 else f"{value:.1f} {units[0]}"


def _fact(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " × ".join(str(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
