"""The files that a run kept: listed, and downloaded."""

from __future__ import annotations

from labnb.model.api_run_parts import ArtifactQuery, Artifacts, ArtifactsQuery
from labnb.server.operation import Ask, Download, Operation


def list_artifacts(ask: Ask) -> Artifacts:
    """Give a page of the files, by path."""
    query = ask.query
    return ask.shelf.details.artifacts(ask.path["uid"], query.filter, query.limit, query.cursor)


def get_artifact(ask: Ask) -> Download:
    """Give one file."""
    path, found = ask.shelf.details.artifact(ask.path["uid"], ask.path["artifact"])
    return Download(path, found.path.rpartition("/")[2], found.type)


OPERATIONS = (
    Operation(
        "GET",
        "runs/{uid}/artifacts",
        "list_artifacts",
        list_artifacts,
        Artifacts,
        "The files that a run kept.",
        query=ArtifactsQuery,
    ),
    Operation(
        "GET",
        "runs/{uid}/artifacts/{artifact}",
        "get_artifact",
        get_artifact,
        Download,
        "One file that a run kept.",
        query=ArtifactQuery,
    ),
)
