"""Every metric point of a run as columns of numbers: read from its journal once, then only what is new."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labnb.ports.curves import LONG

Column = npt.NDArray[np.float64]

#: Bytes of a journal that are read at once: so long the interpreter is held.
CHUNK = 262_144
#: So many bytes of columns stay in memory; those of long journals are kept on disk as well.
KEPT = 400_000_000
_MAGIC = b"labnb-points-1\n"


class Points:
    """The points of one run: `columns` maps each metric to step, time and value, in the order of the journal."""

    def __init__(self) -> None:
        self.offset = 0
        self.identity = 0
        self.columns: dict[str, tuple[Column, Column, Column]] = {}

    @property
    def size(self) -> int:
        return sum(3 * columns[0].nbytes for columns in self.columns.values())


class PointStore:
    """The points of all runs of a project. `runs` is the folder of run folders, `cache` where columns are kept."""

    def __init__(self, runs: Path, cache: Path) -> None:
        self._runs, self._cache = runs, cache
        self._kept: OrderedDict[str, Points] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: dict[str, threading.Lock] = {}

    def points(self, uid: str) -> Points:
        """Give the points of a run as they are now."""
        with self._lock:
            own = self._reading.setdefault(uid, threading.Lock())
        with own:
            found = self._kept.get(uid) or self._load(uid)
            found = self._grown(uid, found)
            with self._lock:
                self._kept[uid] = found
                self._kept.move_to_end(uid)
                while len(self._kept) > 1 and sum(kept.size for kept in self._kept.values()) > KEPT:
                    gone, _ = self._kept.popitem(last=False)
                    self._reading.pop(gone, None)
        return found

    def prepare(self, uid: str) -> None:
        """Keep the columns of a journal on disk, as far as it goes now; in memory only if they were there before."""
        try:
            size = os.stat(self._journal(uid)).st_size
        except OSError:
            return
        if self._cached_offset(uid) >= size:
            return
        asked_before = uid in self._kept
        found = self.points(uid)
        if self._cached_offset(uid) < found.offset:  # it was read in small pieces, while it grew
            self._keep(uid, found)
        with self._lock:
            if not asked_before:
                self._kept.pop(uid, None)

    def _journal(self, uid: str) -> Path:
        return self._runs / uid / "journal.jsonl"

    def _cached_offset(self, uid: str) -> int:
        """Tell how far into the journal the columns on disk go; 0 where there are none."""
        try:
            with open(self._cache / uid, "rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    return 0
                (length,) = struct.unpack("<I", file.read(4))
                return int(json.loads(file.read(min(length, LONG)))["offset"])
        except (OSError, ValueError, KeyError, TypeError, struct.error):
            return 0

    def _grown(self, uid: str, before: Points) -> Points:
        try:
            file = open(self._journal(uid), "rb")  # noqa: SIM115 - closed below; only a missing file is answered here
        except OSError:
            return Points()
        with file:
            found = os.fstat(file.fileno())
            if before.identity not in (0, found.st_ino) or found.st_size < before.offset:
                before = Points()  # another journal: the run was restored, or put together anew
            if found.st_size == before.offset:
                return before
            file.seek(before.offset)
            reader = _Reader()
            rest, offset = b"", before.offset
            while data := file.read(CHUNK):
                whole, newline, rest = (rest + data).rpartition(b"\n")
                if newline:
                    reader.take(whole)
                    offset += len(whole) + 1
        after = Points()
        after.offset, after.identity = offset, found.st_ino
        after.columns = reader.over(before.columns)
        if offset - before.offset > LONG:
            self._keep(uid, after)
        return after

    def _keep(self, uid: str, points: Points) -> None:
        head = {
            "offset": points.offset,
            "identity": points.identity,
            "names": [[name, len(columns[0])] for name, columns in points.columns.items()],
        }
        text = json.dumps(head).encode()
        aside = self._cache / f".{uid}.{os.getpid()}.{threading.get_ident()}"
        with contextlib.suppress(OSError):
            self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(aside, "wb") as file:
                file.write(_MAGIC + struct.pack("<I", len(text)) + text)
                for columns in points.columns.values():
                    file.writelines(column.tobytes() for column in columns)
            os.replace(aside, self._cache / uid)

    def _load(self, uid: str) -> Points:
        points = Points()
        try:
            data = (self._cache / uid).read_bytes()
        except OSError:
            return points
        try:
            if not data.startswith(_MAGIC):
                return points
            (length,) = struct.unpack_from("<I", data, len(_MAGIC))
            at = len(_MAGIC) + 4
            head = json.loads(data[at : at + length])
            at += length
            columns = {}
            for name, count in head["names"]:
                numbers = np.frombuffer(data, np.float64, 3 * count, at)
                columns[name] = (numbers[:count], numbers[count : 2 * count], numbers[2 * count :])
                at += 24 * count
        except (ValueError, KeyError, TypeError, struct.error):
            return points  # a damaged cache is made again
        points.offset, points.identity, points.columns = head["offset"], head["identity"], columns
        return points


class _Reader:
    """Takes lines of a journal apart."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[list[float], list[float], list[float]]] = {}

    def take(self, lines: bytes) -> None:
        try:
            # One call for all lines takes half the time of one call a line.
            read = json.loads(b"[" + lines.replace(b"\n", b",") + b"]")
        except ValueError:
            read = [_line(line) for line in lines.split(b"\n")]
        for line in read:
            if type(line) is dict and line.get("k") == "metric":
                self._metric(line)

    def _metric(self, line: dict[str, Any]) -> None:
        try:
            step, time, values = float(line["s"]), float(line["t"]), line["v"].items()
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return
        for name, value in values:
            if type(value) is not float:
                try:
                    value = float(value)
                except (TypeError, ValueError, OverflowError):
                    continue
            found = self._found.get(name)
            if found is None:
                found = self._found[name] = ([], [], [])
            found[0].append(step)
            found[1].append(time)
            found[2].append(value)

    def over(self, before: dict[str, tuple[Column, Column, Column]]) -> dict[str, tuple[Column, Column, Column]]:
        """Give what was there before with what was read behind it."""
        merged = dict(before)
        for name, lists in self._found.items():
            new = tuple(np.asarray(numbers, np.float64) for numbers in lists)
            old = before.get(name)
            steps, times, values = new if old is None else (np.concatenate(pair) for pair in zip(old, new, strict=True))
            merged[name] = steps, times, values
        return merged


def _line(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
