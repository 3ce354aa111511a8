"""What the bench of the server holds at 100,000 runs, over a smaller store: answers, curves, bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.server import SHOWN, asked
from benchmarks.server_store import Size, made_up, write_curves
from labnb.lab import Lab, open_lab
from labnb.model.api_runs import RunsQuery
from labnb.ports.run_index import Entry
from labnb.server.answers import body_of
from labnb.usecases.read_index import ReadIndex

SIZE = Size(runs=2000, keys=20, curves=2, points=40_000)


def spent(call: Callable[[], object]) -> float:
    """Give the milliseconds of processor that a call takes."""
    begun = time.process_time()
    call()
    return (time.process_time() - begun) * 1000


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    root = tmp_path_factory.mktemp("bounds")
    (root / "labnb.toml").write_text("")
    made = open_lab(root)
    made.paths.make()
    made.paths.cache.mkdir(exist_ok=True)
    return made


def test_answers_about_many_runs_are_quick(lab: Lab) -> None:
    lab.many.index.load(Entry(run, "folder", "state") for run in made_up(SIZE))

    class Still:
        """A keeper that has nothing to do."""

        live = True
        state = type("State", (), {"waiting": 0, "checked": None, "stopped": ""})

        def start(self) -> None: ...

        def asked(self) -> None: ...

    reading = ReadIndex(lab.many.index, Still(), lambda: None, lambda: None)  # type: ignore[arg-type]

    def answer(query: RunsQuery) -> None:
        body_of(reading.page(query), compress=True)

    for name, words, _ in asked(SIZE):
        times = [spent(partial(answer, RunsQuery(**words(turn)))) for turn in range(3)]
        assert min(times) < 100, (name, times)
    assert reading.page(RunsQuery(filter="params.model = 'tree'", limit=1)).total > SIZE.runs / 20


def test_long_curves_are_drawn_and_zoomed_quickly_in_few_bytes(lab: Lab) -> None:
    uids = write_curves(lab.paths, SIZE)
    for uid in uids:
        lab.many.curves.prepare(uid)
    fresh = open_lab(lab.root).many  # as of a server that has just started
    sent: list[int] = []

    def look(**words: Any) -> None:
        curves = fresh.compare.curves(uids, ["loss"], points=SHOWN, **words)
        assert all(SHOWN / 2 < len(curve.x) <= SHOWN + 2 for curve in curves.items)
        sent.append(len(body_of(curves, compress=True)[0]))

    def first() -> None:
        sent.append(len(body_of(fresh.compare.compare(uids), compress=True)[0]))
        look()

    assert spent(first) < 1000
    assert sum(sent) < 1_500_000 * SIZE.curves / 20
    assert min(spent(lambda: look(start=1000.0, end=20_000.0)) for _ in range(3)) < 200


def test_every_operation_is_documented() -> None:
    from labnb.server.operations import OPERATIONS

    text = (Path(__file__).parent.parent.parent / "docs" / "rest.md").read_text(encoding="utf-8")
    for operation in OPERATIONS:
        assert f"| `{operation.verb} {operation.path}` |" in text, operation.path
