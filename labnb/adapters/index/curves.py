"""Curves reduced with MinMaxLTTB: peaks stay, the shape stays, and a screen's worth of points is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tsdownsample import MinMaxLTTBDownsampler

from labnb.adapters.index.points import Column, PointStore
from labnb.model.api_run_parts import Curve
from labnb.model.run import MetricPoint
from labnb.ports.curves import Window

#: So many values that are no numbers are shown as gaps.
GAPS = 100


class ReducedCurves:
    """Curves of run folders. See the port CurveStore."""

    def __init__(self, runs: Path, cache: Path) -> None:
        self._store = PointStore(runs, cache)

    def names(self, uid: str) -> Sequence[str]:
        return list(self._store.points(uid).columns)

    def curve(self, uid: str, name: str, window: Window, zero: float) -> Curve:
        columns = self._store.points(uid).columns.get(name)
        if columns is None:
            return Curve(uid, name, [], [], 0, whole=True)
        return reduced(uid, name, *columns, window, zero)

    def prepare(self, uid: str) -> None:
        self._store.prepare(uid)


def curve_of(uid: str, name: str, points: Iterable[MetricPoint], window: Window, zero: float) -> Curve:
    """Reduce points that lie elsewhere."""
    found = [(point.step, point.time, point.value) for point in points]
    table = np.asarray(found, np.float64).reshape(-1, 3)
    return reduced(uid, name, table[:, 0], table[:, 1], table[:, 2], window, zero)


def reduced(uid: str, name: str, steps: Column, times: Column, values: Column, window: Window, zero: float) -> Curve:
    """Give the part of a curve that is asked for; a point beyond each end keeps the lines going to the edges."""
    x = steps if window.axis == "step" else np.round(times if window.axis == "time" else times - zero, 4)
    if len(x) > 1 and bool(np.any(np.diff(x) < 0)):
        order = np.argsort(x, kind="stable")
        x, values = x[order], values[order]
    first = 0 if window.start is None else int(np.searchsorted(x, window.start, "left"))
    last = len(x) if window.end is None else int(np.searchsorted(x, window.end, "right"))
    total = max(last - first, 0)
    first, last = max(first - 1, 0) if window.start is not None else 0, min(last + 1, len(x))
    # Columns from the cache lie at any byte, and tsdownsample panics where numbers are not aligned.
    x, y = (np.require(column[first:last], np.float64, ["C", "A"]) for column in (x, values))
    kept = _chosen(x, y, window.points)
    if kept is not None:
        x, y = x[kept], y[kept]
    fine = np.isfinite(y)
    shown: list[float | None] = y.tolist()
    if not bool(fine.all()):
        shown = [value if good else None for value, good in zip(shown, fine.tolist(), strict=True)]
    return Curve(uid, name, x.tolist(), shown, total, whole=kept is None)


def _chosen(x: Column, y: Column, points: int) -> npt.NDArray[np.int64] | None:
    """Choose the points that are shown; None for all."""
    if len(x) <= points:
        return None
    fine = np.flatnonzero(np.isfinite(y))
    if len(fine) == len(y):
        return _shape(x, y, points)
    gaps = np.flatnonzero(~np.isfinite(y))
    gaps = gaps[:: max(len(gaps) // GAPS, 1)]
    if len(fine) > points:
        fine = fine[_shape(x[fine], y[fine], points)]
    return np.union1d(fine, gaps)


def _shape(x: Column, y: Column, points: int) -> npt.NDArray[np.int64]:
    down: Any = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]  # tsdownsample's
    # Its buckets are of equal length in x: where all x are equal they have none.
    found = down.downsample(x, y, n_out=max(points, 3)) if x[-1] > x[0] else down.downsample(y, n_out=max(points, 3))
    return np.asarray(found, np.int64)
