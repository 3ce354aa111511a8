"""A closure as a notebook: one code cell a piece, with magics as they were written."""

from __future__ import annotations

import ast
import re
from typing import Any

from labnb.exporters.source_edits import Edit, edited, parse
from labnb.model.closure import Closure
from labnb.model.magic_calls import MagicCall, magic_call

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def to_notebook(closure: Closure) -> dict[str, Any]:
    """Give a closure as a notebook in nbformat 4.5, ready for `json.dumps`.

    Args:
        closure: the pieces, the cell itself as the last of them.
    """
    taken: set[str] = set()
    cells: list[dict[str, Any]] = []
    for number, piece in enumerate(closure.pieces, 1):
        cell_id = piece.cell.cell_id or ""
        if not _CELL_ID.fullmatch(cell_id) or cell_id in taken:
            cell_id = f"cell-{number}"
        taken.add(cell_id)
        cells.append(
            {
                "cell_type": "code",
                "execution_count": None,
                "id": cell_id,
                "metadata": {},
                "outputs": [],
                "source": as_written(piece.code).strip("\n"),
            }
        )
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def as_written(code: str) -> str:
    """Turn calls on `get_ipython()` back into the magics they came from."""
    tree = parse(code)
    if tree is None:
        return code
    edits: list[Edit] = []
    lines = code.encode().split(b"\n")
    for node in ast.walk(tree):
        if isinstance(node, (ast.Expr, ast.Assign)) and not _alone(node, lines):
            continue  # a magic takes its whole line
        if isinstance(node, ast.Expr) and (call := magic_call(node.value)) is not None and call.constant:
            text = _statement(call, alone=len(tree.body) == 1)
            if text is not None:
                edits.append((node, text))
        elif isinstance(node, ast.Assign) and (call := magic_call(node.value)) is not None and call.constant:
            if call.form == "getoutput":
                edits.append((node.value, f"!{call.line}"))
            elif call.form == "line":
                edits.append((node.value, f"%{call.name} {call.line}".rstrip()))
    return edited(code, edits)


def _alone(node: ast.stmt, lines: list[bytes]) -> bool:
    before = lines[node.lineno - 1][: node.col_offset]
    after = lines[(node.end_lineno or node.lineno) - 1][node.end_col_offset :]
    return not before.strip() and not after.strip()


def _statement(call: MagicCall, alone: bool) -> str | None:
    if "\n" in call.line:
        return None
    if call.form == "system":
        return f"!{call.line}"
    if call.form == "getoutput":
        return f"!!{call.line}"
    if call.form == "line":
        return f"%{call.name} {call.line}".rstrip()
    if call.form == "cell" and alone:
        return f"%%{call.name} {call.line}".rstrip() + "\n" + call.body
    return None
