"""The journal of a run: what was logged, one JSON line each, appended.

Every line is one `write` to a file opened with O_APPEND, so that lines of threads and forked workers do not
mix, and what was logged survives the death of the process at once (the page cache holds it; a power cut may
take the last seconds). Formats of the lines, by "k": see docs/record.md.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from math import isfinite
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
        self._keys: dict[str, str] = {}
        # What is to be written of each line, and the line.
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self.lost = 0

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Append one point of each metric, at `step` or one after the last step of each."""
        steps = self._steps
        if step is None:
            step = -1
            for name in values:
                step = max(step, steps.get(name, -1))
            step += 1
        # Written by hand: this is called in training loops, and a JSON encoder takes four times as long.
        parts = []
        for name, value in values.items():
            steps[name] = step
            key = self._keys.get(name)
            if key is None:
                key = self._keys[name] = _encode(str(name)) + ":"
            parts.append(key + (repr(value) if type(value) is float and isfinite(value) else _encode(value)))
        number = step if type(step) is int else _encode(step)
        line = f'{{"k":"metric","t":{time.time()!r},"s":{number},"v":{{{",".join(parts)}}}}}\n'
        self._write(line.encode("utf-8", "backslashreplace"))

    def add(self, kind: str, **content: Any) -> None:
        """Append a line of another kind."""
        line = _encode({"k": kind, "t": time.time(), **content}) + "\n"
        self._write(line.encode("utf-8", "backslashreplace"))

    def close(self) -> bool:
        """Write what waits and close; False where something could not be written: it goes on waiting."""
        if self._fd < 0:
            return not self._waiting and not self.lost
        with self._lock:
            whole = self._flush()
        os.close(self._fd)
        self._fd = -1
        return whole and not self.lost

    def write_rest(self, path: Path) -> bool:
        """Write what still waits after `close`; raises OSError where there is still no room."""
        if self._waiting and self._fd < 0:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            if not self.close() and self._waiting:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return not self.lost

    def waiting(self) -> list[dict[str, Any]]:
        """Give the lines that could not be written yet."""
        with self._lock:
            return [json.loads(line) for _, line in self._waiting]

    def _write(self, data: bytes) -> None:
        if not self._waiting:
            try:
                written = os.write(self._fd, data)
            except OSError:
                written = 0
            if written == len(data):
                return
            self._wait(_rest(data, written), data)
        else:
            self._wait(data, data)

    def _wait(self, rest: bytes, line: bytes) -> None:
        if self._pid != os.getpid():
            # A forked worker: what waited then is its parent's to write, and so was the lock.
            self._pid, self._lock = os.getpid(), threading.Lock()
            self._waiting = deque()
        with self._lock:
            if len(self._waiting) < self.WAITING:
                self._waiting.append((rest, line))
            else:
                self.lost += 1
            self._flush()

    def _flush(self) -> bool:
        while self._waiting:
            rest, line = self._waiting[0]
            try:
                written = os.write(self._fd, rest)
            except OSError:
                return False
            if written < len(rest):
                self._waiting[0] = (_rest(line, written - len(rest) + len(line)), line) if written else (rest, line)
                return False
            self._waiting.popleft()
        return True


def _rest(line: bytes, written: int) -> bytes:
    """Say what is to be written of a line of which a disk that fills up took so many bytes.

    All of it on a line of its own, as the reader passes over a torn one; but where nothing is missing except the line's
    end, it would be there twice.
    """
    if written == len(line) - 1:
        return b"\n"
    return line if written == 0 else b"\n" + line


def read_journal(path: Path, offset: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the whole lines from `offset` (bytes) on, each with the offset after it.

    A torn line at the end is left for the next reading; a torn line elsewhere is passed over.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; only a missing file is answered here
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
