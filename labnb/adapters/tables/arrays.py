"""Arrays: shapes and types, and a few values. Objects in them are never loaded, because that runs code."""

from __future__ import annotations

import zipfile
from typing import Any

from labnb.model.preview import Preview

LISTED = 50
_HEADER = 65_536


def array(path: str, name: str, rows: int) -> Preview:
    """Show what a NumPy or HDF5 file holds."""
    end = name.lower().rpartition(".")[2]
    if end == "npy":
        return _npy(path, name, rows)
    return _npz(path, name) if end == "npz" else _hdf5(path, name)


def _npy(path: str, name: str, rows: int) -> Preview:
    import numpy as np

    with open(path, "rb") as file:
        shape, kind = _header(file)
    facts: dict[str, Any] = {"shape": list(shape), "type": str(kind)}
    if kind.hasobject:
        return Preview(name, "array", facts, note="it holds Python objects, which are not loaded")
    # Mapped, not read: only the pages of the first values come in.
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    flat = values.reshape(-1)[: rows * 5] if values.size else values
    return Preview(name, "array", facts, text=np.array2string(np.asarray(flat), threshold=rows * 5, max_line_width=100))


def _npz(path: str, name: str) -> Preview:
    lines = []
    with zipfile.ZipFile(path) as found:
        members = found.infolist()
        for member in members[:LISTED]:
            if member.filename.endswith(".npy"):
                with found.open(member) as file:
                    shape, kind = _header(file)
                lines.append(f"{member.filename[:-4]}  {'×'.join(map(str, shape)) or 'scalar'}  {kind}")
            else:
                lines.append(member.filename)
    more = f"{len(members) - LISTED} more" if len(members) > LISTED else ""
    return Preview(name, "array", {"arrays": len(members)}, text="\n".join(lines), note=more)


def _header(file: Any) -> tuple[tuple[int, ...], Any]:
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, kind = read(file, max_header_size=_HEADER)
    return shape, kind


def _hdf5(path: str, name: str) -> Preview:
    import h5py

    lines: list[str] = []
    count = 0

    def see(inner: str, item: Any) -> object:
        nonlocal count
        count += 1
        if isinstance(item, h5py.Dataset) and len(lines) < LISTED:
            lines.append(f"{inner}  {'×'.join(map(str, item.shape or ())) or 'scalar'}  {item.dtype}")
        return True if count > 10_000 else None

    with h5py.File(path, "r", locking=False) as found:
        found.visititems(see)
    return Preview(name, "array", {"objects": count}, text="\n".join(lines), note="cut" if count > 10_000 else "")
