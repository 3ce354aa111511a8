"""The wiring of what answers questions about many runs: index, curves, comparison, details, changes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labnb.model.errors import StoreError
from labnb.model.run import parse_time

if TYPE_CHECKING:
    from labnb.adapters.index import SqliteRunIndex
    from labnb.model.api import Tracking
    from labnb.model.api_run_parts import Curve
    from labnb.model.api_runs import RunItem
    from labnb.model.run import MetricPoint
    from labnb.ports.curves import CurveStore, Window
    from labnb.ports.run_index import RunSource
    from labnb.ports.secret_scanner import SecretScanner
    from labnb.runfolder.paths import LabPaths
    from labnb.usecases.browse import Browse
    from labnb.usecases.compare_runs import CompareRuns
    from labnb.usecases.read_index import ReadIndex
    from labnb.usecases.run_detail import RunDetails
    from labnb.usecases.run_detail_edit import EditRun

Tell = Callable[[Sequence[str], Sequence[str]], None]
#: Seconds in which the first page of a large index is answered before the folders are looked at.
HEAD_START = 0.5


class IndexLab:
    """Reads the runs of a project for faces that show many of them; every part is made at first use."""

    def __init__(
        self,
        root: Path,
        paths: LabPaths,
        browse: Browse,
        announce: Callable[[str], None],
        scanner: Callable[[], SecretScanner],
    ) -> None:
        self._root, self._paths, self._browse = root, paths, browse
        self._announce, self._scanner = announce, scanner

    @cached_property
    def index(self) -> SqliteRunIndex:
        """The index, as it lies in the cache; somebody has to keep it."""
        from labnb.adapters.index import SqliteRunIndex

        return SqliteRunIndex(self._paths.cache)

    @cached_property
    def curves(self) -> CurveStore:
        from labnb.adapters.index.curves import ReducedCurves

        return ReducedCurves(self._paths.runs, self._paths.cache / "curves")

    @cached_property
    def compare(self) -> CompareRuns:
        """Comparison of run folders alone: what the command line and the kernel need."""
        from labnb.usecases.compare_runs import CompareRuns

        return CompareRuns(self._browse, self.curves)

    def compare_all(self, points: Callable[[str, Sequence[str]], Sequence[MetricPoint]]) -> CompareRuns:
        """Compare all runs that the index knows; `points` gives those of a run of the lab's MLflow server."""
        from labnb.usecases.compare_runs import CompareRuns

        def elsewhere(item: RunItem, names: Sequence[str], window: Window) -> Sequence[Curve]:
            from labnb.adapters.index.curves import curve_of

            link = self.index.link(item.uid)
            found = points(link.run_id, names) if link is not None and names else ()
            zero = parse_time(item.started).timestamp()
            return [
                curve_of(item.uid, name, (point for point in found if point.name == name), window, zero)
                for name in names
            ]

        return CompareRuns(self._browse, self.curves, self.index.item, elsewhere)

    def tracking_source(self, uri: str) -> RunSource:
        """The runs of the lab's MLflow server; imports MLflow."""
        from labnb.adapters.mlflow.source import MlflowRuns

        return MlflowRuns(uri)

    @cached_property
    def details(self) -> RunDetails:
        from labnb.usecases.run_detail import RunDetails

        return RunDetails(self._browse, self.index, self._difference)

    @cached_property
    def edits(self) -> EditRun:
        from labnb.usecases.run_detail_edit import EditRun

        return EditRun(self._paths, self._announce, self._is_elsewhere)

    def reading(
        self, tell: Tell, tracking: Callable[[], Tracking | None], tell_data: Callable[[], None] = lambda: None
    ) -> ReadIndex:
        """Make what answers from the index and keeps it.

        `tell` is told which runs changed, `tell_data` that versions of datasets were added; `tracking` tells of MLflow.
        """
        from labnb.adapters.index.news import RunFolderNews
        from labnb.usecases.read_index import ReadIndex
        from labnb.usecases.read_index_keeper import IndexKeeper

        keeper = IndexKeeper(
            self._paths,
            self.index,
            RunFolderNews(self._paths),
            tell,
            tell_data,
            self._mend,
            self._prepare,
            HEAD_START if self.index.large else 0.0,
        )
        return ReadIndex(self.index, keeper, tracking, self.index.close)

    def _prepare(self, uid: str) -> None:
        """Prepare the curves of a long journal; of a short one that would not be worth loading numpy."""
        from labnb.ports.curves import LONG

        with contextlib.suppress(OSError):
            if self._paths.run(uid).journal.stat().st_size > LONG:
                self.curves.prepare(uid)

    def _mend(self, uid: str) -> bool:
        from labnb.usecases.mend_run import mend_run

        if mend_run(self._paths, uid) is None:
            return False
        with contextlib.suppress(StoreError):  # mended it is; labnb sync publishes it
            self._announce(uid)
        return True

    def _is_elsewhere(self, uid: str) -> bool:
        found = self.index.item(uid)
        return found is not None and found.source == "tracking"

    def _difference(self, code: dict[str, Any], limit: int) -> str:
        before, after = code.get("commit"), code.get("snapshot")
        if not before or not after:
            return ""
        from labnb.adapters.git import GitCodeStore

        store = GitCodeStore(self._root, self._scanner(), private=self._paths.code)
        return store.difference(str(before), str(after), limit)
