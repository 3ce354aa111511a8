"""The abstract session: what names stand for, and which statements made it so.

A *region* stands for one or more objects that were made at one place in the code. It knows the statements that
last changed it, the regions that it may hold, and the functions that it may run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from labnb.capture.slicing import kinds
from labnb.capture.slicing.scopes import Function

NOTHING: frozenset[int] = frozenset()


class Value(NamedTuple):
    """What an expression may give: the regions it may be, its kind, and its text where that is known."""

    regions: frozenset[int] = NOTHING
    kind: str = kinds.UNKNOWN
    text: str | None = None


ATOM = Value(NOTHING, kinds.ATOM)


class FunctionRef(NamedTuple):
    """A function object: its code, the frame around it, and its own region (which holds its defaults)."""

    function: Function
    frame: int | None
    region: int
    bound: int | None = None  # the frame in which the rest of its body runs, of a generator that was called


class Region(NamedTuple):
    """Objects made at one place."""

    writers: frozenset[int] = NOTHING
    holds: frozenset[int] = NOTHING
    functions: frozenset[FunctionRef] = frozenset()
    kind: str = kinds.UNKNOWN


class Binding(NamedTuple):
    """What a name of the session stands for, and the statements that may have bound it.

    A deleted name keeps a binding that is `gone`: whoever reads the builtin of that name needs the deletion.
    """

    definitions: frozenset[int]
    value: Value
    gone: bool = False


class Frame:
    """The variables of one call of a function, of a class body, or of a comprehension."""

    __slots__ = ("function", "names", "parent", "returned", "values")

    def __init__(self, parent: int | None, names: set[str], function: Function | None) -> None:
        self.parent = parent
        self.names = names
        self.function = function
        self.values: dict[str, Value] = {}
        self.returned: Value | None = None

    def copy(self) -> Frame:
        """Copy it, so that a look ahead leaves no trace."""
        twin = Frame(self.parent, self.names, self.function)
        twin.values = dict(self.values)
        twin.returned = self.returned
        return twin


class State:
    """Everything that is known after a statement; cheap to copy."""

    def __init__(self) -> None:
        self.env: dict[str, Binding] = {}
        self.heap: dict[int, Region] = {}
        self.frames: dict[int, Frame] = {}
        self.fields: dict[int, dict[str, Value]] = {}
        #: The class of an instance, the bases of a class.
        self.parents: dict[int, frozenset[int]] = {}
        #: What iterators walk over, and in which form they give it.
        self.sources: dict[int, tuple[str, tuple[Value, ...]]] = {}
        #: Functions that were put under a special name of a class.
        self.patched: frozenset[FunctionRef] = frozenset()
        self.files: dict[str, int] = {}
        self.seeds: dict[str, frozenset[int]] = {}
        self.binders: frozenset[int] = NOTHING
        self.moved = False
        #: How much was walked, as a measure of the work of a statement.
        self.steps = 0
        self._ids: dict[Hashable, int] = {}
        self._reached: dict[frozenset[int], frozenset[int]] = {}
        self._references: dict[frozenset[int], frozenset[FunctionRef]] = {}

    def copy(self) -> State:
        """Copy it, so that a look ahead leaves no trace."""
        twin = State()
        twin.env = dict(self.env)
        twin.heap = dict(self.heap)
        twin.frames = {key: frame.copy() for key, frame in self.frames.items()}
        twin.fields = dict(self.fields)
        twin.sources = dict(self.sources)
        twin.patched = self.patched
        twin.parents = dict(self.parents)
        twin.files = dict(self.files)
        twin.seeds = dict(self.seeds)
        twin.binders = self.binders
        twin.moved = self.moved
        twin._ids = self._ids
        return twin

    def number(self, key: Hashable) -> int:
        """Give the number of the thing that is made at a place (always the same for the same place)."""
        return self._ids.setdefault(key, len(self._ids))

    def region(self, key: Hashable, kind: str = kinds.UNKNOWN, holds: frozenset[int] = NOTHING) -> int:
        """Give the region of a place, making it where it is new."""
        rid = self.number(key)
        known = self.heap.get(rid)
        if known is None:
            self.heap[rid] = Region(kind=kind, holds=holds)
        else:
            self.hold(rid, holds)
        return rid

    def set_field(self, rid: int, name: str, value: Value) -> bool:
        """Note what an attribute or item may be; tell whether that is news."""
        fields = self.fields.get(rid, {})
        old = fields.get(name)
        new = value if old is None else join((old, value))
        if new == old:
            return False
        self.fields[rid] = {**fields, name: new}
        return True

    def loose_holds(self, rid: int) -> frozenset[int]:
        """Give what a region may hold in places that are not known."""
        fields = self.fields.get(rid)
        holds = self.heap[rid].holds
        return holds.difference(*(v.regions for v in fields.values())) if fields else holds

    def reach(self, regions: Iterable[int]) -> frozenset[int]:
        """Give the regions that can be reached from some, themselves included."""
        start = frozenset(regions)
        known = self._reached.get(start)
        if known is not None:
            return known
        heap = self.heap
        seen = set(start)
        stack = list(start)
        while stack:
            for rid in heap[stack.pop()].holds:
                if rid not in seen:
                    seen.add(rid)
                    stack.append(rid)
        self.steps += len(seen)
        result = self._reached[start] = frozenset(seen)
        return result

    def references(self, regions: frozenset[int]) -> frozenset[FunctionRef]:
        """Give the notebook's functions that can be reached from regions."""
        known = self._references.get(regions)
        if known is None:
            heap = self.heap
            found = [heap[rid].functions for rid in self.reach(regions)]
            known = self._references[regions] = frozenset().union(*found)
        return known

    def hold(self, rid: int, held: frozenset[int]) -> bool:
        """Let a region hold others; tell whether that is news."""
        region = self.heap[rid]
        if held <= region.holds or region.kind == kinds.DISK:
            return False
        self.heap[rid] = region._replace(holds=region.holds | held)
        self.forget()
        return True

    def define(self, rid: int, functions: frozenset[FunctionRef]) -> None:
        """Note which functions a region is."""
        region = self.heap[rid]
        if region.functions != functions:
            self.heap[rid] = region._replace(functions=functions)
            self._references.clear()

    def forget(self) -> None:
        """Forget what was worked out of the shape of the heap, which has changed."""
        self._reached.clear()
        self._references.clear()


def join(values: Iterable[Value]) -> Value:
    """Give the value that may be any of several."""
    result: Value | None = None
    for value in values:
        if result is None or result == value:
            result = value
        else:
            result = Value(
                result.regions | value.regions,
                result.kind if result.kind == value.kind else kinds.UNKNOWN,
                result.text if result.text == value.text else None,
            )
    return ATOM if result is None else result


def join_bindings(left: dict[str, Binding], right: dict[str, Binding]) -> dict[str, Binding]:
    """Join what two branches left behind."""
    result = dict(left)
    for name, other in right.items():
        own = left.get(name)
        if own is None:
            result[name] = other
        elif own is not other and own != other:
            result[name] = Binding(
                own.definitions | other.definitions, join((own.value, other.value)), own.gone and other.gone
            )
    return result
