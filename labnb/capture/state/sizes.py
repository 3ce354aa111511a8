"""How large a value is, before it is pickled: told by the value where it knows, guessed from a sample where not."""

from __future__ import annotations

import sys
from typing import Any

_SAMPLE = 200
_DEPTH = 3
_NUMBER = 9
_BOXES = (list, tuple, set, frozenset, dict)


def known_size(value: Any) -> int | None:
    """Give the bytes of a value that is one block of memory, None for any other.

    Arrays, frames, tensors and texts; nothing of the value is copied or changed.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return len(value)
    if isinstance(value, str):
        return len(value)
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    try:
        if root == "pandas" and hasattr(value, "memory_usage"):
            usage = value.memory_usage(index=True, deep=False)
            return int(usage.sum() if hasattr(usage, "sum") else usage)
        if root == "torch" and hasattr(value, "element_size") and hasattr(value, "nelement"):
            return int(value.element_size() * value.nelement())
        nbytes = getattr(value, "nbytes", None) if root != "__main__" else None
    except Exception:  # noqa: BLE001 - a foreign object's own code
        return None
    return int(nbytes) if isinstance(nbytes, int) and not isinstance(value, type) else None


def guess_size(value: Any, depth: int = _DEPTH) -> int:
    """Guess the bytes of a value: boxes from a sample of what they hold, objects from their attributes."""
    known = known_size(value)
    if known is not None:
        return known
    if isinstance(value, (int, float, complex)):
        return _NUMBER
    if isinstance(value, _BOXES):
        if not depth or not value:
            return sys.getsizeof(value)
        items = list(_some(value.values() if isinstance(value, dict) else value))
        # What is in the box twice is pickled once.
        once: dict[object, int] = {}
        for place, item in enumerate(items):
            size = guess_size(item, depth - 1)
            once[id(item) if size > 10 * _NUMBER else -place] = size
        return int(sum(once.values()) / len(items) * len(value))
    if depth and type(value).__module__ not in ("builtins", "types"):
        fields = getattr(value, "__dict__", None)
        if isinstance(fields, dict) and not isinstance(value, type):
            return sum(guess_size(item, depth - 1) for item in list(fields.values())[:_SAMPLE])
    return 0


def _some(items: Any) -> Any:
    if isinstance(items, (list, tuple)) and len(items) > _SAMPLE:
        step = len(items) // _SAMPLE
        yield from items[::step][:_SAMPLE]
        return
    for count, item in enumerate(items):
        if count >= _SAMPLE:
            return
        yield item


def size_text(size: int) -> str:
    """Write bytes as people do.

    >>> size_text(5_000_000_000)
    '5.0 GB'
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
