"""Cells cut into top-level statements, once for each source text."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

from labnb.capture.slicing.scopes import stored_names
from labnb.model.cell import ExecutedCell
from labnb.model.magic_calls import is_neutral, magic_call, wrapped_body


class Statement:
    """One top-level statement of a cell: its tree, its text with the comments above it, its lines."""

    def __init__(self, node: ast.stmt, code: str, first: int, last: int, alone: bool = True) -> None:
        self.node = node
        self.code = code
        self.first = first
        self.last = last
        self.alone = alone

    @cached_property
    def stores(self) -> frozenset[str]:
        """Names that the statement binds or deletes in the session by its own words."""
        return frozenset(stored_names([self.node]))

    @cached_property
    def has_call(self) -> bool:
        """Whether anything is called anywhere in it."""
        return any(isinstance(n, (ast.Call, ast.Import, ast.ImportFrom, ast.Await)) for n in ast.walk(self.node))

    @cached_property
    def neutral(self) -> bool:
        """Whether it can be left out of any account of the result: `%matplotlib`, a bare string."""
        if not isinstance(self.node, ast.Expr):
            return False
        if isinstance(self.node.value, ast.Constant):
            return True
        call = magic_call(self.node.value)
        return call is not None and is_neutral(call)

    @cached_property
    def normalised(self) -> str:
        """The statement without comments, docstrings and formatting."""
        return "" if self.neutral else ast.unparse(self.node)


@lru_cache(maxsize=2048)
def statements_of(python: str) -> tuple[Statement, ...]:
    """Cut transformed source into its statements; a `%%time`-like cell is cut as its body is.

    Args:
        python: a cell after IPython's transformations.

    Returns:
        the statements in source order; none where the text is no Python (such a cell never ran).
    """
    tree = parse(python)
    if tree is None:
        return ()
    body = wrapped_body(tree)
    if body is not None:
        inner = parse(body)
        if inner is not None:
            tree, python = inner, body
    return tuple(_cut(tree, python))


@lru_cache(maxsize=512)
def executed_statements(python: str, failed_line: int | None) -> tuple[tuple[Statement, bool], ...]:
    """Give the statements of a cell that ran, each with whether it was stopped half-way.

    Args:
        python: a cell after IPython's transformations.
        failed_line: as in `ExecutedCell`.
    """
    if failed_line == 0:
        return ()
    if failed_line is None:
        return tuple((s, False) for s in statements_of(python))
    tree = parse(python)
    if tree is None:
        return ()
    whole = tuple(_cut(tree, python))
    done = [s for s in whole if s.last < failed_line]
    stopped = [s for s in whole if s.first <= failed_line <= s.last]
    result = [(s, False) for s in done]
    if stopped:
        result.append((_guarded(stopped), True))
    return tuple(result)


def ran(cell: ExecutedCell) -> tuple[tuple[Statement, bool], ...]:
    """`executed_statements` of an executed cell."""
    return executed_statements(cell.python, cell.failed_line)


def parse(source: str) -> ast.Module | None:
    """Parse without a word to the user, and take the docstrings away; None where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            head = node.body[0]
            if (
                isinstance(head, ast.Expr)
                and isinstance(head.value, ast.Constant)
                and isinstance(head.value.value, str)
            ):
                node.body[:1] = [] if len(node.body) > 1 else [ast.copy_location(ast.Pass(), head)]
    return tree


def _cut(tree: ast.Module, python: str) -> Iterator[Statement]:
    lines = python.split("\n")
    spans = [_span(node) for node in tree.body]
    above = 0
    for i, node in enumerate(tree.body):
        first, last = spans[i]
        shares = (i > 0 and spans[i - 1][1] >= first) or (i + 1 < len(spans) and spans[i + 1][0] <= last)
        if shares:
            code = ast.get_source_segment(python, node) or ast.unparse(node)
        else:
            start = first
            while start - 1 > above and lines[start - 2].lstrip().startswith("#"):
                start -= 1
            code = "\n".join(lines[start - 1 : last])
        above = last
        yield Statement(node, code, first, last, not shares)


def _span(node: ast.stmt) -> tuple[int, int]:
    first = node.lineno
    for decorator in getattr(node, "decorator_list", ()):
        first = min(first, decorator.lineno)
    return first, node.end_lineno or node.lineno


def _guarded(stopped: Sequence[Statement]) -> Statement:
    """Wrap what was stopped half-way, so that a replay is stopped there too and goes on.

    BaseException, as it may have been a KeyboardInterrupt or a SystemExit.
    """
    handler = ast.ExceptHandler(type=ast.Name("BaseException", ast.Load()), name=None, body=[ast.Pass()])
    guard = ast.Try(body=[s.node for s in stopped], handlers=[handler], orelse=[], finalbody=[])
    guard = ast.fix_missing_locations(ast.copy_location(guard, stopped[0].node))
    return Statement(guard, ast.unparse(guard), stopped[0].first, stopped[-1].last)
