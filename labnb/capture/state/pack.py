"""Pack what a cell needs from its session."""

from __future__ import annotations

import ast
import io
import linecache
import pickle
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnb.capture.state.names import binding_of, needed_names, search_path
from labnb.capture.state.refusal import refuse_size, refuse_total, refuse_value
from labnb.capture.state.sizes import guess_size, known_size
from labnb.model.cell import ExecutedCell
from labnb.model.closure import Closure
from labnb.model.errors import StateRefused
from labnb.model.run import Note

VALUE_LIMIT = 2_000_000_000
TOTAL_LIMIT = 8_000_000_000
_SOURCES_LIMIT = 2_000_000


@dataclass(frozen=True, slots=True)
class Packed:
    """What the state of a cell became; the first five fields are those of `JobRequest`.

    `search_path` are the folders of sys.path that are not the interpreter's own, `missing` the names that the cell
    reads and nothing binds.
    """

    names: dict[str, dict[str, Any]] = field(default_factory=dict)
    state: str = ""
    objects: dict[str, int] = field(default_factory=dict)
    by_value: tuple[str, ...] = ()
    search_path: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(self.objects.values())


def pack(
    closure: Closure,
    namespace: Mapping[str, Any],
    history: Sequence[ExecutedCell],
    project: Path,
    objects: Path,
    *,
    value_limit: int = VALUE_LIMIT,
    total_limit: int = TOTAL_LIMIT,
) -> Packed:
    """Pack the values of a cell's free names, and the random generators as they stand.

    Args:
        closure: of the cell, from `slice_session`.
        namespace: the session's names (IPython's user_ns); nothing in it is changed.
        history: the cells that ran, to tell which one made a value.
        project: modules below it are taken to be there in the job's work tree.
        objects: the folder of content-addressed objects; made private where it is missing.
        value_limit: bytes that one name may have.
        total_limit: bytes that all may have.

    Raises:
        StateRefused: naming the value that is too large or cannot be pickled, and what to do.
        OSError: where the objects cannot be written.
    """
    wanted = needed_names(closure, namespace)
    bindings = {name: binding_of(name, namespace[name], project) for name in wanted.names if name in namespace}
    names = {name: how.request for name, how in bindings.items()}
    values = {name: namespace[name] for name, how in bindings.items() if how.is_value}
    for name, value in values.items():
        size = guess_size(value)
        # A guess that is near the limit is left to be found out.
        if size > (value_limit if known_size(value) else 1.5 * value_limit) and name not in wanted.unsure:
            raise refuse_size(name, value, size, value_limit, history)
    objects.mkdir(parents=True, exist_ok=True, mode=0o700)
    packing = _Packing(namespace, history, objects, value_limit, total_limit)
    while True:
        try:
            state, found = packing.run(values)
            break
        except _LeaveOut as left:
            # The cell may never look at it: `eval` and its like can reach every name.
            if left.name not in wanted.unsure:
                raise left.error from left.error.__cause__
            del values[left.name], names[left.name]
            packing.notes.append(Note("state", f"{left.error.message} The job goes without it.", left.error.hint))
    return Packed(
        names=names,
        state=state,
        objects=found,
        by_value=tuple(packing.by_value),
        search_path=search_path(),
        missing=wanted.missing,
        notes=tuple(packing.notes),
    )


class _LeaveOut(Exception):
    def __init__(self, name: str, error: StateRefused) -> None:
        super().__init__(name)
        self.name = name
        self.error = error


class _Packing:
    """One packing: all values in one stream."""

    def __init__(
        self, namespace: Mapping[str, Any], history: Sequence[ExecutedCell], objects: Path, limit: int, total: int
    ) -> None:
        self._namespace = namespace
        self._history = history
        self._objects = objects
        self._limit = limit
        self._total = total
        self.by_value: list[str] = []
        self.notes: list[Note] = []

    def run(self, values: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
        """Give the digest of the state and all objects; ("", {}) where there is nothing to carry."""
        from labnb.capture.state.pickler import Sink, StatePickler, TooLarge, new_object

        self.by_value = []
        generators = _generators()
        if not values and not generators:
            return "", {}
        body = io.BytesIO()
        sink = Sink(body, self._limit)
        pickler = StatePickler(sink, self._namespace, self._objects, self._limit)
        for name, value in values.items():
            pickler.holds_code = False
            sink.begin(self._limit)
            try:
                pickler.dump(value)
            except TooLarge as error:
                raise _LeaveOut(name, refuse_size(name, value, error.size, self._limit, self._history)) from None
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever an object's own code raises
                refusal = refuse_value(name, value, error, self._history)
                refusal.__cause__ = error
                raise _LeaveOut(name, refusal) from None
            size = sink.size + pickler.block_bytes
            if size > self._total:
                raise _LeaveOut(name, refuse_total(name, value, size, self._total, self._history))
            if pickler.holds_code:
                self.by_value.append(name)
        header = {
            "schema": 1,
            "names": list(values),
            "random": generators,
            "sources": _sources(pickler.files),
            "python": sys.version,
        }
        with new_object(self._objects, self._total * 2) as whole:
            whole.write(pickle.dumps(header, protocol=5))
            whole.write(body.getbuffer())
        state = whole.digest.hexdigest()
        return state, {state: whole.size, **pickler.objects}


def _generators() -> dict[str, bytes]:
    """Give the states of the global random generators of the libraries that the session has loaded.

    Each is bytes: a job whose cell does without a library must not import it to read them.
    """
    import random

    states = {"random": pickle.dumps(random.getstate(), protocol=5)}
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and "numpy.random" in sys.modules:
        with suppress(Exception):
            states["numpy"] = pickle.dumps(numpy.random.get_state(), protocol=5)
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        with suppress(Exception):
            states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states


def _sources(files: set[str]) -> dict[str, str]:
    """Give the source of cells whose functions travel: tracebacks and `inspect` will ask for it."""
    found: dict[str, str] = {}
    room = _SOURCES_LIMIT
    for file in sorted(files):
        entry = linecache.cache.get(file)
        if entry is None or len(entry) < 4:
            continue
        text = "".join(entry[2])
        room -= len(text)
        if room < 0:
            break
        found[file] = text
    return found


_IPYTHON = re.compile(r"\bget_ipython\b|\b(IPython|ipywidgets|notebook_tqdm)\b|tqdm\.notebook|\bclear_output\b")


def needs_ipython(python: str) -> bool:
    """Whether a transformed cell calls IPython: magics, `!`, or its display."""
    if not _IPYTHON.search(python):
        return False
    try:
        tree = ast.parse(python)
    except (SyntaxError, ValueError):
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in ("get_ipython", "clear_output"):
            return True
        if isinstance(node, ast.Import) and any(_is_ipython(alias.name) for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and _is_ipython(node.module or ""):
            return True
    return False


def _is_ipython(module: str) -> bool:
    return module.partition(".")[0] in ("IPython", "ipywidgets") or module == "tqdm.notebook"
