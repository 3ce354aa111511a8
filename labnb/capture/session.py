"""The live session: every execution of a cell, with what was seen of its effects."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterable
from typing import Any

from labnb.model.cell import Cell, ExecutedCell

#: Names that IPython itself binds, and rebinds from cell to cell.
_IPYTHON = frozenset(
    {"In", "Out", "get_ipython", "exit", "quit", "open", "display", "_", "__", "___"}
    | {"_i", "_ii", "_iii", "_ih", "_oh", "_dh", "__builtin__", "__builtins__", "__name__", "__doc__", "__package__"}
    | {"__loader__", "__spec__", "__session__"}
)
_SYNTAX = frozenset({"SyntaxError", "IndentationError", "TabError", "UsageError"})
# `kind.__module__` would ask the metaclass, which is anyone's code.
_MODULE = type.__dict__["__module__"].__get__
_QUALNAME = type.__dict__["__qualname__"].__get__
_FRESH_NUMPY = 623  # where NumPy's twister stands when it was neither seeded nor drawn from


class Session:
    """Follows one shell. `before` and `after` are called around every cell that a person ran.

    It looks only at which names are bound to which objects and at whether the global random generators moved,
    and holds no object of the researcher alive. Well under a millisecond a cell.

    Args:
        shell: an IPython shell. What it ran before is taken from its history.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._earlier = list(_earlier(shell))
        self._kinds_at_start = self._kinds(self._bound_now())
        self._explained = False
        self._history: list[ExecutedCell] = []
        # The cell that loads labnb is running already; its end will be seen.
        self._bindings = self._bound_now()
        self._randomness = random_states()
        self._info: Any = None
        #: Set for a cell that runs elsewhere: here it binds nothing and changes nothing.
        self.elsewhere = False

    @property
    def running(self) -> Any:
        """What IPython told of the cell that runs now; None between cells."""
        return self._info

    @property
    def history(self) -> tuple[ExecutedCell, ...]:
        """Every execution of the session, in order."""
        if not self._explained:
            self._explained = True
            self._earlier = _explained(self._earlier, self._kinds_at_start)
        return (*self._earlier, *self._history)

    def before(self, info: Any) -> None:
        """A cell is about to run."""
        self._info = info
        self.elsewhere = False
        self._bindings = self._bound_now()
        # The generators are compared with how the last cell left them: what moved them since, a callback or a
        # thread, is laid at this cell's door rather than at none.

    def after(self, result: Any) -> None:
        """The cell has ended, well or not."""
        info, self._info = self._info, None
        info = info if info is not None else getattr(result, "info", None)
        if info is None or not (info.raw_cell or "").strip():
            return
        now = self._bound_now()
        before = self._bindings
        # Two dicts of hundreds of names mostly hold the same pairs: the difference is found at C speed.
        bound = {name for name, _ in now.items() - before.items()}
        states = random_states()
        self._history.append(
            ExecutedCell(
                cell=Cell(
                    source=info.raw_cell,
                    cell_id=getattr(info, "cell_id", None),
                    execution_count=getattr(result, "execution_count", None),
                ),
                python=self._python(info),
                bound=frozenset(bound),
                deleted=frozenset(before.keys() - now.keys()),
                randomness=frozenset(moved(self._randomness, states)),
                failed_line=0 if self.elsewhere else self._failed_line(result),
                kinds=self._kinds(bound),
            )
        )
        self._bindings = now
        self._randomness = states

    def assign(self, name: str, value: Any) -> None:
        """Set a name for the cell that is about to run; a later cell finds it as the history tells it."""
        self._shell.user_ns[name] = value
        source = f"{name} = {value!r}"
        self._history.append(ExecutedCell(Cell(source), f"{source}\n", bound=frozenset({name})))
        self._bindings[name] = id(value)

    def bind(self, name: str, value: Any, source: str) -> None:
        """Bind a name between two cells; a later cell finds it as `source` makes it."""
        self._shell.user_ns[name] = value
        kinds = self._kinds((name,))
        self._history.append(ExecutedCell(Cell(source), source, bound=frozenset({name}), kinds=kinds))
        self._bindings[name] = id(value)

    def current(self, info: Any) -> ExecutedCell:
        """Give a cell that is about to run, or runs: its source, and nothing of its effects yet."""
        return ExecutedCell(
            Cell(info.raw_cell, cell_id=getattr(info, "cell_id", None), execution_count=self._shell.execution_count),
            self._python(info),
        )

    def _bound_now(self) -> dict[str, int]:
        # A new object may get the id of one that died within the cell: then a rebinding goes unseen here, and
        # the analysis of the source still finds it.
        return {
            name: id(value)
            for name, value in self._shell.user_ns.items()
            if not (name[0:1] == "_" and _is_ipythons(name)) and name not in _IPYTHON
        }

    def _kinds(self, names: Iterable[str]) -> dict[str, str]:
        namespace, kinds = self._shell.user_ns, {}
        for name in names:
            kind = type(namespace.get(name))
            module, qualname = _MODULE(kind), _QUALNAME(kind)
            if isinstance(module, str) and isinstance(qualname, str):
                kinds[name] = f"{module}.{qualname}"
        return kinds

    def _python(self, info: Any) -> str:
        python = getattr(info, "transformed_cell", None)
        if isinstance(python, str):
            return python
        try:
            return str(self._shell.transform_cell(info.raw_cell))
        except Exception:  # noqa: BLE001 - IPython raises what its transformers raise; such a cell did not run
            return ""

    def _failed_line(self, result: Any) -> int | None:
        if result is None:
            return None
        if result.error_before_exec is not None:
            return 0
        error = result.error_in_exec
        if error is None:
            return None
        trace = getattr(error, "__traceback__", None)
        while trace is not None:
            frame = trace.tb_frame
            if frame.f_globals is self._shell.user_global_ns and frame.f_code.co_name.startswith("<"):
                return int(trace.tb_lineno)
            trace = trace.tb_next
        return 1


def random_states() -> dict[str, int]:
    """Digest the states of the global random generators of the modules that are loaded."""
    states = {"random": hash(random.getstate())}
    # A module that is being imported in another thread may be there and yet be empty.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None and hasattr(numpy_random, "get_state"):
        state = numpy_random.get_state(legacy=False)
        inner = state["state"]
        key = inner.get("key")
        position = (inner.get("pos"), state["has_gauss"])
        digest = hash((position, key.tobytes() if key is not None else repr(inner)))
        # Even for a generator that nothing was drawn from, so that `moved` can tell.
        states["numpy"] = digest & ~1 if position == (_FRESH_NUMPY, 0) else digest | 1
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        states["torch"] = hash(torch.get_rng_state().numpy().tobytes())
    return states


def moved(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Name the generators that moved between two states.

    One whose module was imported in between moved unless it can be seen that nothing was drawn from it.
    """
    found = {name for name, state in after.items() if before.get(name) != state}
    if "numpy" in found and "numpy" not in before and not after["numpy"] & 1:
        found.discard("numpy")
    return found


def _is_ipythons(name: str) -> bool:
    return name in _IPYTHON or name[1:].isdigit() or (name[1:2] == "i" and name[2:].isdigit())


def _earlier(shell: Any) -> list[ExecutedCell]:
    """Give the cells that ran before labnb was loaded, from IPython's history."""
    manager = getattr(shell, "history_manager", None)
    if manager is None:
        return []
    raw, parsed = manager.input_hist_raw, manager.input_hist_parsed
    exceptions = getattr(manager, "exceptions", {})
    # The cell that loads labnb is in the history already, but has not ended.
    running = getattr(getattr(shell.displayhook, "exec_result", None), "execution_count", None)
    return [
        ExecutedCell(Cell(raw[n], execution_count=n), parsed[n], failed_line=_failed_before(exceptions.get(n), n))
        for n in range(1, min(len(raw), len(parsed)))
        if raw[n].strip() and n != running
    ]


def _failed_before(stored: Any, count: int) -> int | None:
    """Read from a stored traceback at which line a cell raised."""
    if not isinstance(stored, dict):
        return None
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(map(str, stored.get("traceback", ()))))
    # The outermost frame is the cell's, and its line is marked with an arrow.
    match = re.search(rf"Cell In\s*\[{count}\], line (\d+)|-+> (\d+)", text)
    if match is not None and stored.get("ename") not in _SYNTAX:
        return int(match[1] or match[2])
    return 0 if stored.get("ename") in _SYNTAX else 1


def _explained(cells: list[ExecutedCell], kinds: dict[str, str]) -> list[ExecutedCell]:
    """Say which of the cells before labnb bound the names that were there when it was loaded."""
    from labnb.capture.slicing.source import ran

    if not cells:
        return cells
    stored = [frozenset().union(*(s.stores for s, _ in ran(cell)), frozenset()) for cell in cells]
    unseen = frozenset(kinds) - frozenset().union(*stored)
    last = {name: place for place, names in enumerate(stored) for name in names}
    result = []
    for place, cell in enumerate(cells):
        # Which of the star imports, `%run`s and `exec`s bound a name is not known: any of them may have.
        star = any(word in cell.python for word in ("import *", "get_ipython()", "exec(", "globals("))
        mine = {name: kind for name, kind in kinds.items() if last.get(name) == place or (star and name in unseen)}
        result.append(
            ExecutedCell(
                cell.cell,
                cell.python,
                bound=unseen if star else frozenset(),
                failed_line=cell.failed_line,
                kinds=mine,
            )
        )
    return result
