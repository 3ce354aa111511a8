"""The long parts of a run: curves, log, outputs, code, environment."""

from __future__ import annotations

from labnb.model.api import Free
from labnb.model.api_run_parts import AgainstQuery, Code, Curves, CurvesQuery, EnvironmentDetail, Log, LogQuery
from labnb.server.operation import Ask, Operation, Ready


def get_metrics(ask: Ask) -> Curves:
    """Give the metric curves, reduced."""
    query = ask.query
    uid = ask.shelf.details.uid(ask.path["uid"])
    return ask.shelf.compare.curves([uid], query.names, query.x, query.points, query.start, query.end)


def get_log(ask: Ask) -> Log:
    """Give a piece of the log."""
    return ask.shelf.details.log(ask.path["uid"], ask.query.offset, ask.query.limit)


def get_output(ask: Ask) -> Ready:
    """Give the cell with its outputs, a notebook."""
    return Ready(ask.shelf.details.output(ask.path["uid"]))


def get_notebook(ask: Ask) -> Ready:
    """Give the closure as a notebook that can be run again."""
    return Ready(ask.shelf.details.notebook(ask.path["uid"]))


def get_code(ask: Ask) -> Code:
    """Give the code and how it differs."""
    return ask.shelf.details.code(ask.path["uid"], ask.query.against)


def get_environment(ask: Ask) -> EnvironmentDetail:
    """Give the environment and how it differs."""
    return ask.shelf.details.environment(ask.path["uid"], ask.query.against)


OPERATIONS = (
    Operation(
        "GET", "runs/{uid}/metrics", "get_metrics", get_metrics, Curves, "Metric curves, reduced.", query=CurvesQuery
    ),
    Operation("GET", "runs/{uid}/log", "get_log", get_log, Log, "A piece of what the cell printed.", query=LogQuery),
    Operation("GET", "runs/{uid}/output", "get_output", get_output, Free, "The cell with its outputs, as a notebook."),
    Operation(
        "GET", "runs/{uid}/notebook", "get_notebook", get_notebook, Free, "The cell and what it needs, to be run again."
    ),
    Operation("GET", "runs/{uid}/code", "get_code", get_code, Code, "Code, and how it differs.", query=AgainstQuery),
    Operation(
        "GET",
        "runs/{uid}/environment",
        "get_environment",
        get_environment,
        EnvironmentDetail,
        "Where the code ran, and how that differs.",
        query=AgainstQuery,
    ),
)
