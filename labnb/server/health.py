"""`GET health` and `GET projects`: which labnb answers here, how fresh its index is, and for which projects."""

from __future__ import annotations

from importlib.metadata import version

from labnb.model.api import Health, Projects, ProjectsQuery
from labnb.server.operation import Ask, Operation


def health(ask: Ask) -> Health:
    """Tell version, project and freshness; the first call for a project begins to read its runs."""
    return Health(1, version("labnb"), ask.shelf.id, ask.user, ask.shelf.freshness())


def projects(ask: Ask) -> Projects:
    """List the projects under the server's folder; that of the asked notebook is the current one."""
    return Projects(ask.desk.projects(ask.query.notebook), None)


OPERATIONS = (
    Operation("GET", "health", "health", health, Health, "Which labnb answers, and how fresh its index of runs is."),
    Operation(
        "GET", "projects", "projects", projects, Projects, "The projects that this server shows.", query=ProjectsQuery
    ),
)
