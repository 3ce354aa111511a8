"""Binding and changing: assignments to names, attributes and items."""

from __future__ import annotations

import ast

from labnb.capture.slicing import kinds
from labnb.capture.slicing.imports import Imports
from labnb.capture.slicing.state import NOTHING, Value, join

_TABLES = (kinds.PANDAS, kinds.ARRAY, kinds.DATA)
#: What is changed by itself when a part of it is set.
_SOLID = kinds.PLAIN | {kinds.INSTANCE, kinds.ESTIMATOR}


class Assignments(Imports):
    """What assignments do."""

    def bind_all(self, node: ast.Assign) -> None:
        for target in node.targets:
            if (
                isinstance(target, ast.Tuple)
                and isinstance(node.value, ast.Tuple)
                and len(target.elts) == len(node.value.elts)
                and not any(isinstance(e, ast.Starred) for e in (*target.elts, *node.value.elts))
            ):
                values = [self.value(e) for e in node.value.elts]
                for part, value in zip(target.elts, values, strict=True):
                    self.assign(part, value)
            else:
                self.assign(target, self.value(node.value))

    def annotated(self, node: ast.AnnAssign) -> None:
        if self.frame is None or self.state.frames[self.frame].function is None:
            self.value(node.annotation)
        if node.value is not None:
            self.assign(node.target, self.value(node.value))

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target of an assignment."""
        match target:
            case ast.Name(id=name):
                self.store(name, value)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                self.consume(value, target)
                starred = any(isinstance(e, ast.Starred) for e in elts)
                for i, part in enumerate(elts):
                    if isinstance(part, ast.Starred):
                        self.assign(part.value, self.boxed(part, [self.elements(value)]))
                    else:
                        self.assign(part, self.elements(value) if starred else self.item(value, i))
            case ast.Attribute(value=owner, attr=name):
                self.set_part(self.value(owner), name, value, target)
            case ast.Subscript(value=owner, slice=index):
                base = self.value(owner)
                self.value(index)
                self.set_item(base, index, value, target)
            case ast.Starred(value=inner):
                self.assign(inner, value)

    def set_part(self, base: Value, name: str, value: Value, node: ast.AST) -> None:
        """Set an attribute."""
        if base.kind.startswith("@"):
            self.library_changed(base)
            self.callbacks([value], every=True, node=node)
        self.hooks(base, node)
        for rid in base.regions:
            if self.state.heap[rid].kind in (kinds.INSTANCE, kinds.CLASS) and self.state.set_field(rid, name, value):
                self.version += 1
        self.note_special(name, value)
        self.change(base, value.regions, deep=self.may_be_proxy(base))

    def note_special(self, name: str, value: Value) -> None:
        """Note functions that are put under a name that Python calls by itself."""
        if name.startswith("__") and name != "__init__":
            heap = self.state.heap
            direct = frozenset().union(*(heap[r].functions for r in value.regions))
            self.state.patched |= frozenset(r for r in direct if not r.function.name.startswith("__"))

    def may_be_proxy(self, value: Value) -> bool:
        """Tell whether changing a part of a value may change something that it only stands for (a view, a wrapper)."""
        return value.kind not in _SOLID and any(self.state.heap[r].kind not in _SOLID for r in value.regions)

    def set_item(self, base: Value, index: ast.expr, value: Value, node: ast.AST) -> None:
        """Set an item."""
        if base.kind.startswith("@"):
            self.library_changed(base)
        self.hooks(base, node)
        if base.kind == "@globals":
            self.world()
        if isinstance(index, ast.Constant):
            for rid in base.regions:
                region = self.state.heap[rid]
                name = f"[{index.value!r}]"
                if region.kind == kinds.LITERAL and name in self.state.fields.get(rid, {}):
                    self.state.set_field(rid, name, value)
        if base.kind in _TABLES:
            # Tables and arrays copy the data that is put into them; their elements are not aliases.
            self.change(base, NOTHING if value.kind in (*_TABLES, kinds.BOX, kinds.ATOM) else value.regions, deep=False)
        else:
            self.change(base, value.regions, deep=self.may_be_proxy(base))

    def library_changed(self, base: Value) -> None:
        """Set something in a library: `np.foo = …`, `os.environ["X"] = …`."""
        if kinds.is_known(base.kind[1:]) and not (self.depth and kinds.root_of(base.kind[1:]) in kinds.LOOKS):
            self.always = True

    def augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        if isinstance(target, ast.Name):
            old = self.load(target.id)
            new = self.value(node.value)
            result = self.combined(node, old, new)
            if old.regions and old.kind != kinds.ATOM:
                self.consume(new, node)
                self.change(old, new.regions | self.elements(new).regions, deep=False)
                result = join((old, result))._replace(kind=old.kind)
            self.store(target.id, result)
            return
        owner = self.value(target.value)
        old = self.part(owner, target.attr, target) if isinstance(target, ast.Attribute) else self.value(target)
        new = self.value(node.value)
        if old.regions and old.kind != kinds.ATOM:
            self.change(old, new.regions, deep=False)
        self.assign(
            target, self.combined(node, old, new) if not old.regions else join((old, self.combined(node, old, new)))
        )

    def deleted(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.delete(target.id)
            elif isinstance(target, (ast.Attribute, ast.Subscript)):
                base = self.value(target.value)
                if isinstance(target, ast.Subscript):
                    self.value(target.slice)
                if base.kind.startswith("@"):
                    self.library_changed(base)
                self.hooks(base, node)
                self.change(base, deep=self.may_be_proxy(base))
