"""Statements: what they bind, which paths they take."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence

from labnb.capture.slicing import kinds
from labnb.capture.slicing.assignments import Assignments
from labnb.capture.slicing.scopes import stored_names
from labnb.capture.slicing.state import NOTHING, Binding, Frame, Value, join
from labnb.capture.slicing.unseen import Arguments

#: Managers of known libraries that may end a block half-way and go on after it.
_SWALLOWERS = frozenset(
    {"suppress", "ExitStack", "AsyncExitStack", "raises", "assertRaises", "timeout", "move_on_after"}
)


class Statements(Assignments):
    """What statements do."""

    def run(self, nodes: Sequence[ast.AST]) -> None:
        """Execute statements one after the other."""
        for node in nodes:
            execute = _EXECUTE.get(type(node))
            if execute is not None:
                execute(self, node)
            else:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.hooks(self.value(child), node)

    # Definitions.

    def function_made(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        args = node.args
        for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if arg is not None and arg.annotation is not None:
                self.value(arg.annotation)
        self.value(node.returns)
        made = self.define(node, [*args.defaults, *(d for d in args.kw_defaults if d)])
        self.store(node.name, self.decorated(node.decorator_list, made, node))

    def decorated(self, decorators: Iterable[ast.expr], made: Value, node: ast.AST) -> Value:
        """Apply decorators to what was defined."""
        for decorator in reversed(list(decorators)):
            if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter", "deleter"):
                made = join((self.value(decorator.value), made))
                continue
            made = self.apply(self.value(decorator), Arguments([made]), decorator)
        return made

    def class_made(self, node: ast.ClassDef) -> None:
        bases = [self.value(b) for b in (*node.bases, *(k.value for k in node.keywords))]
        outer = self.frame
        number = self.within(("class", self.number, outer, node), stored_names(node.body) | {"__class__"}, None, outer)
        self.frame = number
        self.run(node.body)
        self.frame = outer
        values = self.state.frames[number].values
        held = frozenset().union(*(v.regions for v in (*values.values(), *bases)), NOTHING)
        rid = self.state.region((self.number, outer, node), kinds.CLASS, held)
        self.state.heap[rid] = self.state.heap[rid]._replace(kind=kinds.CLASS)
        for name, value in values.items():
            self.state.set_field(rid, name, value)
            self.note_special(name, value)
        for keyword in node.keywords:
            # A metaclass runs here.
            self.callbacks([self.value(keyword.value)], every=True, node=node)
        heap = self.state.heap
        self.state.parents[rid] = frozenset(
            r for base in bases for r in base.regions if r != rid and heap[r].kind == kinds.CLASS
        )
        made = Value(frozenset((rid,)))
        for base in bases:
            for ref in self.methods(base, "__init_subclass__"):
                self.invoke(ref, Arguments([made]), node)
        self.store(node.name, self.decorated(node.decorator_list, made, node))

    # Paths.

    def when(self, node: ast.If) -> None:
        known = _known_test(node.test)
        if known is not None:
            self.run(node.body if known else node.orelse)
            return
        self.hooks(self.value(node.test), node)
        self.branches(lambda: self.run(node.body), lambda: self.run(node.orelse))

    def each(self, node: ast.For | ast.AsyncFor) -> None:
        source = self.value(node.iter)

        def path() -> None:
            self.consume(source, node)
            self.assign(node.target, self.elements(source))
            self.run(node.body)

        self.loosely(path, again=True)
        self.loosely(lambda: self.run(node.orelse))

    def repeat(self, node: ast.While) -> None:
        def path() -> None:
            self.hooks(self.value(node.test), node)
            self.run(node.body)

        self.loosely(path, again=True)
        self.loosely(lambda: self.run(node.orelse))

    def context(self, node: ast.With | ast.AsyncWith) -> None:
        managers: list[Value] = []
        swallows = False
        for item in node.items:
            manager = self.value(item.context_expr)
            self.hooks(manager, item.context_expr, every=True)
            managers.append(manager)
            words = item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr
            name = words.attr if isinstance(words, ast.Attribute) else getattr(words, "id", "")
            known = name in ("open", "errstate", "no_grad", "option_context", "catch_warnings", "rc_context", "Pool")
            known = known or name.endswith("Executor") or name in ("start_run", "inference_mode", "tqdm", "seed")
            path = self.library_path(words)
            known = known or (path != "" and kinds.is_known(path) and path.rsplit(".", 1)[-1] not in _SWALLOWERS)
            swallows = swallows or not (known or manager.kind in (kinds.FILE, kinds.PANDAS, kinds.PLOT))
            if item.optional_vars is not None:
                inner = self.elements(manager) if manager.kind == kinds.ITERATOR else manager
                if inner.kind != kinds.FILE:
                    inner = Value(self.state.reach(inner.regions), inner.kind)
                self.assign(item.optional_vars, inner)
        if swallows:
            self.loosely(lambda: self.run(node.body))
        else:
            self.run(node.body)
        for manager in managers:
            self.hooks(manager, node, every=True)
            if manager.kind == kinds.FILE:
                self.change(manager)

    def library_path(self, node: ast.expr) -> str:
        """Give the dotted path of what an expression names in a library; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or self.local(node.id) is not None:
            return ""
        binding = self.state.env.get(node.id)
        if binding is None or not binding.value.kind.startswith("@"):
            return ""
        return ".".join([binding.value.kind[1:], *parts])

    def attempt(self, node: ast.Try) -> None:
        if not node.handlers:
            self.run([*node.body, *node.orelse])
            self.run(node.finalbody)
            return
        frame = self.state.frames[self.frame] if self.frame is not None else None
        env, values = dict(self.state.env), dict(frame.values) if frame else {}
        self.loosely(lambda: self.run(node.body))
        torn_env, torn_values = self.state.env, frame.values if frame else {}

        def done() -> None:
            self.restore(env, values, frame)
            self.run(node.body)
            self.run(node.orelse)

        def handled(handler: ast.ExceptHandler) -> Callable[[], None]:
            def path() -> None:
                self.restore(torn_env, torn_values, frame)
                self.value(handler.type)
                if handler.name:
                    self.store(handler.name, self.fresh(handler))
                self.run(handler.body)

            return path

        self.branches(done, *(handled(h) for h in node.handlers))
        self.run(node.finalbody)

    def restore(self, env: dict[str, Binding], values: dict[str, Value], frame: Frame | None) -> None:
        """Go back to what names stood for."""
        if frame is not None:
            frame.values = dict(values)
        else:
            self.state.env = dict(env)

    def matched(self, node: ast.Match) -> None:
        subject = self.value(node.subject)
        self.hooks(subject, node)
        parts = Value(frozenset(self.state.reach(subject.regions)), subject.kind if not subject.regions else "")

        def taken(case: ast.match_case) -> Callable[[], None]:
            def path() -> None:
                for inner in ast.walk(case.pattern):
                    if isinstance(inner, ast.expr):
                        self.value(inner)
                for name in stored_names([case.pattern]):
                    self.store(name, parts)
                self.hooks(self.value(case.guard), node)
                self.run(case.body)

            return path

        for case in node.cases:
            self.loosely(taken(case))

    def give(self, node: ast.Return) -> None:
        value = self.value(node.value)
        frame = self.state.frames.get(self.frame if self.frame is not None else -1)
        if frame is not None:
            frame.returned = value if frame.returned is None else join((frame.returned, value))

    def nothing(self, node: ast.AST) -> None:
        """Execute what has no effect of its own."""


def _known_test(test: ast.expr) -> bool | None:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__":
        right = test.comparators[0]
        if isinstance(right, ast.Constant) and isinstance(test.ops[0], ast.Eq):
            return right.value == "__main__"
    return None


_EXECUTE: dict[type, Callable[..., None]] = {
    ast.Assign: Statements.bind_all,
    ast.AnnAssign: Statements.annotated,
    ast.AugAssign: Statements.augmented,
    ast.Delete: Statements.deleted,
    ast.FunctionDef: Statements.function_made,
    ast.AsyncFunctionDef: Statements.function_made,
    ast.ClassDef: Statements.class_made,
    ast.If: Statements.when,
    ast.For: Statements.each,
    ast.AsyncFor: Statements.each,
    ast.While: Statements.repeat,
    ast.With: Statements.context,
    ast.AsyncWith: Statements.context,
    ast.Try: Statements.attempt,
    ast.TryStar: Statements.attempt,
    ast.Match: Statements.matched,
    ast.Return: Statements.give,
    ast.Import: Statements.imported,
    ast.ImportFrom: Statements.imported_from,
    ast.Global: Statements.nothing,
    ast.Nonlocal: Statements.nothing,
    ast.Pass: Statements.nothing,
    ast.Break: Statements.nothing,
    ast.Continue: Statements.nothing,
}
