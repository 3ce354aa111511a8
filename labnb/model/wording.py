"""How runs, numbers, times and versions are written for people, the same on every face."""

from __future__ import annotations

import math
from typing import Any

from labnb.model.dataset import FileUse
from labnb.model.run import Run


def format_number(value: float) -> str:
    """Write a metric for people: six digits at most.

    >>> format_number(0.9333333333333333)
    '0.933333'
    """
    if math.isnan(value) or math.isinf(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6g}"


def duration_text(seconds: float | None) -> str:
    """Write a duration for people.

    >>> [duration_text(s) for s in (0.0421, 3.14, 75, 7384)]
    ['42 ms', '3.1 s', '1 min 15 s', '2 h 03 min']
    """
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size_text(size: float | None) -> str:
    """Write a number of bytes for people.

    >>> [size_text(n) for n in (512, 16_000_000_000)]
    ['512 B', '16 GB']
    """
    if size is None:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def data_text(use: FileUse) -> str:
    """Write a file with its version: "iris.csv@1a2b3c4d", or "iris.csv (changed since its last version)"."""
    if use.dataset is None:
        return use.path
    if use.version is None:
        return f"{use.path} (changed since the last version of {use.dataset})"
    return f"{use.dataset}@{use.version[:8]}"


def code_text(code: dict[str, Any]) -> str:
    """Write the state of the code: "1a2b3c4d + changes on main"."""
    if not code:
        return ""
    commit = code.get("commit")
    text = str(commit)[:8] if commit else "no commit yet"
    if code.get("dirty") and commit:
        text += " + changes"
    if code.get("branch"):
        text += f" on {code['branch']}"
    return text


def published_text(run: Run) -> str:
    """Write how far a run is published: "local", "publishing", "published" or "failing: why"."""
    return f"{run.published}: {run.published_why}" if run.published_why else run.published


def short(value: object, limit: int = 60) -> str:
    """Write any value on one line, cut with an ellipsis at `limit` characters."""
    text = format_number(value) if isinstance(value, float) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
