"""The labnb side bar in the browser, as a user works with it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class Sidebar:
    """The side bar of `page`, open."""

    def __init__(self, page: Page, section: str = "labnb-runs") -> None:
        self.page = page
        page.evaluate(
            "section => window.jupyterapp.commands.execute('labnb:open', {section}).then(() => 1)",
            section,
        )
        self.panel = page.locator(f"#{section}")
        expect(self.panel).to_be_visible()

    @property
    def rows(self) -> Locator:
        return self.panel.get_by_role("listbox").get_by_role("option")

    @property
    def status(self) -> Locator:
        """The line that counts the rows."""
        return self.panel.get_by_role("status").last

    def row(self, text: str) -> Locator:
        return self.rows.filter(has_text=text).first

    def search(self, text: str) -> None:
        self.panel.get_by_role("combobox", name="Search runs").or_(
            self.panel.get_by_role("searchbox", name="Search runs")
        ).fill(text)

    def names(self) -> list[str]:
        """Of the rows in sight, in their order."""
        return self.panel.locator(".jp-labnb-row-name").all_text_contents()

    def menu(self, text: str, item: str) -> None:
        """Choose from the context menu of a row."""
        self.row(text).click(button="right")
        self.page.get_by_role("menuitem", name=item, exact=True).click()


def main_area(page: Page) -> Locator:
    """The page in front in the main area."""
    return page.locator("#jp-main-dock-panel .jp-MainAreaWidget:not(.lm-mod-hidden) .jp-labnb-view")


def run_command(page: Page, command: str, **args: object) -> None:
    page.evaluate("([id, args]) => window.jupyterapp.commands.execute(id, args).then(() => 1)", [command, args])
