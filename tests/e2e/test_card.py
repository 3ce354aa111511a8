"""The card of a run below its cell: from what is in the notebook alone, in both themes, when narrow, reloaded."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.notebook import Notebook, set_theme, shot
from tests.e2e.server import LabServer

RUN_MIME = "application/vnd.labnb.run+json"
RUN: dict[str, Any] = {
    "schema": 1,
    "uid": "01hx3m",
    "name": "fit-logistic",
    "status": "FINISHED",
    "started": "2026-01-02T03:04:05+00:00",
    "ended": "2026-01-02T03:04:08.200000+00:00",
    "elapsed": 3.2,
    "metrics": {"accuracy": 0.973684, "loss": 0.0812},
    "params": {"C": 0.5, "penalty": "l2", "seed": 7},
    "inputs": [
        {"path": "data/iris.csv", "digest": "md5:9f2c", "size": 4551, "dataset": "data/iris.csv", "version": "md5:9f2c"}
    ],
    "outputs": [],
    "code": {"commit": "0123456789abcdef0123456789abcdef01234567", "ref": "refs/labnb/x", "dirty": True},
    "notes": [
        {"code": "left-out", "message": "big.bin was left out (2.1 GB).", "hint": "Add it with dvc add big.bin."}
    ],
}


def saved_notebook(lab: LabServer, name: str, *runs: dict[str, Any]) -> str:
    """A notebook whose cells carry the cards of `runs`; its path."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{index}",
            "metadata": {},
            "execution_count": 1,
            "source": "%%labrun\nmodel.fit(X, y)",
            "outputs": [
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {RUN_MIME: run, "text/html": "<b>html</b>", "text/plain": "plain"},
                }
            ],
        }
        for index, run in enumerate(runs)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (lab.root / name).write_text(json.dumps(content))
    return name


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_cards_in_a_saved_notebook(page: Page, lab: LabServer, theme: str) -> None:
    runs = [RUN | {"status": status} for status in ("FINISHED", "FAILED", "KILLED", "RUNNING")]
    set_theme(page, theme)
    shown = Notebook.open(page, saved_notebook(lab, "cards.ipynb", *runs))
    cards = shown.panel.locator(".jp-labnb-card")
    expect(cards).to_have_count(4)
    first = cards.first
    for text in ("fit-logistic", "finished", "3.2 s", "accuracy 0.97368", "01234567", "big.bin was left out"):
        expect(first).to_contain_text(text)
    expect(page.get_by_role("group", name="Run fit-logistic: failed")).to_be_visible()
    expect(cards.last).to_contain_text("as of")
    shot(page, f"card-{theme.rpartition(' ')[2].lower()}")


def test_card_is_readable_in_250_pixels(page: Page, lab: LabServer) -> None:
    shown = Notebook.open(page, saved_notebook(lab, "narrow.ipynb", RUN))
    card = shown.panel.locator(".jp-labnb-card")
    card.evaluate("node => node.parentElement.style.setProperty('max-width', '250px')")
    card.evaluate("node => node.style.setProperty('max-width', '250px')")
    expect(card).to_be_visible()
    assert card.evaluate("node => node.offsetWidth") <= 250
    assert card.evaluate("node => node.scrollWidth <= node.clientWidth")
    shot(page, "card-narrow")


def test_card_ticks_while_the_cell_runs_and_then_rests(notebook: Notebook) -> None:
    code = (
        "import time\n"
        "def bundle(**more):\n"
        f"    run = {RUN | {'metrics': {}, 'notes': []}!r} | more\n"
        f"    return {{{RUN_MIME!r}: run, 'text/plain': 'run'}}\n"
        "def write(status, elapsed, **more):\n"
        "    return bundle(status=status, elapsed=elapsed, as_of=time.time())\n"
        "handle = display(write('RUNNING', 0), raw=True, display_id=True)\n"
        "time.sleep(4)\n"
        "handle.update(write('FINISHED', 4.5), raw=True)"
    )
    cell = notebook.run(code, wait=False)
    elapsed = cell.locator(".jp-labnb-card-time")
    expect(elapsed).to_have_text("2.0 s", timeout=20_000)
    notebook.wait(cell)
    expect(cell.locator(".jp-labnb-card")).to_contain_text("finished")
    time.sleep(1.2)
    expect(elapsed).to_have_text("4.5 s")
