"""Calls: of the notebook's own functions (followed), of libraries (known), of anything else (feared)."""

from __future__ import annotations

import ast
from typing import cast

from labnb.capture.slicing import kinds
from labnb.capture.slicing.machine import TooMuch
from labnb.capture.slicing.state import ATOM, NOTHING, FunctionRef, Value, join
from labnb.capture.slicing.unseen import CONSTRUCTORS, Arguments, Unseen

_DEPTH = 12


class Calls(Unseen):
    """What calls do."""

    # What other rooms of the machine do.

    def comprehension(self, node: ast.AST) -> Value:
        """Evaluate a comprehension."""
        raise NotImplementedError

    def library(self, path: str, args: Arguments, node: ast.AST, callee: Value) -> Value:
        """Call a function of a library."""
        raise NotImplementedError

    def object_method(self, base: Value, name: str, args: Arguments, node: ast.AST) -> Value:
        """Call a method of an object that is not of the notebook's own classes."""
        raise NotImplementedError

    # Anything that is called.

    def apply(self, callee: Value, args: Arguments, node: ast.AST) -> Value:
        """Call a value."""
        if callee.kind.startswith("@"):
            return self.library(callee.kind[1:], args, node, callee)
        heap = self.state.heap
        results: list[Value] = []
        others: set[int] = set()
        targets = len(callee.regions)
        self.maybe += targets > 1
        for rid in sorted(callee.regions):
            kind = heap[rid].kind
            if kind == kinds.CODE:
                results += [self.invoke(ref, args, node) for ref in self.ordered(heap[rid].functions)]
            elif kind == kinds.CLASS:
                results.append(self.construct(rid, args, node))
            else:
                others.add(rid)
        if others or not callee.regions:
            rest = Value(frozenset(others), callee.kind)
            called = self.methods(rest, "__call__")
            if called and all(heap[r].kind == kinds.INSTANCE for r in others):
                results += [self.invoke(ref, args.after(rest), node) for ref in called]
            elif callee.kind in kinds.PLAIN and not self.refs(rest):
                results.append(self.fresh(node, kinds.UNKNOWN, callee.regions | args.regions))
            else:
                results.append(self.unknown(args, node, rest))
        self.maybe -= targets > 1
        return join(results)

    def method(self, base: Value, name: str, args: Arguments, node: ast.AST) -> Value:
        """Call a method of a value."""
        if base.kind.startswith("@"):
            return self.library(f"{base.kind[1:]}.{name}", args, node, base)
        heap = self.state.heap
        own = frozenset(r for r in base.regions if heap[r].kind in (kinds.INSTANCE, kinds.CLASS))
        results: list[Value] = []
        if own:
            receiver = Value(own)
            found = self.methods(receiver, name)
            self.maybe += len(found) > 1
            for ref in found:
                wrapped = _decorators(ref)
                if "staticmethod" in wrapped:
                    results.append(self.invoke(ref, args, node))
                elif "classmethod" in wrapped or any(heap[r].kind == kinds.INSTANCE for r in own):
                    results.append(self.invoke(ref, args.after(receiver), node))
                else:
                    results.append(self.invoke(ref, args, node))
            self.maybe -= len(found) > 1
            others = self.other_methods(own, name, frozenset(r.region for r in found))
            results += [self.apply(value, a, node) for value in others for a in (args, args.after(receiver))]
            if not (found or others) or base.kind == kinds.SUPER:
                results.append(self.unknown(args, node, receiver))
        if len(own) < len(base.regions) or not base.regions:
            results.append(self.object_method(Value(base.regions - own, base.kind, base.text), name, args, node))
        return join(results)

    def other_methods(self, own: frozenset[int], name: str, known: frozenset[int]) -> list[Value]:
        """Find what is callable under a name but was not defined as a method of that name."""
        found = []
        for rid in sorted(own):
            for value in self.exact_fields(rid, name):
                rest = value.regions - known - own
                if rest or value.kind.startswith("@"):
                    found.append(value._replace(regions=rest))
        return found

    def exact_fields(self, rid: int, name: str) -> list[Value]:
        """Give what an attribute is known to be."""
        raise NotImplementedError

    def methods(self, value: Value, name: str) -> list[FunctionRef]:
        """Find the methods of a name among the classes that a value may be of."""
        return [r for r in self.ordered(self.refs(value)) if r.function.method and r.function.name == name]

    # The notebook's own functions and classes.

    def invoke(self, ref: FunctionRef, args: Arguments, node: ast.AST) -> Value:
        """Follow a call of one of the notebook's functions."""
        function = ref.function
        self.fuel -= 1
        if function in self.stack:
            # A recursion: what the body does is being followed already; what it is given may be changed.
            self.recursed.add(function)
            for value in args.all():
                self.change_argument(value, args.regions)
            frames = [self.state.frames[n] for n in self.active if n >= 0]
            active = [f.returned for f in frames if f.function is function and f.returned]
            return join([self.fresh(node, holds=args.regions), *args.all(), *active])
        if self.fuel <= 0 or self.depth > _DEPTH:
            raise TooMuch
        if ref.bound is not None:
            number = ref.bound
        elif isinstance(function.node, ast.GeneratorExp):
            number = -1
        else:
            number = self.within(("call", self.number, self.frame, node, ref), function.locals, function, ref.frame)
            self.bind(number, ref, args)
        saved, saved_weak = self.frame, self.weak
        self.stack.append(function)
        self.active.append(number)
        self.depth += 1
        try:
            if isinstance(function.node, ast.GeneratorExp):
                self.frame = ref.frame
                return self.comprehension(function.node)
            self.frame = number
            self.body(ref)
            if function in self.recursed:
                self.body(ref)
                self.recursed.discard(function)
        finally:
            self.depth -= 1
            self.stack.pop()
            self.active.pop()
            self.frame, self.weak = saved, saved_weak
        returned = self.state.frames[number].returned or ATOM
        if not function.lazy or ref.bound is not None:
            return returned
        rid = self.state.region(("lazy", self.number, self.frame, node, ref), kinds.ITERATOR, returned.regions)
        later = ref._replace(bound=number)
        self.state.define(rid, frozenset((later,)))
        return Value(frozenset((rid,)), kinds.ITERATOR)

    def body(self, ref: FunctionRef) -> None:
        """Run a function's body in the current frame."""
        node = ref.function.node
        if isinstance(node, ast.Lambda):
            frame = self.state.frames[cast(int, self.frame)]
            given = self.value(node.body)
            frame.returned = given if frame.returned is None else join((frame.returned, given))
        else:
            self.run(ref.function.body)

    def bind(self, number: int, ref: FunctionRef, args: Arguments) -> None:
        """Bind a call's arguments to the parameters of a function."""
        function, frame = ref.function, self.state.frames[number]
        spread = join(args.rest) if args.rest else None
        heap = self.state.heap
        held = frozenset(r for r in heap[ref.region].holds if heap[r].kind != kinds.CELLS)
        defaults = Value(held) if held else ATOM
        extra: list[Value] = list(args.positional[len(function.positional) :])
        for i, name in enumerate([*function.positional, *function.keyword]):
            given: list[Value] = []
            if i < len(args.positional) and i < len(function.positional):
                given.append(args.positional[i])
            elif name in args.keywords:
                given.append(args.keywords[name])
            else:
                given.append(defaults)
            if spread is not None:
                given.append(spread)
            self.parameter(number, name, join(given))
        extra += [v for k, v in args.keywords.items() if k not in function.positional + function.keyword]
        extra += args.rest
        for star in (function.vararg, function.kwarg):
            if star:
                held = frozenset().union(*(v.regions for v in extra)) if extra else NOTHING
                rid = self.state.region(("star", number, star), kinds.LITERAL, held)
                frame.values[star] = Value(frozenset((rid,)), kinds.BOX)

    def parameter(self, number: int, name: str, value: Value) -> None:
        """Bind one parameter; joined with what it was when the same call was followed before."""
        frame = self.state.frames[number]
        old = frame.values.get(name)
        new = value if old is None else join((old, value))
        if new != old:
            frame.values[name] = new
            self.version += 1

    def construct(self, rid: int, args: Arguments, node: ast.AST) -> Value:
        """Make an instance of a class of the notebook."""
        made = self.state.region(("new", self.number, self.frame, node, rid), kinds.INSTANCE, frozenset((rid,)))
        self.state.parents[made] = frozenset((rid,))
        instance = Value(frozenset((made,)))
        found = [r for name in CONSTRUCTORS for r in self.methods(Value(frozenset((rid,))), name)]
        for ref in found:
            self.invoke(
                ref, Arguments([instance]) if ref.function.name == "__post_init__" else args.after(instance), node
            )
        if not any(r.function.name == "__init__" for r in found):
            self.hold((made,), args.regions)
            self.own_defaults(rid, made, node)
        return instance

    def own_defaults(self, rid: int, made: int, node: ast.AST) -> None:
        """Give a new instance of a dataclass what its `field(default_factory=…)` make."""
        for parent in self.state.parents.get(rid, NOTHING):
            self.own_defaults(parent, made, node)
        for name, value in self.state.fields.get(rid, {}).items():
            if value.kind == kinds.FIELD:
                factories = Value(frozenset().union(*(self.state.heap[r].holds for r in value.regions)), kinds.CODE)
                given = self.apply(factories, Arguments(), node) if factories.regions else ATOM
                own = self.state.region(("default", made, name), kinds.LITERAL, given.regions)
                self.state.set_field(made, name, Value(given.regions | {own}))
                self.hold((made,), given.regions | {own})


def _decorators(ref: FunctionRef) -> set[str]:
    nodes = getattr(ref.function.node, "decorator_list", ())
    return {n.id for n in nodes if isinstance(n, ast.Name)}
