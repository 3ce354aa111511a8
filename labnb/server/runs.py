"""Lists of runs, what their columns are, how they group, and the recorded cells of a notebook."""

from __future__ import annotations

from labnb.model.api import NoQuery
from labnb.model.api_runs import CellsQuery, CellStates, Columns, Groups, GroupsQuery, RunDetail, RunPage, RunsQuery
from labnb.server.operation import Ask, Operation


def list_runs(ask: Ask) -> RunPage:
    """Give a page of runs from the index."""
    notebook = ask.query.notebook
    return ask.shelf.runs.page(ask.query, ask.shelf.names_of(notebook) if notebook else ())


def list_columns(ask: Ask) -> Columns:
    """Give the params, metrics and tags that runs have."""
    return ask.shelf.runs.columns()


def list_groups(ask: Ask) -> Groups:
    """Group runs by a value that they share."""
    return ask.shelf.runs.groups(ask.query)


def list_cells(ask: Ask) -> CellStates:
    """Give the recorded cells of a notebook, each with its last run."""
    return ask.shelf.cells(ask.query.notebook)


def get_run(ask: Ask) -> RunDetail:
    """Give everything of one run but its long parts."""
    return ask.shelf.details.detail(ask.path["uid"])


OPERATIONS = (
    Operation("GET", "runs", "list_runs", list_runs, RunPage, "A page of runs.", query=RunsQuery),
    Operation(
        "GET", "runs/columns", "list_columns", list_columns, Columns, "What runs can be sorted by.", query=NoQuery
    ),
    Operation("GET", "runs/groups", "list_groups", list_groups, Groups, "Runs that share a value.", query=GroupsQuery),
    Operation("GET", "cells", "list_cells", list_cells, CellStates, "A notebook's recorded cells.", query=CellsQuery),
    Operation("GET", "runs/{uid}", "get_run", get_run, RunDetail, "One run."),
)
