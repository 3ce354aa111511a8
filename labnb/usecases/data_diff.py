"""Compare two versions of data, or a version with the work tree: files, and what tables hold."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from labnb.model.data_diff import DataDiff, diff_contents, diff_tables
from labnb.model.dataset import Content
from labnb.model.errors import DataStoreError
from labnb.ports.content_reader import ContentReader
from labnb.ports.data_catalog import DataCatalog
from labnb.ports.progress import Progress, silent
from labnb.usecases.data_log import DataLog

#: Looking into tables takes seconds each; so many of the changed ones are looked into.
TABLES = 5
TABLE_ENDS = (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".jsonl", ".ndjson")
WORK_TREE = "work tree"


@dataclass(frozen=True)
class CompareData:
    """The use case."""

    catalog: DataCatalog
    log: DataLog
    reader: ContentReader

    def compare(self, before: str, after: str | None = None, progress: Progress = silent) -> DataDiff:
        """Compare NAME@VERSION with another; without one, with what lies in the work tree.

        `after` may be "@VERSION": of the same dataset. Raises NotFound, and DataStoreError where the list of a
        version's files is not on this machine.
        """
        first = self.log.find(before)
        one = self._content(first.dataset, first.version)
        if after is None:
            present = self.catalog.present(first.dataset, progress)
            if present is None:
                raise DataStoreError(
                    f"{first.dataset} is not in the work tree.", f"labnb data checkout {first.dataset} brings it back."
                )
            other = present
        else:
            second = self.log.find(f"{first.dataset}{after}" if after.startswith("@") else after)
            other = self._content(second.dataset, second.version)
        return self._with_tables(diff_contents(one, other), one, other)

    def _content(self, name: str, version: str) -> Content:
        found = self.catalog.content(name, version)
        if found is None:
            raise DataStoreError(
                f"The list of files of {name}@{version[:8]} is not on this machine.",
                f"labnb data pull {name}@{version[:8]} fetches it.",
            )
        return found

    def _with_tables(self, diff: DataDiff, one: Content, other: Content) -> DataDiff:
        changed = [inner for inner in diff.changed if (inner or one.dataset).lower().endswith(TABLE_ENDS)]
        tables, notes = [], []
        for inner in changed[:TABLES]:
            name = inner or one.dataset
            places = [self._place(content, inner) for content in (one, other)]
            if None in places:
                notes.append(f"{name}: a version of it is not on this machine; labnb data pull fetches it")
                continue
            summaries = [self.reader.summary(place, os.path.basename(name)) for place in places if place is not None]
            if len(summaries) == 2 and summaries[0] is not None and summaries[1] is not None:
                tables.append(diff_tables(name, summaries[0], summaries[1]))
            else:
                notes.append(f"{name} could not be read as a table")
        if len(changed) > TABLES:
            notes.append(f"{len(changed) - TABLES} more changed tables were not looked into")
        return dataclasses.replace(diff, tables=tuple(tables), notes=tuple(notes))

    def _place(self, content: Content, inner: str) -> Path | None:
        if content.version == WORK_TREE:
            return Path(os.path.normpath(os.path.join(self.log.root, content.dataset, inner)))
        return self.catalog.locate(content.dataset, content.files[inner], inner)
