"""In the notebook: the button that records a cell, the form that sends it to a target, the mark at a stale one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.notebook import Notebook, shot
from tests.e2e.server import LabServer
from tests.e2e.sidebar import run_command
from tests.e2e.study import Study


@pytest.fixture(scope="module")
def lab(study_lab: tuple[LabServer, Study]) -> LabServer:
    return study_lab[0]


def test_a_cell_is_recorded_by_the_button_and_says_when_it_is_stale(page: Page, lab: LabServer) -> None:
    notebook = Notebook.create(page)
    cell = notebook.cells.first
    cell.locator(".cm-content").click()
    page.keyboard.insert_text("rows = open('data/train.csv').read()\ndepth = 3")
    notebook.panel.get_by_role("toolbar").get_by_role("button", name="Record this cell as a run").click()
    expect(cell.locator(".jp-labnb-card")).to_contain_text("depth 3", timeout=60_000)
    expect(cell.locator(".cm-content")).to_contain_text("%%labrun")
    mark = cell.get_by_role("note")
    expect(mark).to_have_count(0)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("4")
    expect(mark).to_have_text("changed since its last run", timeout=20_000)
    shot(page, "cell-stale")
    page.keyboard.press("Backspace")
    expect(mark).to_have_count(0, timeout=20_000)
    table = lab.root / "data" / "train.csv"
    before = table.read_text()
    try:
        table.write_text(before + "1,1\n")
        run_command(page, "notebook:insert-cell-below")
        notebook.run("1 + 1")
        expect(mark).to_contain_text("its data changed since its last run: data/train.csv", timeout=20_000)
    finally:
        table.write_text(before)


def test_the_form_asks_where_a_cell_shall_run(page: Page) -> None:
    notebook = Notebook.create(page)
    cell = notebook.cells.first
    cell.locator(".cm-content").click()
    page.keyboard.insert_text("x = 1")
    page.evaluate("void window.jupyterapp.commands.execute('labnb:run-on-target')")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Target")).to_have_value("cluster")
    dialog.get_by_label("Memory").fill("2G")
    shot(page, "run-on-target")
    dialog.get_by_role("button", name="Cancel").click()
    expect(cell.locator(".cm-content")).to_have_text("x = 1")


def test_commands_are_in_the_palette_and_the_launcher(page: Page) -> None:
    # The launcher takes the focus when it comes, and the palette closes without it.
    page.locator(".jp-Launcher-sectionHeader").first.click()
    run_command(page, "apputils:activate-command-palette")
    page.locator(".lm-CommandPalette-input").fill("open labnb")
    expect(page.locator(".lm-CommandPalette-item[data-command='labnb:open']").first).to_be_visible()
    # JupyterLab hides what cannot be done now: there is no cell.
    assert page.locator(".lm-CommandPalette-item[data-command='labnb:record-cell']").first.is_hidden()
    page.keyboard.press("Escape")
    page.locator(".jp-LauncherCard[title*='labnb']").or_(
        page.locator(".jp-LauncherCard", has_text="labnb")
    ).first.click()
    expect(page.locator("#labnb-sidebar")).to_be_visible()
