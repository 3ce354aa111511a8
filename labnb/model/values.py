"""Params and metrics: values of names, made plain."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # this file travels with the runner of jobs, which must run on Python 3.9
    from labnb.model.closure import Closure
    from labnb.model.run import Value

LONGEST = 500


def slice_params(closure: Closure, metrics: frozenset[str]) -> dict[str, Value]:
    """Take the params that nobody declared: simple values assigned in the cell or in the slice that it uses.

    Names of metrics, private names and values that are not simple (numbers, short text, truth values, short
    sequences of them) are no params.
    """
    params: dict[str, Value] = {}
    for name, source in closure.assigned.items():
        if name.startswith("_") or name in metrics:
            continue
        try:
            value = ast.literal_eval(source)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        plain = simple(value)
        if plain is not None or value is None:
            params[name] = plain
    return params


def asked_params(name: str, value: Any) -> dict[str, Value]:
    """Take the params that were asked for by name: a simple value, or the fields of a mapping, dataclass or namespace.

    Nested fields are joined by dots: {"optimizer.lr": 0.1}.
    """
    fields = fields_of(value)
    if fields is None:
        plain = simple(value)
        return {name: plain if plain is not None or value is None else repr(value)[:LONGEST]}
    found: dict[str, Value] = {}
    for key, inner in fields.items():
        found.update(asked_params(f"{name}.{key}", inner))
    return found


def fields_of(value: Any) -> dict[str, Any] | None:
    """Give the fields of a mapping, dataclass instance or argparse-like namespace; None for anything else."""
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if type(value).__name__ in ("Namespace", "SimpleNamespace"):
        return dict(vars(value))
    return None


def simple(value: Any) -> Value:
    """Make a value plain; None where it is not simple."""
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value if len(value) <= LONGEST else None
    if isinstance(value, (tuple, list)) and value and all(isinstance(item, (bool, int, float, str)) for item in value):
        text = repr(value)
        return text if len(text) <= LONGEST else None
    number = as_number(value)
    return number if number is not None and not isinstance(value, (bytes, bytearray)) else None


def as_number(value: Any) -> float | None:
    """Make a number of a Python or NumPy scalar, or of a tensor with one element; None where it is none."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, (str, bytes, bytearray)):
        return None
    if getattr(value, "size", None) not in (None, 1) and not callable(getattr(value, "size", None)):
        return None
    item = getattr(value, "item", None)
    if not callable(item):
        return None
    try:
        number = item()
    except (TypeError, ValueError, RuntimeError):
        return None
    if isinstance(number, (int, float)) and not isinstance(number, complex):
        return float(number)
    return None
