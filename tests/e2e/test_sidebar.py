"""The door: a tab in the side bar, and a panel that says what to do first."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import Console
from tests.e2e.notebook import set_theme, shot
from tests.e2e.server import LabServer, running_lab


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A folder in which nothing was ever recorded."""
    with running_lab(tmp_path_factory.mktemp("empty")) as server:
        yield server


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_sidebar_opens_and_says_what_to_do_first(page: Page, theme: str) -> None:
    set_theme(page, theme)
    page.locator('.jp-SideBar [data-id="labnb-sidebar"]').click()
    panel = page.locator("#labnb-sidebar")
    expect(panel).to_be_visible()
    expect(panel.get_by_text("Write %%labrun above a cell")).to_be_visible()
    expect(panel.get_by_text(f"labnb {version('labnb')}")).to_be_visible()
    shot(page, f"sidebar-{theme.rpartition(' ')[2].lower()}")


def test_palette_command_opens_the_sidebar(page: Page) -> None:
    page.evaluate("window.jupyterapp.commands.execute('labnb:open')")
    expect(page.locator("#labnb-sidebar")).to_be_visible()


def test_panel_says_when_the_server_does_not_answer(page: Page, console: Console) -> None:
    console.expect_refusals("404")
    page.route("**/labnb/api/**", lambda route: route.fulfill(status=404, body="{}"))
    with page.expect_console_message(lambda message: message.type == "error"):
        page.locator('.jp-SideBar [data-id="labnb-sidebar"]').click()
    expect(page.locator("#labnb-sidebar").get_by_role("alert")).to_contain_text("server extension list")
