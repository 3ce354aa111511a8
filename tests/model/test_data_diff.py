"""Differences between versions of data, and how they are told."""

from __future__ import annotations

import json

from labnb.model.data_diff import Column, TableSummary, diff_contents, diff_tables
from labnb.model.data_listing import diff_text
from labnb.model.dataset import Content
from labnb.model.preview import Preview, preview_html, preview_text, text_columns


def test_files_added_removed_changed() -> None:
    before = Content("images", "1" * 32, {"a": "1", "b": "2", "c": "3"}, {"a": 1, "b": 1, "c": 1})
    after = Content("images", "2" * 32, {"b": "2", "c": "4", "d": "5"}, {"b": 1, "c": 10, "d": 1})
    diff = diff_contents(before, after)
    assert (diff.added, diff.removed, diff.changed) == (("d",), ("a",), ("c",))
    assert diff.counts == {"added": 1, "removed": 1, "changed": 1, "unchanged": 1}
    assert diff.sizes == (3, 12)
    assert not diff.same
    assert "added 1: d" in diff_text(diff)
    assert "size 3 B → 12 B" in diff_text(diff)
    assert diff_contents(before, before).same


def test_lists_are_bounded_and_counts_are_whole() -> None:
    many = {f"{number:05}.png": "x" for number in range(5000)}
    diff = diff_contents(Content("d", "a", {}), Content("d", "b", many))
    assert len(diff.added) == 100
    assert diff.counts["added"] == 5000
    assert "and 4,980 more" in diff_text(diff)
    assert len(json.dumps(diff.to_json())) < 10_000


def test_tables_tell_rows_columns_types_and_values() -> None:
    before = TableSummary(
        2,
        (
            Column("a", "int64", {"missing": 0, "mean": 1.5}),
            Column("b", "int64"),
            Column("n", "float64", {"mean": 0.1}),
        ),
    )
    after = TableSummary(
        3,
        (
            Column("a", "int64", {"missing": 1, "mean": 1.5}),
            Column("b", "str"),
            Column("c", "str"),
            Column("n", "float64", {"mean": 0.1 + 1e-17}),
        ),
    )
    diff = diff_tables("t.csv", before, after)
    assert diff.rows == (2, 3)
    assert (diff.added, diff.removed) == (("c",), ())
    assert diff.retyped == {"b": ("int64", "str")}
    assert diff.changed == {"a": {"missing": (0, 1)}}
    assert TableSummary.from_json(json.loads(json.dumps(after.to_json()))) == after


def test_what_is_in_data_steers_neither_terminal_nor_page() -> None:
    preview = Preview("x<script>.csv", "table", {"rows": 1}, ("a\x1b[2J",), (("<b>\x07",),), text="\x1b]0;t\x07")
    text, page = preview_text(preview), preview_html(preview)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "<script>" not in page
    assert "<b>\x07" not in page
    assert "…" in text_columns(["c"], [["y" * 500]])
