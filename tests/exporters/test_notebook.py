"""Closures as notebooks: valid, and written as a person would."""

from __future__ import annotations

import nbformat
import pytest

from labnb.exporters.notebook import as_written, to_notebook
from labnb.model.cell import Cell
from labnb.model.closure import Closure, Piece


def test_the_notebook_is_valid() -> None:
    pieces = [
        Piece(Cell("x = 1", cell_id="abc"), "x = 1"),
        Piece(Cell("x = 2", cell_id="abc"), "x = 2"),
        Piece(Cell("y", cell_id="not valid!"), "y = x\ny"),
    ]
    notebook = to_notebook(Closure(tuple(pieces)))
    nbformat.validate(notebook)
    assert [cell["id"] for cell in notebook["cells"]] == ["abc", "cell-2", "cell-3"]
    assert [cell["source"] for cell in notebook["cells"]] == ["x = 1", "x = 2", "y = x\ny"]


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("get_ipython().run_line_magic('cd', '/tmp')\nx = 1", "%cd /tmp\nx = 1"),
        ("get_ipython().system('ls -l')", "!ls -l"),
        ("if a:\n    get_ipython().system('ls')", "if a:\n    !ls"),
        ("x = get_ipython().getoutput('ls')", "x = !ls"),
        ("x = get_ipython().run_line_magic('timeit', '-o f()')", "x = %timeit -o f()"),
        ("get_ipython().run_cell_magic('bash', '-s 1', 'echo $1\\n')", "%%bash -s 1\necho $1\n"),
        ("f(get_ipython().getoutput('ls'))", "f(get_ipython().getoutput('ls'))"),
        ("s = 'é'; get_ipython().system('ls')", "s = 'é'; get_ipython().system('ls')"),
        ("x = (", "x = ("),
    ],
)
def test_magics_are_written_as_magics(code: str, written: str) -> None:
    assert as_written(code) == written
