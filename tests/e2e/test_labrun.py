"""`%%labrun` as a researcher meets it: typed into a cell of a real notebook, seen as a card below it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.notebook import Notebook, shot


def test_a_recorded_cell_shows_its_card(notebook: Notebook) -> None:
    notebook.run("%load_ext labnb")
    cell = notebook.run(
        "%%labrun first-fit\nimport labnb\ndepth = 3\naccuracy = depth / 4\nlabnb.log({'loss': 0.25})\nprint('done')"
    )
    card = cell.locator(".jp-labnb-card")
    expect(card).to_have_count(1)
    for text in ("first-fit", "finished", "depth 3", "loss 0.25"):
        expect(card).to_contain_text(text)
    expect(cell.locator(".jp-OutputArea-output").filter(has_text="done").first).to_be_visible()
    shot(notebook.page, "labrun")


def test_a_failing_cell_keeps_its_traceback_and_says_failed(notebook: Notebook) -> None:
    notebook.run("%load_ext labnb")
    cell = notebook.run("%%labrun\nrate = 0.1\n1 / 0")
    expect(cell.locator(".jp-labnb-card")).to_contain_text("failed")
    expect(cell).to_contain_text("ZeroDivisionError")


def test_the_card_counts_while_the_cell_works(notebook: Notebook) -> None:
    notebook.run("%load_ext labnb")
    cell = notebook.run("%%labrun long\nimport time\ntime.sleep(6)", wait=False)
    card = cell.locator(".jp-labnb-card")
    expect(card).to_contain_text("running", timeout=20_000)
    expect(card.locator(".jp-labnb-card-time")).to_contain_text("3.", timeout=20_000)
    notebook.wait(cell)
    expect(card).to_contain_text("finished", timeout=20_000)
