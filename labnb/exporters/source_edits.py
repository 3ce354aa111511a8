"""Replacing pieces of source text by what stands for them, leaving all else as it was written."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable

Edit = tuple[ast.AST, str]


def parse(code: str) -> ast.Module | None:
    """Parse without a word to the user; None where the text is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError):
        return None


def edited(code: str, edits: Iterable[Edit]) -> str:
    """Give source with nodes replaced by other text.

    A text of several lines that stands for a statement is indented as that statement was.
    """
    lines = code.split("\n")
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line.encode()) + 1
    data = code.encode()
    spans = []
    for node, text in edits:
        first = starts[getattr(node, "lineno") - 1] + getattr(node, "col_offset")  # noqa: B009 - AST has no such type
        last = starts[getattr(node, "end_lineno") - 1] + getattr(node, "end_col_offset")  # noqa: B009
        indent = " " * getattr(node, "col_offset") if isinstance(node, ast.stmt) else ""  # noqa: B009
        spans.append((first, last, ("\n" + indent).join(text.split("\n"))))
    for first, last, text in sorted(spans, reverse=True):
        data = data[:first] + text.encode() + data[last:]
    return data.decode()


def indented(code: str, node: ast.stmt) -> str:
    """Give a statement's text one step deeper; rewritten from its tree where a text in it spans lines."""
    spans_lines = any(
        isinstance(n, (ast.Constant, ast.JoinedStr)) and (n.end_lineno or n.lineno) > n.lineno for n in ast.walk(node)
    )
    source = ast.unparse(node) if spans_lines else code
    return "\n".join("    " + line if line.strip() else line for line in source.split("\n"))
