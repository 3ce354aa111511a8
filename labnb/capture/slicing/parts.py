"""Parts of objects: attributes, items, elements."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from labnb.capture.slicing import kinds
from labnb.capture.slicing.libraries import Libraries
from labnb.capture.slicing.state import ATOM, NOTHING, Region, Value, join
from labnb.capture.slicing.unseen import Arguments

_TABLES = (kinds.PANDAS, kinds.ARRAY, kinds.DATA)
_OWN = (kinds.INSTANCE, kinds.CLASS)


class Parts(Libraries):
    """What the parts of objects are."""

    def boxed(self, node: ast.AST, values: Sequence[Value], keys: Sequence[object] | None = None) -> Value:
        """Make a box whose elements are known; `keys` where they stay in their places."""
        held = frozenset().union(*(v.regions for v in values)) if values else NOTHING
        result = self.fresh(node, kinds.LITERAL, held)._replace(kind=kinds.BOX)
        if keys is not None:
            (rid,) = result.regions
            for key, value in zip(keys, values, strict=True):
                self.state.set_field(rid, f"[{key!r}]", value)
        return result

    def attribute(self, node: ast.Attribute) -> Value:
        return self.part(self.value(node.value), node.attr, node)

    def part(self, base: Value, name: str, node: ast.AST) -> Value:
        """Read an attribute of a value."""
        if base.kind.startswith("@"):
            return Value(base.regions, f"{base.kind}.{name}")
        found: list[Value] = []
        others: set[int] = set()
        for rid in base.regions:
            region = self.state.heap[rid]
            if region.kind in _OWN:
                found.append(self.own_field(rid, region, name))
            else:
                others.add(rid)
        if len(others) < len(base.regions):
            receiver = Value(base.regions - others)
            for ref in [*self.methods(receiver, name), *self.methods(receiver, "__getattr__")]:
                if ref.function.decorated or ref.function.name != name:
                    value = self.invoke(ref, Arguments([receiver]), node)
                    found.append(value)
        if others or not base.regions:
            kind = kinds.attribute_kind(base.kind, name)
            if kind == kinds.ATOM:
                found.append(ATOM)
            elif kind in _TABLES:
                found.append(Value(frozenset(others), kind))
            else:
                found.append(Value(frozenset(self.state.reach(others)), kind))
        result = join(found)
        self.touch(result.regions)
        return result

    def own_field(self, rid: int, region: Region, name: str) -> Value:
        """Read an attribute of an instance or a class of the notebook."""
        state = self.state
        found = [state.fields[rid][name]] if name in state.fields.get(rid, {}) else []
        loose = state.loose_holds(rid)
        classes = state.parents.get(rid, NOTHING)
        for parent in classes:
            if not found or (region.kind == kinds.CLASS and found[0].kind != kinds.FIELD):
                value = self.own_field(parent, state.heap[parent], name)
                if any(state.heap[r].kind == kinds.CODE for r in value.regions):
                    value = Value(value.regions | {rid})  # a bound method
                found.append(value)
        rest = loose - classes
        if not found or rest:
            found.append(Value(frozenset(state.reach(rest)) | (NOTHING if found else {rid})))
        return join(found)

    def exact_fields(self, rid: int, name: str) -> list[Value]:
        """Give what an attribute of an instance or class is known to be, with what its classes say of it."""
        found = [self.state.fields[rid][name]] if name in self.state.fields.get(rid, {}) else []
        for parent in sorted(self.state.parents.get(rid, NOTHING)):
            if parent != rid:
                found += self.exact_fields(parent, name)
        return found

    def subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        index = self.value(node.slice)
        if base.kind.startswith("@"):
            return base
        self.hooks(base, node)
        if base.kind == kinds.EAGER:
            self.change(base, deep=False)
        if base.kind in (kinds.ATOM, *_TABLES):
            return base._replace(text=None)
        if isinstance(node.slice, ast.Slice) and all(self.state.heap[r].kind == kinds.LITERAL for r in base.regions):
            return self.boxed(node, [self.elements(base)])
        if isinstance(node.slice, ast.Constant):
            return self.item(base, node.slice.value)
        del index
        return self.elements(base)

    def item(self, base: Value, key: object) -> Value:
        """Read the element at a known key."""
        name = f"[{key!r}]"
        state = self.state
        found: list[Value] = []
        for rid in base.regions:
            fields = state.fields.get(rid, {})
            if state.heap[rid].kind != kinds.LITERAL or name not in fields:
                return self.elements(base)
            found.append(fields[name])
            if loose := state.loose_holds(rid):
                found.append(Value(loose))
        result = join(found)
        self.touch(result.regions)
        return result

    def elements(self, value: Value) -> Value:
        """Give what the elements of a value may be."""
        if not value.regions:
            return Value(NOTHING, value.kind if value.kind == kinds.ATOM else "")
        if value.kind in (*_TABLES, kinds.PLOT):
            return value
        if value.kind == kinds.FILE:
            return Value()  # lines and rows share nothing with the file
        heap = self.state.heap
        found: set[int] = set()
        for rid in value.regions:
            if heap[rid].kind == kinds.LITERAL:
                found |= heap[rid].holds
            elif rid in self.state.sources:
                found |= self.walked(rid)
            else:
                found |= self.state.reach((rid,))
        return Value(frozenset(found))

    def walked(self, rid: int) -> frozenset[int]:
        """Give what an iterator gives that walks over other things: their elements, or tuples of them."""
        form, sources = self.state.sources[rid]
        values = [self.elements(source) for source in sources if rid not in source.regions]
        if form == "same":
            return values[0].regions if values else NOTHING
        if form == "enumerate":
            values = [ATOM, *values[:1]]
        held = frozenset().union(*(v.regions for v in values), NOTHING)
        pair = self.state.region(("tuple", rid), kinds.LITERAL, held)
        for place, value in enumerate(values):
            self.state.set_field(pair, f"[{place}]", value)
        return frozenset((pair,))

    def starred(self, node: ast.Starred) -> Value:
        value = self.value(node.value)
        self.consume(value, node)
        return self.elements(value)
