"""What cannot be seen: calls of which nothing is known, and the code that Python runs by itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from labnb.capture.slicing import kinds
from labnb.capture.slicing.outside import Outside
from labnb.capture.slicing.state import NOTHING, FunctionRef, Value

CONSTRUCTORS = ("__init__", "__new__", "__post_init__")
_CODE = (kinds.CODE, kinds.CLASS)
_USED_UP = (kinds.ITERATOR, kinds.FILE, kinds.READER, kinds.RNG)


@dataclass
class Arguments:
    """The evaluated arguments of a call; `rest` are those whose place is not known (`*a`, `**k`).

    `flags` are the keywords that are not known to be false, `off` those that are.
    """

    positional: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    rest: list[Value] = field(default_factory=list)
    flags: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()

    def all(self) -> list[Value]:
        """Give every argument."""
        return [*self.positional, *self.keywords.values(), *self.rest]

    @property
    def regions(self) -> frozenset[int]:
        """Give the regions of all arguments."""
        return frozenset().union(*(v.regions for v in self.all()))

    def after(self, receiver: Value) -> Arguments:
        """Put a receiver (`self`) in front."""
        return Arguments([receiver, *self.positional], self.keywords, self.rest, self.flags, self.off)


class Unseen(Outside):
    """What calls may do of which nothing is known."""

    def invoke(self, ref: FunctionRef, args: Arguments, node: ast.AST) -> Value:
        """Follow a call of one of the notebook's functions."""
        raise NotImplementedError

    def ordered(self, refs: frozenset[FunctionRef]) -> list[FunctionRef]:
        """Put references in an order that does not change from process to process."""
        return sorted(refs, key=lambda ref: (ref.region, ref.bound or -1))

    def unknown(self, args: Arguments, node: ast.AST, receiver: Value | None = None, foreign: bool = False) -> Value:
        """Call what nothing is known of: it may change all that it is given, and keep it."""
        held = args.regions | (receiver.regions if receiver else NOTHING)
        for value in args.all():
            self.change_argument(value, held)
        if receiver is not None:
            self.change(receiver, held)
        self.callbacks([*args.all(), *([receiver] if receiver else [])], every=True, node=node)
        self.draw(self.randomness)
        if foreign:
            self.files(None, write=True)
        return self.fresh(node, holds=held)

    def change_argument(self, value: Value, held: frozenset[int]) -> None:
        """Change what was given to a call; functions and classes that are given are not changed by that."""
        heap = self.state.heap
        regions = frozenset(r for r in value.regions if heap[r].kind not in _CODE)
        self.change(Value(regions, value.kind), held)

    def callbacks(self, values: Sequence[Value], every: bool, node: ast.AST) -> None:
        """Run the notebook's functions that a call was given; methods only if `every`, or if Python may run them."""
        joined = Value(frozenset().union(*(v.regions for v in values)) if values else NOTHING)
        # Who is given an instance makes no new ones; who is given a class may.
        makes = any(self.state.heap[r].kind == kinds.CLASS for r in joined.regions)
        for ref in self.ordered(self.refs(joined)):
            if ref.function.method and ref.function.name in CONSTRUCTORS and not makes:
                continue
            if every or self.is_hook(ref) or not ref.function.method:
                self.hook(ref, joined, node)

    def hooks(self, value: Value, node: ast.AST, every: bool = False) -> None:
        """Run what Python runs by itself when a value is used: operators, properties, bodies of generators."""
        if not value.regions:
            return
        heap = self.state.heap
        running = every or any(heap[r].kind == kinds.ITERATOR for r in value.regions)
        for ref in self.ordered(self.refs(value)):
            if self.is_hook(ref) or (running and not ref.function.method):
                self.hook(ref, value, node)

    def is_hook(self, ref: FunctionRef) -> bool:
        """Tell whether Python calls a function without a call being written."""
        return ref.function.hook or ref.bound is not None or ref in self.state.patched

    def hook(self, ref: FunctionRef, value: Value, node: ast.AST) -> None:
        """Run a function with parameters that may be anything of a value."""
        done = self.hooked.get(ref)
        # What runs already, or ran since anything was learned, for as much or more, need not run again.
        if ref.function in self.stack or (done is not None and value.regions <= done[0] and done[1] >= self.version):
            return
        everything = Value(value.regions)
        self.hooked[ref] = value.regions, sys.maxsize
        self.loosely(lambda: self.discard(self.invoke(ref, Arguments(rest=[everything]), node)))
        self.hooked[ref] = value.regions, self.version

    def discard(self, value: Value) -> None:
        """Do nothing with a value."""

    def consume(self, value: Value, node: ast.AST) -> None:
        """Read the elements of a value; what is not a box is used up by that."""
        if not value.regions:
            return
        self.hooks(value, node)
        if value.kind in kinds.REITERABLE or value.kind.startswith("@"):
            return
        heap = self.state.heap
        sparing = kinds.PLAIN | {kinds.INSTANCE, kinds.DISK}
        rest = frozenset(r for r in self.state.reach(value.regions) if heap[r].kind in _USED_UP) | frozenset(
            r for r in value.regions if heap[r].kind not in sparing
        )
        if rest:
            self.change(Value(rest), deep=value.kind == kinds.FILE)
