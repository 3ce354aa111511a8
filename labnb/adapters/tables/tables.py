"""Tables: their head, and a summary of their columns."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from typing import TYPE_CHECKING, Any

from labnb.adapters.tables.texts import decoded
from labnb.model.data_diff import Column, TableSummary
from labnb.model.preview import Preview

if TYPE_CHECKING:
    import pandas as pd

HEAD = 1_000_000
COUNTED = 256_000_000
SUMMARISED = 256_000_000
ROWS = 1_000_000
COLUMNS = 50
GROUP = 512_000_000


def head(path: str, name: str, rows: int) -> Preview:
    """Show the first rows of a table."""
    end = os.path.splitext(name)[1].lower()
    if end in (".csv", ".tsv"):
        return _csv_head(path, name, rows, "\t" if end == ".tsv" else "")
    if end in (".jsonl", ".ndjson"):
        return _lines_head(path, name, rows)
    return _arrow_head(path, name, rows)


def summary(path: str, name: str) -> TableSummary | None:
    """Summarise a table: of a large one the first million rows."""
    import pandas as pd

    end = os.path.splitext(name)[1].lower()
    size, rows, partial = os.path.getsize(path), None, None
    most = None if size <= SUMMARISED else ROWS
    if end in (".csv", ".tsv"):
        separator = "\t" if end == ".tsv" else _separator(_start(path)[0])
        frame = pd.read_csv(path, sep=separator, nrows=most, low_memory=False)
    elif end in (".jsonl", ".ndjson"):
        frame = pd.read_json(path, lines=True, nrows=most)
    elif end in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        with pq.ParquetFile(path, memory_map=True) as found:
            rows = found.metadata.num_rows
            whole = sum(found.metadata.row_group(at).total_byte_size for at in range(found.metadata.num_row_groups))
            if whole <= GROUP:
                frame = found.read().to_pandas()
            else:
                frame = next(found.iter_batches(batch_size=100_000)).to_pandas()
    elif end in (".feather", ".arrow"):
        frame = pd.read_feather(path)
    else:
        return None
    if rows is None and most is None:
        rows = len(frame)
    if rows is None or rows != len(frame):
        partial = len(frame)
    return TableSummary(
        rows, tuple(_column(str(key), frame.iloc[:, at]) for at, key in enumerate(frame.columns)), partial
    )


def _column(name: str, values: pd.Series[Any]) -> Column:
    from pandas.api import types

    facts: dict[str, Any] = {"missing": int(values.isna().sum())}
    if types.is_bool_dtype(values.dtype):
        facts["true"] = int(values.sum())
    elif types.is_numeric_dtype(values.dtype) and len(values):
        for fact in ("mean", "std", "min", "max"):
            facts[fact] = _number(getattr(values, fact)())
    elif types.is_datetime64_any_dtype(values.dtype):
        facts.update(min=str(values.min()), max=str(values.max()))
    else:
        try:
            facts["unique"] = int(values.nunique())
        except TypeError:  # lists and dicts
            facts["unique"] = int(values.astype(str).nunique())
    return Column(name, str(values.dtype), facts)


def _number(value: Any) -> int | float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _start(path: str) -> tuple[str, bool]:
    with open(path, "rb") as file:
        raw = file.read(HEAD)
        more = bool(file.read(1))
    text = decoded(raw, more)
    if text is None:
        raise ValueError("it is no text")
    if more and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    return text, more


def _separator(text: str) -> str:
    line = text.partition("\n")[0]
    found = max(",;\t|", key=line.count)
    return found if line.count(found) else ","


def _csv_head(path: str, name: str, rows: int, separator: str) -> Preview:
    text, more = _start(path)
    csv.field_size_limit(HEAD)
    separator = separator or _separator(text)
    lines = csv.reader(io.StringIO(text), delimiter=separator)
    columns = next(lines, [])
    shown = [row for _, row in zip(range(rows), lines, strict=False)]
    facts: dict[str, Any] = {"rows": _rows(path, text, more, separator), "columns": len(columns)}
    return _table(name, facts, columns, shown)


def _rows(path: str, text: str, more: bool, separator: str) -> int | str:
    """Count the rows: exactly where the beginning is all, by lines else, and by the share read of a huge file."""
    if not more:
        return max(0, sum(1 for row in csv.reader(io.StringIO(text), delimiter=separator) if row) - 1)
    size, lines, read = os.path.getsize(path), 0, 0
    with open(path, "rb") as file:
        while read < COUNTED and (chunk := file.read(1 << 20)):
            lines += chunk.count(b"\n")
            read += len(chunk)
    return f"about {int(lines * size / read):,}" if read < size else max(0, lines - 1)


def _lines_head(path: str, name: str, rows: int) -> Preview:
    text, more = _start(path)
    items = [json.loads(line) for line in text.splitlines()[:rows] if line.strip()]
    if not all(isinstance(item, dict) for item in items):
        raise ValueError("its lines are no records")
    columns = list(dict.fromkeys(key for item in items for key in item))
    shown = [[_text(item.get(key, "")) for key in columns] for item in items]
    return _table(name, {"rows": _rows(path, text, True, ",") if more else len(text.splitlines())}, columns, shown)


def _arrow_head(path: str, name: str, rows: int) -> Preview:
    import pyarrow as pa

    if name.lower().endswith((".parquet", ".pq")):
        import pyarrow.parquet as pq

        with pq.ParquetFile(path, memory_map=True) as found:
            meta, schema = found.metadata, found.schema_arrow
            facts: dict[str, Any] = {"rows": meta.num_rows, "columns": len(schema.names)}
            if meta.num_row_groups and meta.row_group(0).total_byte_size > GROUP:
                return Preview(
                    name, "table", facts, tuple(schema.names[:COLUMNS]), note="its parts are too large to show"
                )
            batches = found.iter_batches(batch_size=max(rows, 1), columns=schema.names[:COLUMNS])
            frame = next(batches, None) if rows and meta.num_rows else None
    else:
        with pa.memory_map(path) as source, pa.ipc.open_file(source) as found:
            schema = found.schema
            count = sum(found.get_batch(at).num_rows for at in range(min(found.num_record_batches, 1000)))
            facts = {"rows": count, "columns": len(schema.names)}
            frame = found.get_batch(0).slice(0, rows) if found.num_record_batches else None
    columns = [f"{field.name}: {field.type}" for field in schema][:COLUMNS]
    shown = []
    if frame is not None:
        values = frame.select(range(min(COLUMNS, frame.num_columns))).to_pydict()
        shown = [[_text(column[at]) for column in values.values()] for at in range(min(rows, frame.num_rows))]
    return _table(name, facts, columns, shown)


def _table(name: str, facts: dict[str, Any], columns: list[str], rows: list[list[str]]) -> Preview:
    left = f"{len(columns) - COLUMNS} more columns" if len(columns) > COLUMNS else ""
    cut = tuple(tuple(_text(value) for value in row[:COLUMNS]) for row in rows)
    return Preview(name, "table", facts, tuple(_text(column) for column in columns[:COLUMNS]), cut, note=left)


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 200 else text[:199] + "…"
