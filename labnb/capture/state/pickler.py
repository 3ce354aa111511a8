"""The pickler of a session's state.

All small values go into one pickle, so that what two names share stays shared. Large blocks (arrays, frames, tensors,
long texts) go into objects of their own, named by their content, wherever they stand in a value: they are not sent
twice, and two names of one array are one array again. What is not kept: arrays that are views into each other's
memory come back as separate arrays (pickle does the same).

Code of the notebook goes by value (cloudpickle). Its globals are not copied into it but stay the session's: a function
sees a name that the cell binds anew, as it would in the notebook.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cloudpickle

from labnb.capture.state.sizes import known_size

#: Blocks of so many bytes and more become objects of their own.
LARGE = 1_000_000
PROTOCOL = 5


class TooLarge(Exception):
    """A value is over the limit; `size` is what was counted when that was seen."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Sink:
    """Counts and digests what is written to a new file, and stops at a limit."""

    def __init__(self, file: Any, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._begun = 0
        self.size = 0
        self.digest = hashlib.sha256()

    def begin(self, limit: int) -> None:
        """Count anew: what comes now may have so many bytes."""
        self._begun, self._limit = self.size, limit

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.size += len(view)
        if self.size - self._begun > self._limit:
            raise TooLarge(self.size - self._begun)
        self.digest.update(view)
        self._file.write(view)
        return len(view)


@contextmanager
def new_object(folder: Path, limit: int) -> Iterator[Sink]:
    """Write an object by its content; the file gets its name when it is whole. One that is there stays.

    It counts as used now: what lies unused for long may be cleaned away.
    """
    handle, name = tempfile.mkstemp(prefix=".new-", dir=folder)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            sink = Sink(file, limit)
            yield sink
        target = folder / sink.digest.hexdigest()
        try:
            os.utime(target)
        except FileNotFoundError:
            os.replace(aside, target)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


class StatePickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle ships no types
    """Pickles one value after the other into one stream, as the job will read them.

    `names` is the session's namespace. `objects` collects the large blocks (sha256 -> bytes); `holds_code` tells
    whether the value at hand held code of the notebook.
    """

    def __init__(self, sink: Sink, names: Any, folder: Path, value_limit: int) -> None:
        super().__init__(sink, protocol=PROTOCOL)
        self._main = {"session": "names"}
        # cloudpickle gives functions of one module one dict of globals: here that dict is only a mark.
        self.globals_ref[id(names)] = self._main
        self._folder = folder
        self._limit = value_limit
        self._blocks: dict[int, tuple[str, int]] = {}
        self._kept: list[Any] = []
        self.objects: dict[str, int] = {}
        self.block_bytes = 0
        self.holds_code = False
        self.files: set[str] = set()

    def persistent_id(self, value: Any) -> Any:
        """Put what does not belong into the stream elsewhere."""
        if value is self._main:
            return ("main",)
        # Asked for every object of a value: what can be large is told by its type first.
        kind = type(value)
        if kind in _SMALL:
            return None
        size = known_size(value) if kind in _TEXTS or kind.__module__.partition(".")[0] in _BLOCKS else None
        if size is None or size < LARGE:
            return None
        if size > self._limit:
            raise TooLarge(size)
        known = self._blocks.get(id(value))
        if known is None:
            try:
                with new_object(self._folder, self._limit * 2) as sink:
                    pickle.Pickler(sink, protocol=PROTOCOL).dump(value)
            except (TooLarge, OSError):
                raise
            except Exception:  # noqa: BLE001 - it holds code of the notebook: such a block goes into the stream
                return None
            known = self._blocks[id(value)] = (sink.digest.hexdigest(), len(self._blocks))
            self._kept.append(value)  # its id must not be given to another object meanwhile
            self.objects[known[0]] = sink.size
            self.block_bytes += sink.size
        return ("object", *known)

    def reducer_override(self, value: Any) -> Any:
        """See when code goes by value, and let nobody make a text of an open file, as cloudpickle would."""
        if isinstance(value, io.TextIOWrapper):
            raise pickle.PicklingError(f"cannot pickle '{type(value).__module__}.{type(value).__name__}' object")
        reduced = super().reducer_override(value)
        if reduced is not NotImplemented and isinstance(value, (types.FunctionType, type)):
            self.holds_code = True
            if isinstance(value, types.FunctionType):
                self.files.add(value.__code__.co_filename)
            else:
                self.files.update(
                    item.__code__.co_filename for item in vars(value).values() if isinstance(item, types.FunctionType)
                )
        return reduced


_SMALL = frozenset({int, float, bool, type(None), complex, list, dict, tuple, set, frozenset, types.FunctionType, type})
_TEXTS = frozenset({str, bytes, bytearray})
_BLOCKS = frozenset({"numpy", "pandas", "torch", "polars", "pyarrow", "scipy", "xarray", "jax", "jaxlib", "array"})
