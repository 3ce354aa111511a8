"""JupyterLab in another language: labnb's words come from a language pack, as its own do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.notebook import shot
from tests.e2e.server import LabServer, running_lab
from tests.e2e.sidebar import Sidebar, main_area
from tests.e2e.study import Study

LOCALE = "de_DE"
PACKAGE = f"language_pack_{LOCALE}"
WORDS = {
    "Runs": ["Läufe"],
    "Datasets": ["Datensätze"],
    "Search runs": ["Läufe suchen"],
    "any status": ["jeder Zustand"],
    "finished": ["beendet"],
    "%1 runs": ["%1 Läufe"],
    "Overview": ["Überblick"],
    "Params": ["Parameter"],
    "Published": ["Veröffentlicht"],
    "local": ["nur hier"],
    "Open labnb": ["labnb öffnen"],
}


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab in German over a project with two runs."""
    folder = tmp_path_factory.mktemp("language")
    setting = folder / "settings" / "@jupyterlab" / "translation-extension" / "plugin.jupyterlab-settings"
    setting.parent.mkdir(parents=True)
    setting.write_text(json.dumps({"locale": LOCALE}))
    with running_lab(folder, packages=language_pack(folder / "packages")) as server:
        (server.root / "labnb.toml").write_text("")
        study = Study(server.root)
        for number in range(2):
            study.end(study.run(f"forest-{number}", age=3600 * (number + 1)))
        yield server


def language_pack(folder: Path) -> Path:
    """Write a package that is found as JupyterLab's language packs are: by an entry point."""
    messages = folder / PACKAGE / "locale" / LOCALE / "LC_MESSAGES"
    messages.mkdir(parents=True)
    (folder / PACKAGE / "__init__.py").write_text("")
    head = {"domain": "labnb", "language": LOCALE.replace("_", "-"), "plural_forms": "nplurals=2; plural=(n != 1);"}
    (messages / "labnb.json").write_text(json.dumps({"": head, **WORDS}))
    about = folder / f"{PACKAGE}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[jupyterlab.languagepack]\n{LOCALE} = {PACKAGE}\n")
    return folder


def test_side_bar_and_page_speak_the_language_of_jupyterlab(page: Page) -> None:
    sidebar = Sidebar(page)
    expect(sidebar.rows).to_have_count(2)
    region = page.locator("#labnb-sidebar")
    for title in ("Läufe", "Datensätze"):
        expect(region.locator(".jp-AccordionPanel-title", has_text=title)).to_be_visible()
    expect(sidebar.panel.get_by_label("Läufe suchen")).to_be_visible()
    expect(sidebar.panel.get_by_text("jeder Zustand")).to_be_attached()
    expect(sidebar.status).to_have_text("2 Läufe")
    sidebar.row("forest-1").dblclick()
    view = main_area(page)
    expect(view.get_by_role("tab", name="Überblick")).to_be_visible()
    expect(view.get_by_text("beendet", exact=False).first).to_be_visible()
    expect(view.get_by_text("nur hier")).to_be_visible()
    assert page.evaluate("window.jupyterapp.commands.label('labnb:open')") == "labnb öffnen"
    # What the pack does not know stays as it is written.
    expect(view.get_by_role("tab", name="Environment")).to_be_visible()
    shot(page, "language")
