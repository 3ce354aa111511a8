"""Why a value cannot travel, in the researcher's words: its name, type, the cell that made it, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from labnb.capture.slicing.source import ran
from labnb.capture.state.sizes import size_text
from labnb.model.cell import ExecutedCell
from labnb.model.errors import StateRefused

_OPEN = "Open it inside the cell: what the cell makes itself need not travel."
_HINTS: tuple[tuple[str, str], ...] = (
    (r"TextIOWrapper|BufferedReader|BufferedWriter|BufferedRandom|FileIO|h5py|netCDF|zipfile", _OPEN),
    (r"[Cc]onnection|[Cc]ursor|[Ss]ocket|[Ss]ession|[Ee]ngine|[Cc]lient|SparkContext|Redis|sqlite3", _OPEN),
    (r"\bR?[Ll]ock|[Tt]hread|[Ss]emaphore|Event|Queue|Pool|Executor|Popen|Future|Task\b", "Make it inside the cell."),
    (r"generator|coroutine|iterator|\bmap\b|\bzip\b", "Make a list of it (x = list(x)), or make it inside the cell."),
    (r"module", "Import it inside the cell."),
)


_SAVE = "Save it to a file below the project and load it inside the cell: files and datasets travel by version."


def refuse_size(name: str, value: Any, size: int, limit: int, history: Sequence[ExecutedCell]) -> StateRefused:
    """Refuse a value that is too large."""
    return StateRefused(
        f"{name} ({_type(value)}{_made(name, history)}) is too large to travel to a job: {size_text(size)} or more, "
        f"and one value may have {size_text(limit)}.",
        f"{_SAVE} Or make {name} inside the cell.",
    )


def refuse_total(name: str, value: Any, size: int, limit: int, history: Sequence[ExecutedCell]) -> StateRefused:
    """Refuse values that are too large together; the one at which that was seen is named."""
    return StateRefused(
        f"What the cell needs is too large to travel to a job: with {name} ({_type(value)}{_made(name, history)}) it "
        f"is {size_text(size)} or more, and all values together may have {size_text(limit)}.",
        _SAVE,
    )


def refuse_value(name: str, value: Any, error: Exception, history: Sequence[ExecutedCell]) -> StateRefused:
    """Refuse a value that cannot be pickled."""
    reason = str(error).strip() or type(error).__name__
    inner = re.search(r"cannot pickle '?([\w.]+)'?", reason)
    kind = inner[1] if inner else _type(value)
    whose = "" if kind.rpartition(".")[2] == type(value).__name__ else f": it holds a {kind}"
    text = f"{kind} {_type(value)} {reason}"
    hint = next((advice for pattern, advice in _HINTS if re.search(pattern, text)), f"Make {name} inside the cell.")
    return StateRefused(
        f"{name} ({_type(value)}{_made(name, history)}) cannot travel to a job{whose}: {reason}".rstrip(".") + ".", hint
    )


def _type(value: Any) -> str:
    kind = type(value)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def _made(name: str, history: Sequence[ExecutedCell]) -> str:
    """Name the cell that bound a name last; "" where none was seen to."""
    for executed in reversed(history):
        if name in executed.bound or any(name in statement.stores for statement, _ in ran(executed)):
            count = executed.cell.execution_count
            return f", made in cell [{count}]" if count is not None else ", made in an earlier cell"
    return ""
