"""The outputs of a cell as a small notebook, and text as a terminal shows it."""

from __future__ import annotations

from typing import Any


def output_notebook(source: str, shown: list[dict[str, Any]], uid: str, log: int | None = None) -> dict[str, Any]:
    """Make a small notebook of one cell with its outputs (nbformat 4.5).

    `log` is for one that is written while the cell still runs: the bytes of log.txt that it holds already.
    """
    labnb: dict[str, Any] = {"run": uid}
    if log is not None:
        labnb["log"] = log
    cell = {
        "cell_type": "code",
        "id": "run",
        "execution_count": None,
        "metadata": {"labnb": labnb},
        "source": source,
        "outputs": [{**item, "execution_count": None} if "execution_count" in item else item for item in shown],
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": [cell]}


def terminal_text(text: str) -> str:
    """Give the text as a terminal shows it in the end: what a carriage return wrote over is gone.

    >>> terminal_text("10 %\\r20 %\\ndone")
    '20 %\\ndone'
    """
    if "\r" not in text:
        return text
    lines = []
    for line in text.split("\n"):
        parts = [part for part in line.split("\r") if part]
        lines.append(parts[-1] if parts else "")
    return "\n".join(lines)
