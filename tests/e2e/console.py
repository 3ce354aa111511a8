"""What a page complains about: anything that its test does not expect fails it."""

from __future__ import annotations

import re

from playwright.sync_api import ConsoleMessage, Error, Page


class Console:
    """Errors in the console of a page, and those that nobody caught."""

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def listen(self, page: Page) -> None:
        page.on("pageerror", self._take_error)
        page.on("console", self._take_message)

    def expect(self, pattern: str) -> None:
        """What has this in it is no complaint, whenever it comes: a browser may tell it after all was seen."""
        self._expected.append(re.compile(pattern))

    def expect_refusals(self, status: str) -> None:
        """Expect what the browser itself notes of questions that were answered so: "404"."""
        self.expect(rf"Failed to load resource: .*{status}.*/labnb/api/")

    @property
    def complaints(self) -> list[str]:
        return [line for line in self._heard if not any(one.search(line) for one in self._expected)]

    def _take_error(self, error: Error) -> None:
        self._heard.append(error.stack or str(error))

    def _take_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._heard.append(f"{message.text} ({message.location.get('url', '')})")
