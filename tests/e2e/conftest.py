"""A real JupyterLab and a real browser. Runs in a process of its own: `pytest tests/e2e`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.console import Console
from tests.e2e.notebook import Notebook, shot
from tests.e2e.server import LabServer, running_lab
from tests.e2e.study import Study, write_study
from tests.needs import need

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# A machine that does other work too is slower than a reader's.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> str:
    return need("chromium")


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab over an empty folder, `lab.root`."""
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def study_lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LabServer, Study]]:
    """JupyterLab over a project with a history."""
    with running_lab(tmp_path_factory.mktemp("study")) as server:
        yield server, write_study(server.root)


@pytest.fixture(scope="session")
def study(study_lab: tuple[LabServer, Study]) -> Study:
    """The project with a history."""
    return study_lab[1]


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all tests: the code of JupyterLab, fetched and compiled once from each server, stays in its cache."""
    opened = browser.new_context(viewport={"width": 1400, "height": 900})
    yield opened
    opened.close()


@pytest.fixture
def console() -> Console:
    """What the page complains about; a test says what it expects."""
    return Console()


@pytest.fixture
def page(request: pytest.FixtureRequest, context: BrowserContext, lab: LabServer, console: Console) -> Iterator[Page]:
    """JupyterLab, fully started, in an empty workspace. Errors in the console fail the test."""
    with opened_page(context, lab.address(), console, request.node.name) as opened:
        yield opened


@contextmanager
def opened_page(context: BrowserContext, address: str, console: Console, name: str) -> Iterator[Page]:
    """Open JupyterLab or Notebook until it has fully started; raises AssertionError at the end if it complained."""

    opened = context.new_page()
    console.listen(opened)
    opened.goto(address)
    opened.wait_for_function("window.jupyterapp")
    opened.evaluate("window.jupyterapp.restored.then(() => 1)")
    # A theme that is changed while JupyterLab's splash fades (200 ms) has it taken out twice: an error of JupyterLab.
    opened.locator("body[data-jp-theme-light]:not(:has(> #jupyterlab-splash))").wait_for(state="attached")
    yield opened
    shot(opened, re.sub(r"\W+", "-", name).strip("-"))
    complaints = console.complaints
    opened.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    opened.close()
    assert complaints == []


@pytest.fixture
def notebook(page: Page) -> Notebook:
    """A new notebook with a Python kernel that is ready."""
    return Notebook.create(page)
