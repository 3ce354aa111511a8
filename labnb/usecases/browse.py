"""Read runs back from their folders: find, filter, sort."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labnb.model.errors import LabError, UsageError
from labnb.model.filter import parse_filter, sort_runs
from labnb.model.run import MetricPoint, Run
from labnb.runfolder.folder import RunFolder, all_uids, find_uid
from labnb.runfolder.paths import LabPaths

LIMIT = 20


@dataclass(frozen=True)
class Page:
    """Some runs, and how many more there are. `broken` tells of folders that could not be read."""

    items: tuple[Run, ...]
    total: int
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Browse:
    """Reads the run folders of one project; never writes."""

    lab: LabPaths

    def runs(self, filter_text: str = "", order_by: str = "started DESC", limit: int | None = LIMIT) -> Page:
        """Give the runs that pass the filter (MLflow's grammar, or free text), sorted, at most `limit`.

        Raises UsageError for a filter or an order that is not understood.
        """
        if limit is not None and limit < 0:
            raise UsageError(f"The limit must be 0 or more, not {limit}.")
        test = parse_filter(filter_text)
        found, broken = [], []
        for uid in all_uids(self.lab):
            try:
                run = self.run(uid)
            except LabError as error:
                broken.append(str(error))
                continue
            if test(run):
                found.append(run)
        # Runs that the order leaves equal stand newest first.
        ordered = sort_runs(sort_runs(found, "start_time DESC"), _ALIASES.get(order_by, order_by))
        return Page(tuple(ordered[:limit]), len(found), tuple(broken))

    def run(self, start: str) -> Run:
        """Give one run by its uid or the start of it; raises NotFound."""
        return self.folder(start).read()

    def folder(self, start: str) -> RunFolder:
        """Give the folder of a run by its uid or the start of it; raises NotFound."""
        return RunFolder(self.lab.run(find_uid(self.lab, start)))

    def history(self, start: str) -> Iterator[MetricPoint]:
        """Give every metric point of a run in the order in which they were logged."""
        for _, point in self.folder(start).points():
            yield point

    def snapshot(self, start: str) -> dict[str, Any]:
        """Give the run's snapshot.json; empty where none could be taken."""
        return _read_json(self.folder(start).paths.snapshot)

    def output(self, start: str) -> dict[str, Any]:
        """Give the notebook of the cell's outputs; empty where none was kept."""
        return _read_json(self.folder(start).paths.output)


_ALIASES = {"started DESC": "start_time DESC", "started": "start_time", "started ASC": "start_time"}


def _read_json(path: Any) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def read_output(path: Path) -> tuple[dict[str, Any], ...]:
    """Give the outputs of a cell (nbformat's JSON) from its output.ipynb; none where there is none."""
    try:
        return tuple(_read_json(path)["cells"][0]["outputs"])
    except (LookupError, TypeError):
        return ()
