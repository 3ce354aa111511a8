"""Expressions: what they read, and what they may give."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from labnb.capture.slicing import kinds
from labnb.capture.slicing.parts import Parts
from labnb.capture.slicing.scopes import stored_names
from labnb.capture.slicing.state import ATOM, NOTHING, FunctionRef, Value, join
from labnb.capture.slicing.unseen import Arguments
from labnb.model.magic_calls import MagicCall, magic_call

_TABLES = (kinds.PANDAS, kinds.ARRAY, kinds.DATA)
_OWN = (kinds.INSTANCE, kinds.CLASS)


class Expressions(Parts):
    """What expressions do."""

    def magic(self, call: MagicCall, node: ast.AST) -> Value:
        """Run a magic."""
        raise NotImplementedError

    def value(self, node: ast.expr | None) -> Value:
        """Evaluate an expression."""
        if node is None:
            return ATOM
        evaluate = _EVALUATE.get(type(node))
        return self.whole(node) if evaluate is None else evaluate(self, node)

    def whole(self, node: ast.AST) -> Value:
        """Evaluate all parts of an expression of no special form."""
        parts = [self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        for part in parts:
            self.hooks(part, node)
        return join(parts)

    def constant(self, node: ast.Constant) -> Value:
        return Value(NOTHING, kinds.ATOM, node.value) if isinstance(node.value, str) else ATOM

    def name(self, node: ast.Name) -> Value:
        return self.load(node.id)

    # Making values.

    def sequence(self, node: ast.List | ast.Set | ast.Tuple) -> Value:
        values = [self.value(e) for e in node.elts]
        fixed = isinstance(node, ast.Tuple) and not any(isinstance(e, ast.Starred) for e in node.elts)
        return self.boxed(node, values, list(range(len(values))) if fixed else None)

    def dictionary(self, node: ast.Dict) -> Value:
        values: list[Value] = []
        for key, item in zip(node.keys, node.values, strict=True):
            self.value(key)
            value = self.value(item)
            values.append(value if key is not None else self.elements(value))
        keys = [k.value for k in node.keys if isinstance(k, ast.Constant)]
        return self.boxed(node, values, keys if len(keys) == len(values) else None)

    def binary(self, node: ast.BinOp) -> Value:
        return self.combined(node, self.value(node.left), self.value(node.right), isinstance(node.op, ast.Div))

    def combined(self, node: ast.AST, left: Value, right: Value, path: bool = False) -> Value:
        """Combine two values with an operator."""
        self.hooks(left, node)
        self.hooks(right, node)
        if left.kind == kinds.PATH and path:
            parts = [v.text if v.text is not None else "\0" for v in (left, right)]
            return Value(NOTHING, kinds.PATH, "/".join(parts))
        if not left.regions and not right.regions:
            text = None
            if left.text is not None or right.text is not None:
                text = f"{left.text or chr(0)}{right.text or chr(0)}"
            return Value(NOTHING, kinds.ATOM if kinds.ATOM in (left.kind, right.kind) else "", text)
        for kind in _TABLES:
            if kind in (left.kind, right.kind):
                return self.fresh(node, kind)
        if kinds.ATOM in (left.kind, right.kind) and kinds.PATH in (left.kind, right.kind):
            return ATOM
        return self.fresh(node, holds=left.regions | right.regions)

    def unary(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        self.hooks(value, node)
        if isinstance(node.op, ast.Not) or not value.regions:
            return ATOM
        return self.fresh(node, value.kind if value.kind in _TABLES else "", value.regions)

    def compare(self, node: ast.Compare) -> Value:
        values = [self.value(node.left), *(self.value(c) for c in node.comparators)]
        for op, value in zip(node.ops, values[1:], strict=True):
            if isinstance(op, (ast.In, ast.NotIn)):
                self.consume(value, node)
        if all(isinstance(op, (ast.In, ast.NotIn, ast.Is, ast.IsNot)) for op in node.ops):
            for value in values:
                self.hooks(value, node)
            return ATOM
        result = values[0]
        for value in values[1:]:
            result = self.combined(node, result, value)
        return result if result.regions else ATOM

    def either(self, node: ast.BoolOp) -> Value:
        first = self.value(node.values[0])
        self.maybe += 1
        rest = [self.value(v) for v in node.values[1:]]
        self.maybe -= 1
        for value in (first, *rest):
            self.hooks(value, node)
        return join([first, *rest])

    def conditional(self, node: ast.IfExp) -> Value:
        self.hooks(self.value(node.test), node)
        self.maybe += 1
        self.weak += 1
        result = join([self.value(node.body), self.value(node.orelse)])
        self.maybe -= 1
        self.weak -= 1
        return result

    def text(self, node: ast.JoinedStr) -> Value:
        parts: list[str] = []
        for part in node.values:
            value = self.value(part.value if isinstance(part, ast.FormattedValue) else part)
            if isinstance(part, ast.FormattedValue) and part.format_spec:
                self.value(part.format_spec)
            self.hooks(value, node)
            parts.append("\0" if value.text is None else value.text)
        return Value(NOTHING, kinds.ATOM, "".join(parts))

    def walrus(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        frame = self.frame
        # A walrus in a comprehension binds outside of it.
        while self.frame is not None and self.state.frames[self.frame].function is None:
            inner = self.state.frames[self.frame]
            if "__class__" in inner.names:
                break
            self.frame = inner.parent
        self.store(node.target.id, value)
        self.frame = frame
        return value

    # Code as a value.

    def lambda_(self, node: ast.Lambda) -> Value:
        return self.define(node, [*node.args.defaults, *(d for d in node.args.kw_defaults if d)])

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, defaults: Sequence[ast.expr]) -> Value:
        """Make a function."""
        held = frozenset().union(*(self.value(d).regions for d in defaults)) if defaults else NOTHING
        around = self.frame
        while around is not None:
            held |= {self.cells(around)}
            around = self.state.frames[around].parent
        rid = self.state.region((self.number, self.frame, node), kinds.CODE, held)
        ref = FunctionRef(self.function(node), self.frame, rid)
        self.state.define(rid, frozenset((ref,)))
        return Value(frozenset((rid,)), kinds.CODE)

    def list_made(self, node: ast.ListComp | ast.SetComp | ast.DictComp) -> Value:
        return self.boxed(node, [self.comprehension(node)])

    def generator(self, node: ast.GeneratorExp) -> Value:
        value = self.comprehension(node)
        rid = self.state.region((self.number, self.frame, node), kinds.ITERATOR, value.regions)
        ref = FunctionRef(self.function(node), self.frame, rid)
        # Its body runs, and reads its names, when it is consumed.
        self.state.define(rid, frozenset((ref,)))
        return Value(frozenset((rid,)), kinds.ITERATOR)

    def comprehension(self, node: ast.AST) -> Value:
        """Evaluate a comprehension; give what its elements may be."""
        assert isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp))
        outer = self.frame
        first = self.value(node.generators[0].iter)
        names = set().union(*(stored_names([g.target]) for g in node.generators))
        number = self.within(("comp", self.number, outer, node), names, None, outer)
        made: list[Value] = []

        def path() -> None:
            for i, generator in enumerate(node.generators):
                source = first if i == 0 else self.value(generator.iter)
                self.consume(source, node)
                self.assign(generator.target, self.elements(source))
                for test in generator.ifs:
                    self.hooks(self.value(test), node)
            if isinstance(node, ast.DictComp):
                self.value(node.key)
                made.append(self.value(node.value))
            else:
                made.append(self.value(node.elt))

        self.frame = number
        try:
            self.loosely(path, again=True)
        finally:
            self.frame = outer
        return join(made)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target of an assignment."""
        raise NotImplementedError

    def awaited(self, node: ast.Await) -> Value:
        value = self.value(node.value)
        self.hooks(value, node, every=True)
        return Value(frozenset(self.state.reach(value.regions)))

    def yielded(self, node: ast.Yield | ast.YieldFrom) -> Value:
        value = self.value(node.value)
        if isinstance(node, ast.YieldFrom):
            self.consume(value, node)
            value = self.elements(value)
        frame = self.state.frames.get(self.frame if self.frame is not None else -1)
        if frame is None:
            return value
        frame.returned = value if frame.returned is None else join((frame.returned, value))
        held = [v.regions for v in frame.values.values()]
        return Value(frozenset().union(*held)) if held else value

    def called(self, node: ast.Call) -> Value:
        magic = magic_call(node)
        if magic is not None:
            return self.magic(magic, node)
        function = node.func
        if isinstance(function, ast.Attribute):
            base = self.value(function.value)
            return self.method(base, function.attr, self.arguments(node), node)
        return self.apply(self.value(function), self.arguments(node), node)

    def arguments(self, node: ast.Call) -> Arguments:
        """Evaluate the arguments of a call."""
        args = Arguments()
        for arg in node.args:
            value = self.value(arg)
            if isinstance(arg, ast.Starred) or args.rest:
                args.rest.append(value)
            else:
                args.positional.append(value)
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is None:
                args.rest.append(self.elements(value))
            else:
                args.keywords[keyword.arg] = value
        args.flags = frozenset(
            k.arg for k in node.keywords if k.arg and not (isinstance(k.value, ast.Constant) and not k.value.value)
        )
        args.off = frozenset(args.keywords) - args.flags
        return args


_EVALUATE: dict[type, Callable[..., Value]] = {
    ast.Constant: Expressions.constant,
    ast.Name: Expressions.name,
    ast.Attribute: Expressions.attribute,
    ast.Subscript: Expressions.subscript,
    ast.Starred: Expressions.starred,
    ast.List: Expressions.sequence,
    ast.Set: Expressions.sequence,
    ast.Tuple: Expressions.sequence,
    ast.Dict: Expressions.dictionary,
    ast.BinOp: Expressions.binary,
    ast.UnaryOp: Expressions.unary,
    ast.Compare: Expressions.compare,
    ast.BoolOp: Expressions.either,
    ast.IfExp: Expressions.conditional,
    ast.JoinedStr: Expressions.text,
    ast.NamedExpr: Expressions.walrus,
    ast.Lambda: Expressions.lambda_,
    ast.ListComp: Expressions.list_made,
    ast.SetComp: Expressions.list_made,
    ast.DictComp: Expressions.list_made,
    ast.GeneratorExp: Expressions.generator,
    ast.Await: Expressions.awaited,
    ast.Yield: Expressions.yielded,
    ast.YieldFrom: Expressions.yielded,
    ast.Call: Expressions.called,
}
