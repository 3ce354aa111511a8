"""A notebook in the browser, as a user works with it: write a cell, run it, look below it.

def test_something(notebook):
    cell = notebook.run("%%labrun\nx = 1")
    expect(cell.locator(".jp-labnb-card")).to_contain_text("finished")
"""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

ARTIFACTS = Path(__file__).parent / "artifacts"
DONE = re.compile(r"^\[\d+\]:?$")


def shot(page: Page, name: str) -> Path:
    """A screenshot for people to look at; git does not keep it."""
    ARTIFACTS.mkdir(exist_ok=True)
    path = ARTIFACTS / f"{name}.png"
    page.screenshot(path=path)
    return path


def set_theme(page: Page, name: str) -> None:
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
    light = "false" if "Dark" in name else "true"
    page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")


class Notebook:
    """The notebook in the main area of `page`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    @classmethod
    def create(cls, page: Page) -> Notebook:
        page.evaluate(
            "window.jupyterapp.commands.execute('notebook:create-new', {kernelName: 'python3'}).then(() => 1)"
        )
        return cls(page).ready()

    @classmethod
    def open(cls, page: Page, path: str) -> Notebook:
        page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', {path}).then(() => 1)", path)
        return cls(page).ready()

    @property
    def cells(self) -> Locator:
        return self.panel.locator(".jp-Notebook .jp-CodeCell")

    def run(self, code: str, *, wait: bool = True, seconds: float = 60) -> Locator:
        """Write `code` into the last cell and press Shift+Enter; the cell, by default when it is done."""
        index = self.cells.count() - 1
        cell = self.cells.nth(index)
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        expect(self.cells).to_have_count(index + 2)
        if wait:
            self.wait(cell, seconds)
        return cell

    def wait(self, cell: Locator, seconds: float = 60) -> None:
        """Until the cell has a number instead of a star."""
        expect(cell.locator(".jp-InputPrompt")).to_have_text(DONE, timeout=seconds * 1000)

    def save(self) -> None:
        self.page.evaluate("window.jupyterapp.commands.execute('docmanager:save').then(() => 1)")

    def ready(self) -> Notebook:
        """Until the kernel is."""
        self.cells.first.locator(".cm-content").wait_for()
        self.page.wait_for_function(
            "window.jupyterapp.shell.currentWidget?.sessionContext?.kernelDisplayStatus === 'idle'",
            timeout=60_000,
        )
        return self
