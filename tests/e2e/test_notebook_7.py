"""Jupyter Notebook 7: the side bar beside a notebook, pages below it."""

from __future__ import annotations

from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import opened_page
from tests.e2e.console import Console
from tests.e2e.notebook import Notebook, shot
from tests.e2e.server import NOTEBOOK, LabServer, running_lab
from tests.e2e.sidebar import Sidebar
from tests.e2e.study import Study

NAME = "study.ipynb"


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Notebook 7 over a project with a notebook and three runs."""
    with running_lab(tmp_path_factory.mktemp("notebook"), NOTEBOOK) as server:
        (server.root / "labnb.toml").write_text("")
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext labnb", "")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), server.root / NAME)
        study = Study(server.root)
        for number in range(3):
            study.end(study.run(f"forest-{number}", age=3600 * (number + 1)))
        yield server


@pytest.fixture
def page(request: pytest.FixtureRequest, context: BrowserContext, lab: LabServer, console: Console) -> Iterator[Page]:
    """The page of the notebook."""
    # Notebook's own, also without labnb: it is told of settings before it has read them.
    console.expect(r"Cannot read properties of undefined \(reading 'schema'\)")
    with opened_page(context, lab.address(f"notebooks/{NAME}"), console, request.node.name) as opened:
        yield opened


def test_the_side_bar_opens_from_the_palette_and_a_run_below_the_notebook(page: Page) -> None:
    notebook = Notebook(page).ready()
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").fill("Open labnb")
    expect(page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text("Open labnb")
    page.keyboard.press("Enter")
    expect(page.locator("#labnb-sidebar")).to_be_visible()
    sidebar = Sidebar(page)
    expect(sidebar.rows).to_have_count(3)
    sidebar.row("forest-1").dblclick()
    below = page.locator("#jp-down-stack")
    expect(below.get_by_role("heading", level=1, name="forest-1")).to_be_in_viewport()
    expect(below.get_by_role("tab", name="Params")).to_be_in_viewport()
    expect(notebook.cells.first).to_be_in_viewport()
    shot(page, "notebook-7-run")
