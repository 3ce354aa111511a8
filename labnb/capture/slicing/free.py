"""The names that a cell reads from its session before it binds them itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from labnb.capture.slicing.scopes import stored_names
from labnb.model.magic_calls import magic_call, plain_body


def free_names(nodes: Sequence[ast.stmt]) -> frozenset[str]:
    """Give the names that a cell needs to find in its session (or among the builtins).

    Names in the bodies of functions count as read where the cell ends, as a function may be called
    at any time after it was defined.
    """
    reader = _Reader()
    bound = reader.block(nodes, set())
    return frozenset(reader.free | {name for name in reader.late if name not in bound})


class _Reader:
    def __init__(self) -> None:
        self.free: set[str] = set()
        self.late: set[str] = set()

    def block(self, nodes: Iterable[ast.AST], bound: set[str]) -> set[str]:
        for node in nodes:
            bound = self.statement(node, bound)
        return bound

    def statement(self, node: ast.AST, bound: set[str]) -> set[str]:
        """Read one statement; give the names that are bound for certain after it."""
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.read([*node.decorator_list, *_signature(node.args)], bound)
                if node.returns:
                    self.read([node.returns], bound)
                self.late |= _free_of_function(node)
                return bound | {node.name}
            case ast.ClassDef():
                self.read([*node.decorator_list, *node.bases, *node.keywords], bound)
                self.block(node.body, set(bound))
                return bound | {node.name}
            case ast.AugAssign(target=ast.Name(id=name)):
                self.read([node.value], bound)
                if name not in bound:
                    self.free.add(name)
                return bound | {name}
            case ast.Delete():
                gone = {t.id for t in node.targets if isinstance(t, ast.Name)}
                self.free |= gone - bound
                self.read([t for t in node.targets if not isinstance(t, ast.Name)], bound)
                return bound - gone
            case ast.Assign() | ast.AnnAssign() | ast.Import() | ast.ImportFrom() | ast.Expr() | ast.Assert():
                # Values are evaluated before targets are bound.
                self.read([node], bound)
                unbound = isinstance(node, ast.AnnAssign) and node.value is None
                return bound if unbound else bound | stored_names([node])
            case _:
                return self.compound(node, bound)

    def compound(self, node: ast.AST, bound: set[str]) -> set[str]:
        """Read a statement that holds others."""
        match node:
            case ast.If():
                self.read([node.test], bound)
                return self.block(node.body, set(bound)) & self.block(node.orelse, set(bound))
            case ast.For() | ast.AsyncFor():
                self.read([node.iter], bound)
                self.block(node.body, bound | stored_names([node.target]))
                self.block(node.orelse, set(bound))
                return bound
            case ast.While():
                self.read([node.test], bound)
                self.block(node.body, set(bound))
                self.block(node.orelse, set(bound))
                return bound
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self.read([item.context_expr, *([item.optional_vars] if item.optional_vars else [])], bound)
                    bound = bound | (stored_names([item.optional_vars]) if item.optional_vars else set())
                return self.block(node.body, set(bound))
            case ast.Try() | ast.TryStar():
                return self.attempt(node, bound)
            case ast.Match():
                self.read([node.subject], bound)
                for case in node.cases:
                    taken = bound | stored_names([case.pattern])
                    self.read([case.pattern, *([case.guard] if case.guard else [])], taken)
                    self.block(case.body, taken)
                return bound
            case _:
                self.read([node], bound)
                return bound

    def attempt(self, node: ast.Try | ast.TryStar, bound: set[str]) -> set[str]:
        """Read a `try`."""
        done = self.block([*node.body, *node.orelse], set(bound))
        for handler in node.handlers:
            if handler.type:
                self.read([handler.type], bound)
            done &= self.block(handler.body, bound | ({handler.name} if handler.name else set()))
        return self.block(node.finalbody, done)

    def read(self, nodes: Iterable[ast.AST], bound: set[str]) -> None:
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Load) and node.id not in bound:
                    self.free.add(node.id)
            elif isinstance(node, ast.Lambda):
                stack.extend(_signature(node.args))
                self.late |= _free_of_function(node)
            elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
                own = set().union(*(stored_names([g.target]) for g in node.generators))
                inner = _Reader()
                inner.read(ast.iter_child_nodes(node), bound | own)
                self.late |= inner.late
                self.free |= inner.free
            elif isinstance(node, ast.NamedExpr):
                stack.append(node.value)
                bound = bound | {node.target.id}
            else:
                self.magic(node, bound)
                stack.extend(ast.iter_child_nodes(node))

    def magic(self, node: ast.AST, bound: set[str]) -> None:
        """`%time f(x)` and `%%timeit` read names too."""
        call = magic_call(node)
        if call is None or call.name not in {"time", "timeit", "prun", "capture"}:
            return
        text = call.body if call.form == "cell" else call.line
        try:
            self.block(ast.parse(plain_body(text)).body, set(bound))
        except (SyntaxError, ValueError):
            return


def _signature(args: ast.arguments) -> list[ast.AST]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    notes: list[ast.AST] = [a.annotation for a in every if a is not None and a.annotation is not None]
    return [*notes, *args.defaults, *(d for d in args.kw_defaults if d is not None)]


def _free_of_function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    args = node.args
    own = {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg) if a is not None}
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    outer = {name for b in body for n in ast.walk(b) if isinstance(n, ast.Global) for name in n.names}
    own = (own | stored_names(body)) - outer
    inner = _Reader()
    inner.block(body, set(own))
    return (inner.free | inner.late) - own
