"""Where JSON is born: answers of use cases as text, compressed where that pays."""

from __future__ import annotations

import dataclasses
import enum
import gzip
import json
import math
from collections.abc import Mapping
from typing import Any

from labnb.model.plain import sound
from labnb.server.operation import Ready

#: Smaller answers cost more to compress than to send.
WORTH_COMPRESSING = 4096
# Level 1 takes a fifth of the time of level 6 and sends a tenth more.
LEVEL = 1

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def body_of(answer: Any, compress: bool) -> tuple[bytes, bool]:
    """Give an answer as bytes, and whether they are compressed with gzip."""
    text = answer.text if isinstance(answer, Ready) else text_of(answer)
    data = text.encode("utf-8", "backslashreplace")
    if compress and len(data) >= WORTH_COMPRESSING:
        return gzip.compress(data, LEVEL, mtime=0), True
    return data, False


def text_of(answer: Any) -> str:
    """Write an answer as JSON; a number that JSON has no word for becomes "NaN", "Infinity" or "-Infinity"."""
    value = plain(answer)
    try:
        return _encode(value)
    except ValueError:
        return _encode(_finite(value))


def plain(value: Any) -> Any:
    """Make JSON of dataclasses, enumerations and what they hold."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {sound(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        # Curves are long lists of numbers: they are JSON already.
        return value if value and type(value[0]) is float and isinstance(value, list) else [plain(i) for i in value]
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
