"""What the file system told about files during one cell, kept to what this cell can have caused."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from labnb.capture.files.events import (
    ACCESS,
    CHANGES,
    CLOSE_READ,
    OPEN,
    UNKNOWN_PROCESS,
)
from labnb.runfolder.queue import publisher_pids

MAX_MARKS: Final = 500_000
#: Seconds in which a process that is about to be started is there, or has come and gone.
_STARTING: Final = 2.0
_READ: Final = CLOSE_READ | ACCESS

# Libraries that read files without Python's open. Only asked where the system does not say whose access it was.
_NATIVE: Final = (
    "pyarrow", "h5py", "tables", "netCDF4", "polars", "duckdb", "lmdb", "rasterio", "cv2", "torch", "tensorflow",
    "safetensors", "zarr", "fiona", "pyogrio", "osgeo", "rocksdb", "leveldb", "vaex", "xgboost", "lightgbm",
    "catboost", "datatable", "fastparquet", "scipy.io", "soundfile", "torchaudio", "torchvision", "av", "vtk",
    "pyvista", "uproot", "ROOT", "openslide", "SimpleITK", "itk", "nvidia.dali", "decord", "onnxruntime",
)  # fmt: skip


@dataclass(slots=True)
class Mark:
    """A file of which the file system told. `first` is "r", "w", or "?" while it is only known to be open."""

    first: str
    bits: int


class Marks:
    """Collects events and decides whose they are.

    An event of this process is believed. One of another process is believed while this process has children that
    can have caused it. Where the system does not tell the process, an event is believed while there are children or
    when libraries are loaded that read files by themselves.
    """

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], Mark] = {}
        self.full = False
        self._pid = os.getpid()
        self._children = has_children()
        self._spawned = 0
        self._seen_spawned = 0
        self._spawned_at = 0.0
        self._families: dict[int, bool | None] = {}
        self._may_be_child = False

    def spawned(self) -> None:
        """Note that a process is about to be started."""
        self._spawned_at = time.monotonic()
        self._spawned += 1

    def begin_batch(self) -> None:
        """Look whether children ran since the last batch of events: to be called right before these are read."""
        self._may_be_child = self._children
        self._look()

    def end_batch(self) -> None:
        """Look once more when the events are read: a child may have begun since the first look, and caused some."""
        self._look()

    def _look(self) -> None:
        alive = has_children()
        self._may_be_child |= alive or self._spawned != self._seen_spawned
        self._children = alive
        # A look may come before the process is there, and the next when it has gone already.
        if alive or time.monotonic() - self._spawned_at > _STARTING:
            self._seen_spawned = self._spawned

    @property
    def children(self) -> bool:
        """Whether children ran at the last look."""
        return self._children

    def believes(self, pid: int) -> bool:
        """Whether this cell can have caused an event of a process."""
        if pid == self._pid:
            return True
        if pid == UNKNOWN_PROCESS:
            return self._may_be_child or any(name in sys.modules for name in _NATIVE)
        if not self._may_be_child:
            return False
        if pid == 0:
            return True
        known = self._families.get(pid, False)
        if pid not in self._families:
            known = self._families[pid] = self._is_descendant(pid)
        return known is not False  # a process that is gone already can have been a child

    def add(self, folder: str, name: str, mask: int) -> None:
        """Note an event that is believed."""
        kind = _kind(mask)
        if kind == "-":
            return  # removed or moved away: what is there in the end is looked up in the end
        mark = self.files.get((folder, name))
        if mark is None:
            if len(self.files) >= MAX_MARKS:
                self.full = True
                return
            self.files[folder, name] = Mark(kind, mask)
            return
        mark.bits |= mask
        if mark.first == "?":
            mark.first = kind

    def _is_descendant(self, pid: int) -> bool | None:
        helpers = _helpers()
        for _ in range(64):
            if pid == self._pid:
                return True
            if pid <= 1 or pid in helpers:
                return False
            try:
                with open(f"/proc/{pid}/stat", "rb") as stream:
                    pid = int(stream.read().rpartition(b")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                return None
        return False


def _kind(mask: int) -> str:
    """Tell the first use from the bits of an event, which may be several merged.

    Merged reading and writing of a file counts as writing: a result written and read back is far more common than a
    file replaced by itself within the milliseconds in which events are merged.
    """
    if mask & CHANGES:
        return "w"
    if mask & _READ:
        return "r"
    return "?" if mask & OPEN else "-"


def has_children() -> bool:
    """Whether this process has children that can work for the cell."""
    if not hasattr(os, "waitid"):
        return True  # cannot be told, and there is no watch there either
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except OSError:
        return True
    helpers = _helpers()
    return bool(_children() - helpers) if helpers else True


def _helpers() -> set[int]:
    """Children that work for this process, not for the cell: multiprocessing's tracker, and labnb's publisher."""
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    pid = getattr(getattr(tracker, "_resource_tracker", None), "_pid", None)
    return publisher_pids() | ({pid} if pid is not None else set())


def _children() -> set[int]:
    """The ids of this process's children."""
    found: set[int] = set()
    try:
        for task in os.listdir("/proc/self/task"):
            with suppress(OSError), open(f"/proc/self/task/{task}/children", "rb") as stream:
                found.update(map(int, stream.read().split()))
    except OSError:
        return {-1}
    return found
