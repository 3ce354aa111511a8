"""Values that are written down: constants, arithmetic of constants, boxes of them."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_LONGEST = 2000
_BOXES = (ast.Tuple, ast.List)
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def assignments(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Give the names that a statement binds to written values, each with its value as source."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _pairs(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield from _pairs(ast.Name(name), value)
        case _:
            return


def assigned_once(nodes: Sequence[ast.stmt]) -> dict[str, str]:
    """Give the names that a cell binds exactly once, in the open, to a written value."""
    times: Counter[str] = Counter()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                times[inner.id] += 1
            elif isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                times[inner.name] += 1
    found = {name: value for node in nodes for name, value in assignments(node)}
    return {name: value for name, value in found.items() if times[name] == 1}


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(target, ast.Name):
        try:
            text = repr(_evaluate(value))
        except (ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
            return
        if len(text) <= _LONGEST:
            yield target.id, text
    elif isinstance(target, _BOXES) and isinstance(value, _BOXES) and len(target.elts) == len(value.elts):
        for part, given in zip(target.elts, value.elts, strict=True):
            yield from _pairs(part, given)


def _evaluate(node: ast.expr | None) -> object:
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return +_number(operand)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            a, b = _number(left), _number(right)
            if isinstance(op, ast.Pow) and (abs(a) > 10**6 or abs(b) > 64):
                raise ValueError("too large")
            return _OPERATORS[type(op)](a, b)
        case ast.Tuple(elts=elts):
            return tuple(_evaluate(e) for e in elts)
        case ast.List(elts=elts):
            return [_evaluate(e) for e in elts]
        case ast.Dict(keys=keys, values=values):
            return {_evaluate(k): _evaluate(v) for k, v in zip(keys, values, strict=True)}
        case _:
            raise ValueError("no literal")


def _number(node: ast.expr) -> Any:
    value = _evaluate(node)
    if isinstance(value, bool) or not isinstance(value, (int, float, complex)):
        raise ValueError("no number")
    return value
