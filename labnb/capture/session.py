"""The live session: every execution of a cell, with what was seen of its effects."""

from __future__ import annotations

import random
import sys
from typing import Any

from labnb.model.cell import Cell, ExecutedCell

#: Names that IPython itself rebinds from cell to cell.
_IPYTHON = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open", "display"})


class Session:
    """Follows one shell. `before` and `after` are called around every cell that a person ran.

    It looks only at which names are bound to which objects and at whether the global random generators moved,
    and holds no object of the researcher alive. Well under a millisecond a cell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._history: list[ExecutedCell] = list(_earlier(shell))
        self._bindings: dict[str, int] = {}
        self._randomness: dict[str, int] = {}
        self._info: Any = None

    @property
    def history(self) -> tuple[ExecutedCell, ...]:
        """Every execution of the session, in order."""
        return tuple(self._history)

    def before(self, info: Any) -> None:
        """A cell is about to run."""
        self._info = info
        self._bindings = self._bound_now()
        self._randomness = random_states()

    def after(self, result: Any) -> None:
        """The cell has ended, well or not."""
        info, self._info = self._info, None
        if info is None:
            return
        now = self._bound_now()
        before = self._bindings
        # A generator whose module was imported in this very cell counts as moved: its first state is not known.
        moved = {name for name, state in random_states().items() if self._randomness.get(name) != state}
        cell = Cell(
            source=info.raw_cell,
            cell_id=getattr(info, "cell_id", None),
            execution_count=getattr(result, "execution_count", None),
        )
        self._history.append(
            ExecutedCell(
                cell=cell,
                python=self._python(info),
                bound=frozenset(name for name, which in now.items() if before.get(name) != which),
                deleted=frozenset(before.keys() - now.keys()),
                randomness=frozenset(moved),
                failed_line=self._failed_line(result),
            )
        )

    def _bound_now(self) -> dict[str, int]:
        # A new object may get the id of one that died within the cell: then a rebinding goes unseen here, and
        # the analysis of the source still finds it.
        return {
            name: id(value)
            for name, value in self._shell.user_ns.items()
            if not (
                name.startswith("_") and (name.strip("_") == "" or name.lstrip("_i").isdigit() or name[:3] == "_oh")
            )
            and name not in _IPYTHON
        }

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
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None and hasattr(numpy_random, "get_state"):
        state = numpy_random.get_state(legacy=False)
        inner = state["state"]
        key = inner.get("key")
        states["numpy"] = hash(
            (inner.get("pos"), key.tobytes() if key is not None else repr(inner), state["has_gauss"])
        )
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        states["torch"] = hash(torch.get_rng_state().numpy().tobytes())
    return states


def _earlier(shell: Any) -> list[ExecutedCell]:
    """Give the cells that ran before labnb was loaded, from IPython's history."""
    manager = getattr(shell, "history_manager", None)
    if manager is None:
        return []
    raw, parsed = manager.input_hist_raw, manager.input_hist_parsed
    running = shell.execution_count - 1
    return [
        ExecutedCell(Cell(raw[count], execution_count=count), parsed[count])
        for count in range(1, min(len(raw), len(parsed)))
        if raw[count].strip() and count < running
    ]
