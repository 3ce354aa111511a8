"""Datasets as REST lists them: ids for names, pages, and the use cases of the Data Store behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from labnb.model.api_data import (
    DatasetDiff,
    DatasetItem,
    DatasetPage,
    DatasetsQuery,
    LineageEdge,
    LineageGraph,
    LineageNode,
    Preview,
    VersionItem,
    VersionPage,
)
from labnb.model.data_diff import DataDiff
from labnb.model.dataset import Dataset, VersionEntry
from labnb.model.errors import LabError, NotFound, UsageError
from labnb.model.lineage import Lineage
from labnb.model.preview import Preview as Look
from labnb.ports.data_catalog import DataCatalog

ORDERS = ("name", "size", "used", "runs")
#: Uids that are listed with a version.
SHOWN = 100


class DataUseCases(Protocol):
    """What `Lab.data` offers of the Data Store."""

    @property
    def catalog(self) -> DataCatalog: ...
    @property
    def log(self) -> _Log: ...
    @property
    def look(self) -> _Look: ...
    @property
    def compare(self) -> _Compare: ...
    @property
    def trace(self) -> _Trace: ...


class _Log(Protocol):
    def log(self, name: str) -> tuple[VersionEntry, ...]: ...


class _Look(Protocol):
    def preview(self, spec: str, inner: str = "", rows: int = 20) -> Look: ...


class _Compare(Protocol):
    def compare(self, before: str, after: str | None = None) -> DataDiff: ...


class _Trace(Protocol):
    def trace(self, spec: str) -> Lineage: ...


@dataclass(frozen=True)
class ReadData:
    """Answers about datasets; `uses` tells by name how many runs used one, and when the last of them started."""

    data: Callable[[], DataUseCases]
    uses: Callable[[], Mapping[str, tuple[int, str]]]

    def page(self, query: DatasetsQuery) -> DatasetPage:
        """Give a page of datasets; where the Data Store cannot be read, an empty one that says why."""
        key, descending = _order(query.order_by)
        try:
            found = self.data().catalog.datasets()
        except LabError as error:
            return DatasetPage([], None, 0, str(error))
        uses = self.uses()
        wanted = query.filter.lower()
        items = [_item(dataset, uses) for dataset in found if wanted in dataset.name.lower()]
        items.sort(key=lambda item: item.name)
        if key != "name":
            items.sort(key=lambda item: _value(item, key), reverse=descending)
        elif descending:
            items.reverse()
        begin = _skip(query.cursor)
        more = begin + query.limit < len(items)
        page = items[begin : begin + query.limit]
        return DatasetPage(page, str(begin + query.limit) if more else None, len(items), "")

    def dataset(self, number: str) -> DatasetItem:
        """Give one dataset with how it lies in the work tree. Raises NotFound or DataStoreError."""
        catalog = self.data().catalog
        return _item(catalog.with_state(self._found(number)), self.uses())

    def versions(self, number: str, limit: int, cursor: str) -> VersionPage:
        """Give the versions of a dataset, newest first."""
        entries = self.data().log.log(self._found(number).name)
        begin = _skip(cursor)
        more = begin + limit < len(entries)
        items = [_version(entry) for entry in entries[begin : begin + limit]]
        return VersionPage(items, str(begin + limit) if more else None, len(entries))

    def preview(self, number: str, version: str, inner: str, limit: int) -> Preview:
        """Look into a version; what is not on this machine is told, not raised."""
        name = self._found(number).name
        try:
            look = self.data().look.preview(f"{name}@{version}", inner, limit)
        except NotFound:
            raise
        except LabError as error:
            return Preview("nothing", inner, [], [], "", [], None, str(error), "", {})
        kind = {"table": "table", "text": "text", "folder": "files"}.get(
            look.kind, "image" if look.image else "nothing"
        )
        if kind == "nothing" and look.text:
            kind = "text"
        files = [line for line in look.text.splitlines() if line] if kind == "files" else []
        total = look.facts.get("rows", look.facts.get("files"))
        return Preview(
            kind,  # type: ignore[arg-type]  # one of the five
            inner,
            list(look.columns),
            [list(row) for row in look.rows],
            "" if kind == "files" else look.text,
            files,
            total if isinstance(total, int) else None,
            look.note,
            look.image,
            dict(look.facts),
        )

    def diff(self, number: str, before: str, after: str) -> DatasetDiff:
        """Compare two versions of a dataset."""
        found = self.data().compare.compare(f"{self._found(number).name}@{before}", f"@{after}").to_json()
        return DatasetDiff(**{name: found[name] for name in DatasetDiff.__slots__})

    def lineage(self, number: str, version: str) -> LineageGraph:
        """Give the graph around a version."""
        name = self._found(number).name
        graph = self.data().trace.trace(f"{name}@{version}" if version else name)
        nodes = [LineageNode(node.id, node.kind, node.label, node.facts) for node in graph.nodes.values()]
        edges = [LineageEdge(edge.source, edge.target, edge.how) for edge in graph.edges]
        return LineageGraph(graph.target, nodes, edges, graph.cut)

    def _found(self, number: str) -> Dataset:
        for dataset in self.data().catalog.datasets():
            if id_of(dataset.name) == number:
                return dataset
        raise NotFound(f"There is no dataset {number!r}.", "GET datasets lists them.")


def id_of(name: str) -> str:
    """Make the id of a dataset from its name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _item(dataset: Dataset, uses: Mapping[str, tuple[int, str]]) -> DatasetItem:
    runs, used = uses.get(dataset.name, (0, ""))
    return DatasetItem(
        id=id_of(dataset.name),
        name=dataset.name,
        version=dataset.version,
        folder=dataset.folder,
        size=dataset.size,
        files=dataset.files,
        origin=dataset.origin,
        source=dataset.source,
        state=dataset.state.value,
        runs=runs,
        used=used or None,
    )


def _version(entry: VersionEntry) -> VersionItem:
    values: dict[str, Any] = {name: getattr(entry, name) for name in VersionItem.__slots__}
    lists: Sequence[str] = ("tags", "revisions", "made_by", "used_by")
    return VersionItem(**{**values, **{name: list(values[name])[:SHOWN] for name in lists}})


def _order(text: str) -> tuple[str, bool]:
    key, _, direction = text.strip().partition(" ")
    if key not in ORDERS or direction.upper() not in ("", "ASC", "DESC"):
        raise UsageError(f"Datasets cannot be ordered by {text[:80]!r}.", f"By {', '.join(ORDERS)}, with DESC or not.")
    return key, direction.upper() == "DESC"


def _value(item: DatasetItem, key: str) -> Any:
    found = getattr(item, key)
    return found if found is not None else ("" if key == "used" else -1)


def _skip(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise UsageError("The cursor is none.", "Take it from `next` of the page before.")
    return int(cursor or 0)
