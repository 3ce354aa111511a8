"""Metric curves of runs, reduced to as many points as a screen shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from labnb.model.api_run_parts import Axis, Curve

#: A journal longer than this (bytes) takes long enough to read that it is worth preparing.
LONG = 2_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """What part of a curve is wanted: over which axis, from where to where (None: to the end), in how many points."""

    axis: Axis = "step"
    points: int = 1000
    start: float | None = None
    end: float | None = None


class CurveStore(Protocol):
    """Knows every point that run folders hold. Safe from any thread."""

    def names(self, uid: str) -> Sequence[str]:
        """Give the metrics of a run, in the order in which they were first logged."""
        ...

    def curve(self, uid: str, name: str, window: Window, zero: float) -> Curve:
        """Give one curve, of an unknown name without points; `zero` is the run's start in seconds since the epoch."""
        ...

    def prepare(self, uid: str) -> None:
        """Read a long journal now and keep what it holds, so that the first question about it waits for nothing."""
        ...
