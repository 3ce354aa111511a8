"""Sessions run in this process, without IPython: quick enough for hundreds of small cases."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from labnb.capture.slicing import slice_session
from labnb.model.cell import Cell, ExecutedCell
from labnb.model.closure import Closure


def cell(source: str, count: int | None = None, **seen: Any) -> ExecutedCell:
    """Make an execution of a cell of plain Python."""
    return ExecutedCell(Cell(source, execution_count=count), source, **seen)


def sliced(*sources: str) -> Closure:
    """Slice the last of some cells, of which nothing is known but their text."""
    *history, target = (cell(source, count) for count, source in enumerate(sources, 1))
    return slice_session(history, target)


def text_of(closure: Closure) -> str:
    """Give the code of a closure."""
    return "\n".join(piece.code for piece in closure.pieces)


class Play:
    """A namespace in which cells are executed, and what a live session would have seen of that."""

    def __init__(self, seen: bool = True) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.history: list[ExecutedCell] = []
        self._seen = seen

    def execute(self, source: str) -> None:
        """Execute a cell, and keep it with what was seen of it."""
        before = {name: id(value) for name, value in self.names.items()}
        failed = run(source, self.names)
        names = {name: value for name, value in self.names.items() if name != "__builtins__"}
        bound = frozenset(name for name, value in names.items() if before.get(name) != id(value))
        kinds = {name: f"{type(names[name]).__module__}.{type(names[name]).__qualname__}" for name in bound}
        seen: dict[str, Any] = {"bound": bound, "kinds": kinds} if self._seen else {}
        deleted = frozenset(before.keys() - self.names.keys())
        count = len(self.history) + 1
        self.history.append(cell(source, count, deleted=deleted, failed_line=failed, **seen))


def run(source: str, names: dict[str, Any]) -> int | None:
    """Execute source; give the line at which it raised, if it did."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(compile(source, "<cell>", "exec"), names)
        except Exception as error:
            trace = error.__traceback__
            while trace is not None:
                if trace.tb_frame.f_code.co_filename == "<cell>":
                    return trace.tb_lineno
                trace = trace.tb_next
            raise
    return None


def replay(closure: Closure) -> dict[str, Any]:
    """Execute the pieces of a closure in a clean namespace."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for piece in closure.pieces:
            exec(compile(piece.code, "<piece>", "exec"), names)
    return names
