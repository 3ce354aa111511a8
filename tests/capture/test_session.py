"""The live session, on a real IPython shell."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from labnb.capture.session import Session


@pytest.fixture
def shell() -> Any:
    config = Config({"HistoryManager": {"hist_file": ":memory:", "enabled": True}})
    return InteractiveShell(config=config)


def followed(shell: Any) -> Session:
    session = Session(shell)
    shell.events.register("pre_run_cell", session.before)
    shell.events.register("post_run_cell", session.after)
    return session


def test_names_kinds_and_lines(shell: Any) -> None:
    session = followed(shell)
    shell.run_cell("a = 1\nb = [2]\nimport json", store_history=True)
    shell.run_cell("del a\nb = {}\n_private = 1", store_history=True)
    shell.run_cell("c = 1\nd = 1 / 0", store_history=True)
    shell.run_cell("1 +", store_history=True)
    shell.run_cell("%pwd\n!true", store_history=True)
    first, second, third, fourth, fifth = session.history
    assert first.bound == {"a", "b", "json"}
    assert first.kinds == {"a": "builtins.int", "b": "builtins.list", "json": "builtins.module"}
    assert (second.bound, second.deleted) == ({"b", "_private"}, {"a"})
    assert (first.failed_line, third.failed_line, fourth.failed_line) == (None, 2, 0)
    assert "get_ipython().run_line_magic('pwd'" in fifth.python
    assert [cell.cell.execution_count for cell in session.history] == [1, 2, 3, 4, 5]
    assert not any(name.startswith("_i") or name == "Out" for cell in session.history for name in cell.bound)


def test_randomness(shell: Any) -> None:
    pytest.importorskip("numpy")
    session = followed(shell)
    shell.run_cell("import numpy as np, random", store_history=True)
    shell.run_cell("x = 1", store_history=True)
    shell.run_cell("random.random()", store_history=True)
    shell.run_cell("np.random.rand()", store_history=True)
    shell.run_cell("np.random.default_rng(0).normal()", store_history=True)
    assert [set(cell.randomness) for cell in session.history][1:] == [set(), {"random"}, {"numpy"}, set()]


def test_cells_from_before_it_was_attached(shell: Any) -> None:
    shell.run_cell("from math import *\nx = floor(2.5)", store_history=True)
    shell.run_cell("y = [x]\ny.append(1 / 0)", store_history=True)
    shell.run_cell("1 +", store_history=True)
    session = followed(shell)
    shell.run_cell("z = y", store_history=True)
    first, second, third, fourth = session.history
    assert {"floor", "pi"} <= first.bound
    assert "x" not in first.bound
    assert first.kinds["x"] == "builtins.int"
    assert (second.failed_line, third.failed_line) == (2, 0)
    assert fourth.cell.source == "z = y"


def test_the_cell_that_attaches_it_is_recorded(shell: Any) -> None:
    made: list[Session] = []
    shell.user_ns["attach"] = lambda: made.append(followed(shell))
    shell.run_cell("before = 1", store_history=True)
    shell.run_cell("attach()\nduring = 2", store_history=True)
    shell.run_cell("after = 3", store_history=True)
    assert [cell.cell.source for cell in made[0].history] == ["before = 1", "attach()\nduring = 2", "after = 3"]
    assert "during" in made[0].history[1].bound


def test_it_keeps_nothing_alive(shell: Any) -> None:
    session = followed(shell)
    shell.run_cell("class Thing: pass\nthing = Thing()", store_history=True)
    watched = weakref.ref(shell.user_ns["thing"])
    shell.run_cell("del thing", store_history=True)
    gc.collect()
    assert watched() is None
    assert len(session.history) == 2


def test_it_survives_strange_objects(shell: Any) -> None:
    session = followed(shell)
    shell.run_cell(
        "class M(type):\n    def __getattribute__(cls, n): raise RuntimeError(n)\n"
        "class Odd(metaclass=M):\n    __class__ = 5\n    def __eq__(self, o): raise ValueError\n"
        "    __hash__ = None\nodd = Odd()",
        store_history=True,
    )
    assert "odd" in session.history[-1].bound


def test_it_is_quick(shell: Any) -> None:
    session = followed(shell)
    shell.run_cell("\n".join(f"name{n} = {n}" for n in range(200)), store_history=True)

    class Info:
        raw_cell = transformed_cell = "x = 1"
        cell_id = None

    class Result:
        error_before_exec = error_in_exec = None
        execution_count = 1

    times = []
    for _ in range(20):
        start = time.perf_counter()
        session.before(Info())
        session.after(Result())
        times.append(time.perf_counter() - start)
    assert min(times) < 0.001
