"""The journal of a run: what was logged, one JSON line each, appended.

Every line is one `write` to a file opened with O_APPEND, so that lines of threads and forked workers do not
mix, and what was logged survives the death of the process at once (the page cache holds it; a power cut may
take the last seconds). Formats of the lines, by "k": see docs/record.md.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode


class Journal:
    """Appends to the journal of one run.

    Where the disk is full, lines wait in memory (bounded) and are written when there is room again;
    `lost` counts those that could not wait.
    """

    WAITING = 100_000

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._steps: dict[str, int] = {}
        self._waiting: list[bytes] = []
        self.lost = 0

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Append one point of each metric, at `step` or one after the last step of each."""
        if step is None:
            step = max((self._steps.get(name, -1) for name in values), default=-1) + 1
        for name in values:
            self._steps[name] = step
        self._append({"k": "metric", "t": time.time(), "s": step, "v": values})

    def add(self, kind: str, **content: Any) -> None:
        """Append a line of another kind."""
        self._append({"k": kind, "t": time.time(), **content})

    def close(self) -> bool:
        """Write what waits and close; False where something could not be written."""
        if self._fd < 0:
            return not self._waiting and not self.lost
        whole = self._flush()
        os.close(self._fd)
        self._fd = -1
        return whole and not self.lost

    def _append(self, line: dict[str, Any]) -> None:
        data = (_encode(line) + "\n").encode("utf-8", "backslashreplace")
        if self._waiting:
            self._wait(data)
            self._flush()
            return
        try:
            written = os.write(self._fd, data)
        except OSError:
            self._wait(data)
            return
        if written < len(data):  # a disk that fills up takes a part: the reader passes over the torn line
            self._wait(b"\n" + data)

    def _wait(self, data: bytes) -> None:
        if len(self._waiting) < self.WAITING:
            self._waiting.append(data)
        else:
            self.lost += 1

    def _flush(self) -> bool:
        while self._waiting:
            data = self._waiting[0]
            try:
                written = os.write(self._fd, data)
            except OSError:
                return False
            if written < len(data):
                self._waiting[0] = b"\n" + data.lstrip(b"\n")
                return False
            self._waiting.pop(0)
        return True


def read_journal(path: Path, offset: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the whole lines from `offset` (bytes) on, each with the offset after it.

    A torn line at the end is left for the next reading; a torn line elsewhere is passed over.
    """
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            offset += len(raw)
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield offset, line
