"""Progress bars, on a terminal or in a notebook; nowhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType
from typing import Any

#: What is over sooner than this shows no bar.
DELAY = 0.5


class Bars:
    """Shows progress (`ports.progress.Progress`) as one bar per thing that is done; gone when it is left.

    `shown` is whether there is somebody to see it, by default whether standard error is a terminal.
    """

    def __init__(self, shown: bool | None = None) -> None:
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._bars: dict[str, Any] = {}
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            for bar in self._bars.values():
                bar.close()
            self._bars.clear()

    def __call__(self, what: str, done: int, total: int | None, unit: str = "B") -> None:
        """Tell how far something has come."""
        if not self._shown:
            return
        with self._lock:
            since = self._since.setdefault(what, time.monotonic())
            bar = self._bars.get(what)
            if bar is None:
                if time.monotonic() - since < DELAY or (total is not None and done >= total):
                    return
                bar = self._bars[what] = _bar(what, total, unit)
            if total is not None and bar.total != total:
                bar.total = total
            bar.update(done - bar.n)


def _bar(what: str, total: int | None, unit: str) -> Any:
    from tqdm import tqdm

    scaled = unit == "B"
    return tqdm(
        total=total, desc=what, unit=unit if scaled else f" {unit}", unit_scale=scaled, leave=False, dynamic_ncols=True,
        disable=bool(os.environ.get("LABNB_NO_PROGRESS")),
    )  # fmt: skip
