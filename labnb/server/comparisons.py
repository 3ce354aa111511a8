"""Runs side by side."""

from __future__ import annotations

from labnb.model.api_run_parts import Curves
from labnb.model.comparison import Comparison, ComparisonCurvesQuery, ComparisonQuery
from labnb.server.operation import Ask, Operation


def compare(ask: Ask) -> Comparison:
    """Compare the runs of the query."""
    return ask.shelf.compare.compare(ask.query.uids, diffs=ask.query.diffs)


def compare_body(ask: Ask) -> Comparison:
    """Compare the runs of the body: fifty uids make a long URL."""
    return ask.shelf.compare.compare(ask.body.uids, diffs=ask.body.diffs)


def compare_curves(ask: Ask) -> Curves:
    """Give the metric curves of several runs."""
    query = ask.query
    return ask.shelf.compare.curves(query.uids, query.names, query.x, query.points, query.start, query.end)


OPERATIONS = (
    Operation(
        "GET", "comparisons", "compare", compare, Comparison, "Two to fifty runs side by side.", query=ComparisonQuery
    ),
    Operation(
        "POST",
        "comparisons",
        "compare_body",
        compare_body,
        Comparison,
        "The same, asked in a body.",
        body=ComparisonQuery,
    ),
    Operation(
        "GET",
        "comparisons/curves",
        "compare_curves",
        compare_curves,
        Curves,
        "The metric curves of these runs, reduced.",
        query=ComparisonCurvesQuery,
    ),
)
