"""Datasets, their versions, and what became of them."""

from __future__ import annotations

from labnb.model.api import PageQuery
from labnb.model.api_data import (
    DatasetDiff,
    DatasetItem,
    DatasetPage,
    DatasetsQuery,
    DiffQuery,
    LineageGraph,
    LineageQuery,
    Preview,
    PreviewQuery,
    VersionPage,
)
from labnb.server.operation import Ask, Operation


def list_datasets(ask: Ask) -> DatasetPage:
    """Give a page of datasets."""
    return ask.shelf.data.page(ask.query)


def get_dataset(ask: Ask) -> DatasetItem:
    """Give one dataset."""
    return ask.shelf.data.dataset(ask.path["dataset"])


def list_versions(ask: Ask) -> VersionPage:
    """Give the versions of a dataset, newest first."""
    return ask.shelf.data.versions(ask.path["dataset"], ask.query.limit, ask.query.cursor)


def get_preview(ask: Ask) -> Preview:
    """Give the beginning of a version."""
    return ask.shelf.data.preview(ask.path["dataset"], ask.path["version"], ask.query.path, ask.query.limit)


def get_diff(ask: Ask) -> DatasetDiff:
    """Give what differs between two versions."""
    return ask.shelf.data.diff(ask.path["dataset"], ask.query.before, ask.query.after)


def get_lineage(ask: Ask) -> LineageGraph:
    """Give the runs and data around a version."""
    return ask.shelf.data.lineage(ask.path["dataset"], ask.query.version)


OPERATIONS = (
    Operation(
        "GET",
        "datasets",
        "list_datasets",
        list_datasets,
        DatasetPage,
        "The datasets of a project.",
        query=DatasetsQuery,
    ),
    Operation("GET", "datasets/{dataset}", "get_dataset", get_dataset, DatasetItem, "One dataset."),
    Operation(
        "GET",
        "datasets/{dataset}/versions",
        "list_versions",
        list_versions,
        VersionPage,
        "Its versions, newest first.",
        query=PageQuery,
    ),
    Operation(
        "GET",
        "datasets/{dataset}/versions/{version}/preview",
        "get_preview",
        get_preview,
        Preview,
        "The beginning of a version.",
        query=PreviewQuery,
    ),
    Operation(
        "GET",
        "datasets/{dataset}/diff",
        "get_diff",
        get_diff,
        DatasetDiff,
        "What differs between two versions.",
        query=DiffQuery,
    ),
    Operation(
        "GET",
        "datasets/{dataset}/lineage",
        "get_lineage",
        get_lineage,
        LineageGraph,
        "What a version came from, and what became of it.",
        query=LineageQuery,
    ),
)
