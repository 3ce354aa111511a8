"""What the text of a cell tells before it is sent as a job."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from labnb.model.errors import UsageError

_ASKS = frozenset({"input", "getpass"})
_HOMES = ("ipykernel", "builtins", "getpass", "IPython")


def parsed(python: str) -> ast.AST:
    """Read the cell; raises UsageError where it is no Python."""
    try:
        return ast.parse(python)
    except SyntaxError as error:
        raise UsageError(f"Line {error.lineno} of the cell is no Python: {error.msg}.") from None


def refuse_asking(tree: ast.AST, names: Mapping[str, Any]) -> None:
    """Raise UsageError where the cell waits for somebody at the keyboard; `names` are those of the session."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _asks(node.func, names)):
            raise UsageError(
                f"Line {node.lineno} of the cell calls {name}(), and nobody answers a job.",
                "Ask in an earlier cell: the cell takes the value with it.",
            )


def _asks(called: ast.expr, names: Mapping[str, Any]) -> str:
    """Name what is called where that asks; "" otherwise, and where the session has something else by that name."""
    if isinstance(called, ast.Name) and called.id in _ASKS:
        home = str(getattr(names.get(called.id), "__module__", "ipykernel"))
        return called.id if home.startswith(_HOMES) else ""
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.attr in _ASKS:
        module = called.value.id
        # The cell itself may import it: then there is no such name yet.
        known = module not in names or isinstance(names[module], ModuleType)
        return f"{module}.{called.attr}" if known and module in ("getpass", "builtins") else ""
    return ""


def bound_anywhere(tree: ast.AST) -> tuple[set[str], bool]:
    """Give the names that code binds somewhere, and whether those are all of them."""
    found: set[str] = set()
    sure = True
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
            sure = sure and all(alias.name != "*" for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            sure = sure and node.func.id not in ("exec", "globals", "get_ipython", "vars", "setattr")
    return found, sure
