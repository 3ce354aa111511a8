"""Runs side by side: facts, curves, code, environment, pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from labnb.model.api_run_parts import Axis, Curve, Curves
from labnb.model.api_runs import RunItem
from labnb.model.comparison import MOST, CodeDiff, Comparison, EnvironmentDiff, Picture, rows_of
from labnb.model.errors import NotFound, UsageError
from labnb.model.run import SCHEMA, Run, parse_time
from labnb.model.run_item import item_of
from labnb.ports.curves import CurveStore, Window
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import RunPaths
from labnb.usecases.browse import Browse
from labnb.usecases.run_detail_code import environment_changes, script_diff
from labnb.usecases.run_detail_files import artifacts_of

#: Points of all curves of an answer together; characters of one code diff; pictures.
POINTS, LONGEST_DIFF, PICTURES = 200_000, 100_000, 40
#: A curve keeps its shape in so many points.
FEWEST = 50

#: Curves of a run of the lab's MLflow server: (run, its id in MLflow, names, window) -> curves.
Elsewhere = Callable[[RunItem, Sequence[str], Window], Sequence[Curve]]


class CompareRuns:
    """Compares runs of a project. `item` knows the runs that have no folder here, `elsewhere` their curves."""

    def __init__(
        self,
        browse: Browse,
        curves: CurveStore,
        item: Callable[[str], RunItem | None] = lambda uid: None,
        elsewhere: Elsewhere = lambda item, names, window: (),
    ) -> None:
        self._browse, self._curves, self._item, self._elsewhere = browse, curves, item, elsewhere

    def compare(self, uids: Sequence[str], *, diffs: bool = True) -> Comparison:
        """Lay runs side by side. Raises NotFound where none of them is there."""
        found, missing = self._found(uids)
        if not found:
            raise NotFound(f"None of these {len(uids)} runs is there.", "They may have been removed.")
        runs = [run for run, _, _ in found]
        folders = [(run.uid, folder) for run, folder, _ in found if folder is not None]
        metrics = dict.fromkeys(name for run in runs for name in run.metrics)
        return Comparison(
            schema=SCHEMA,
            runs=[item for _, _, item in found],
            rows=rows_of(runs),
            metrics=list(metrics),
            code=list(_code_diffs(folders)) if diffs else [],
            environment=list(self._environment_diffs(folders)) if diffs else [],
            pictures=_pictures([folder for _, folder, _ in found]) if diffs else [],
            missing=missing,
        )

    def curves(
        self,
        uids: Sequence[str],
        names: Sequence[str] = (),
        axis: Axis = "step",
        points: int = 1000,
        start: float | None = None,
        end: float | None = None,
    ) -> Curves:
        """Give the curves of these metrics (all where none is named). Raises NotFound where no run is there."""
        if start is not None and end is not None and start > end:
            raise UsageError(f"start {start} is after end {end}.")
        found, _ = self._found(uids)
        if not found:
            raise NotFound(f"There is no run {uids[0][:64]!r}." if uids else "No run is named.")
        known: dict[str, None] = {}
        for run, folder, _ in found:
            known |= dict.fromkeys(self._curves.names(run.uid) if folder is not None else run.metrics)
        wanted = list(names) or list(known)
        points = max(min(points, POINTS // max(len(wanted) * len(found), 1)), min(points, FEWEST))
        window = Window(axis, points, start, end)
        items: list[Curve] = []
        for run, folder, item in found:
            if folder is None:
                items += self._elsewhere(item, [name for name in wanted if name in run.metrics], window)
                continue
            zero = parse_time(run.started).timestamp()
            there = self._curves.names(run.uid)
            items += [self._curves.curve(run.uid, name, window, zero) for name in wanted if name in there]
        return Curves(axis, items, list(known))

    def _found(self, uids: Sequence[str]) -> tuple[list[tuple[Run, RunPaths | None, RunItem]], list[str]]:
        if len(uids) > MOST:
            raise UsageError(f"{len(uids)} runs are too many to compare.", f"At most {MOST} are compared at once.")
        found: list[tuple[Run, RunPaths | None, RunItem]] = []
        missing = []
        for uid in dict.fromkeys(uids):
            try:
                folder = self._browse.folder(uid)
                run = folder.read()
                found.append((run, folder.paths, item_of(run, "folder")))
            except NotFound:
                item = self._item(uid)
                if item is None or item.source != "tracking":
                    missing.append(uid)
                else:
                    found.append((_run_of(item), None, item))
        return found, missing

    def _environment_diffs(self, folders: Sequence[tuple[str, RunPaths]]) -> Iterator[EnvironmentDiff]:
        snapshots = [(uid, _snapshot(RunFolder(paths))) for uid, paths in folders]
        for uid, snapshot in snapshots[1:]:
            yield EnvironmentDiff(uid, environment_changes(snapshots[0][1], snapshot))


def _snapshot(folder: RunFolder) -> dict[str, Any]:
    try:
        data = json.loads(folder.paths.snapshot.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _code_diffs(folders: Sequence[tuple[str, RunPaths]]) -> Iterator[CodeDiff]:
    for uid, paths in folders[1:]:
        diff = script_diff(folders[0][1], paths)
        yield CodeDiff(uid, diff[:LONGEST_DIFF], same=not diff, cut=len(diff) > LONGEST_DIFF)


def _pictures(folders: Sequence[RunPaths | None]) -> list[Picture]:
    """Find the images of these runs by path; those that the most runs have first."""
    found: dict[str, list[str | None]] = {}
    for at, paths in enumerate(folders):
        for file in artifacts_of(paths.artifacts, "", 1000, "").items if paths is not None else ():
            if file.type.startswith("image/"):
                found.setdefault(file.path, [None] * len(folders))[at] = file.id
    ordered = sorted(found.items(), key=lambda pair: (pair[1].count(None), pair[0]))
    return [Picture(path, ids) for path, ids in ordered[:PICTURES]]


def _run_of(item: RunItem) -> Run:
    return Run(
        uid=item.uid,
        name=item.name,
        status=item.status,
        started=item.started,
        ended=item.ended,
        user=item.user,
        notebook=item.notebook,
        params=item.params,
        metrics={name: float(value) for name, value in item.metrics.items()},
        tags=item.tags,
    )
