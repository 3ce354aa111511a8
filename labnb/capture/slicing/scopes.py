"""Which names belong to which scope: Python's own rules, read from the tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Walk nodes of one scope: nested functions, classes and lambdas are given but not entered.

    Comprehensions are not entered either, but for the names that a walrus binds outside of them.
    """
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _DEFINITIONS):
            stack.extend(node.decorator_list)
        elif isinstance(node, _COMPREHENSIONS):
            stack.extend(n for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
        elif not isinstance(node, ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def stored_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names bound or deleted by the words of one scope."""
    names: set[str] = set()
    for node in own_nodes(nodes):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                names.add(node.id)
        elif isinstance(node, _DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(import_bindings(node))
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            if node.name:
                names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
    return names


def import_bindings(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Map the names that an import binds to the dotted paths they stand for (a star is left out)."""
    if isinstance(node, ast.Import):
        return {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
    module = "." * node.level + (node.module or "")
    return {a.asname or a.name: f"{module}.{a.name}" for a in node.names if a.name != "*"}


class Function:
    """What is fixed about a def, a lambda or a generator expression: its parameters and its scope."""

    def __init__(self, node: FunctionNode, in_class: bool) -> None:
        self.node = node
        self.method = in_class
        self.name = getattr(node, "name", "")
        self.positional: list[str] = []
        self.keyword: list[str] = []
        self.vararg: str | None = None
        self.kwarg: str | None = None
        self.outer: set[str] = set()
        self.nonlocals: set[str] = set()
        self.lazy = isinstance(node, (ast.GeneratorExp, ast.AsyncFunctionDef))
        self.decorated = bool(getattr(node, "decorator_list", ()))
        if isinstance(node, ast.GeneratorExp):
            self.body: Sequence[ast.AST] = (node,)
            self.locals: set[str] = set()
            return
        args = node.args
        self.positional = [a.arg for a in (*args.posonlyargs, *args.args)]
        self.keyword = [a.arg for a in args.kwonlyargs]
        self.vararg = args.vararg.arg if args.vararg else None
        self.kwarg = args.kwarg.arg if args.kwarg else None
        self.body = (node.body,) if isinstance(node, ast.Lambda) else node.body
        for inner in own_nodes(self.body):
            if isinstance(inner, ast.Global):
                self.outer.update(inner.names)
            elif isinstance(inner, ast.Nonlocal):
                self.nonlocals.update(inner.names)
            elif isinstance(inner, (ast.Yield, ast.YieldFrom)):
                self.lazy = True
        self.locals = stored_names(self.body) | set(self.positional) | set(self.keyword)
        self.locals.update(n for n in (self.vararg, self.kwarg) if n)
        self.locals -= self.outer | self.nonlocals

    @property
    def hook(self) -> bool:
        """Whether Python calls it without a call being written: `__add__`, a property, a generator expression."""
        special = self.name.startswith("__") and self.name not in ("__init__", "__new__", "__post_init__")
        return special or (self.method and self.decorated) or isinstance(self.node, ast.GeneratorExp)
