"""The section Runs: found, sorted, chosen by mouse and keyboard, changed and taken back; live, calm when it fails."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Page, expect

from labnb.model.run import RunStatus
from tests.e2e.console import Console
from tests.e2e.notebook import set_theme, shot
from tests.e2e.server import LabServer
from tests.e2e.sidebar import Sidebar, main_area, run_command
from tests.e2e.study import EVIL, RTL, Study


@pytest.fixture(scope="module")
def lab(study_lab: tuple[LabServer, Study]) -> LabServer:
    return study_lab[0]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_runs_are_listed_and_readable_when_narrow(page: Page, theme: str) -> None:
    set_theme(page, theme)
    side = Sidebar(page)
    expect(side.row("forest-0")).to_be_visible()
    expect(side.row("forest-0").get_by_role("img", name="finished")).to_be_visible()
    expect(side.row("diverged").get_by_role("img", name="failed")).to_be_visible()
    expect(side.row("diverged")).to_contain_text("ValueError: loss is NaN")
    assert EVIL in side.names()
    assert RTL in side.names()
    assert page.evaluate("window.hurt") is None
    width = page.locator("#labnb-sidebar").evaluate("node => node.offsetWidth")
    assert width <= 260
    assert side.panel.evaluate("node => node.scrollWidth <= node.clientWidth")
    for control in side.panel.locator(".jp-labnb-filters :is(input, select, button)").all():
        box = control.bounding_box()
        assert box is not None
        assert box["width"] > 15
    loss = side.row("forest-0").locator(".jp-labnb-fact").first
    assert loss.evaluate(
        "node => node.getBoundingClientRect().right <= node.parentElement.getBoundingClientRect().right"
    )
    shot(page, f"runs-{theme.rpartition(' ')[2].lower()}")


def test_search_filter_and_sort(page: Page, console: Console) -> None:
    console.expect_refusals("400")
    side = Sidebar(page)
    expect(side.row("forest-0")).to_be_visible()
    side.search("forest-3")
    expect(side.status).to_have_text("1 run")
    side.search("params.rate > 0.12 and params.rate < 0.22")
    expect(side.status).to_have_text("2 runs")
    side.search("metrics.loss >")
    expect(side.panel.get_by_role("alert")).to_contain_text("metrics.loss >")
    side.search("")
    expect(side.panel.get_by_role("alert")).to_have_count(0)
    side.panel.get_by_role("combobox", name="Status").select_option("FAILED")
    expect(side.status).to_have_text("1 run")
    side.search("no such thing")
    expect(side.panel).to_contain_text("No run fits.")
    side.panel.get_by_role("button", name="Show all runs").click()
    side.search("forest-")
    expect(side.status).to_have_text("8 runs")
    side.panel.get_by_role("combobox", name="Sort by").select_option("params.rate")
    expect(side.rows.first).to_contain_text("forest-7")
    expect(side.rows.first.locator(".jp-labnb-fact").first).to_have_text("rate 0.4")
    side.panel.get_by_role("button", name="Largest or newest first").click()
    expect(side.rows.first).to_contain_text("forest-0")
    assert side.names() == [f"forest-{number}" for number in range(8)]
    page.wait_for_load_state("networkidle")  # choices are settings: what was chosen so far is written
    with kept(page):
        side.panel.get_by_role("combobox", name="Sort by").select_option("started")
    with kept(page):
        side.panel.get_by_role("button", name="Smallest or oldest first").click()


def kept(page: Page) -> AbstractContextManager[object]:
    """Wait until what is chosen in the panel is written as a setting."""
    return page.expect_response(lambda told: "/api/settings/labnb" in told.url and told.request.method == "PUT")


def test_keyboard_alone(page: Page) -> None:
    side = Sidebar(page)
    expect(side.row("forest-0")).to_be_visible()
    side.search("forest-")
    expect(side.status).to_have_text("8 runs")
    page.wait_for_load_state("networkidle")  # the launcher takes the focus once it stands
    box = side.panel.get_by_role("listbox", name="Runs")
    box.focus()
    for key in ("Home", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(side.status).to_have_text("3 of 8 runs")
    page.keyboard.press("Control+End")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("-7$"))
    page.keyboard.press("Space")
    expect(side.status).to_have_text("4 of 8 runs")
    active = box.get_attribute("aria-activedescendant")
    assert active
    expect(page.locator(f"[id='{active}']")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menuitem", name="Compare runs")).to_be_visible()
    page.keyboard.press("Escape")
    box.focus()
    page.keyboard.press("Home")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    row = page.locator(f"[id='{box.get_attribute('aria-activedescendant')}']")
    expect(row).to_have_attribute("aria-posinset", "1")
    first = re.search(r"forest-\d", row.inner_text())  # in whichever order they stand
    assert first is not None
    page.keyboard.press("Enter")
    expect(main_area(page).get_by_role("heading", name=first[0], level=1)).to_be_visible()


def test_tag_note_archive_delete_and_undo(page: Page, console: Console) -> None:
    console.expect_refusals("404")
    side = Sidebar(page)
    expect(side.row("forest-5")).to_be_visible()
    side.search("forest-")
    expect(side.status).to_have_text("8 runs")
    side.menu("forest-5", "Tag…")
    page.get_by_role("dialog").get_by_role("textbox").fill(f"stage={EVIL}")
    page.keyboard.press("Enter")
    side.menu("forest-5", "Note…")
    page.get_by_role("dialog").get_by_role("textbox").fill("first line\n<b>second</b>")
    page.get_by_role("button", name="Keep").click()
    run_command(page, "labnb:open-run", uid=str(side.row("forest-5").get_attribute("data-id")))
    view = main_area(page)
    expect(view).to_contain_text("<b>second</b>")
    expect(view).to_contain_text(EVIL)
    side.menu("forest-5", "Archive")
    expect(side.status).to_have_text("7 runs")
    page.get_by_role("button", name="Undo").click()
    expect(side.status).to_have_text("8 runs")
    side.menu("forest-5", "Delete")
    expect(side.status).to_have_text("7 runs")
    expect(view.get_by_role("alert")).to_contain_text("This run was deleted")
    shot(page, "run-deleted-while-open")
    page.get_by_role("button", name="Undo").last.click()
    expect(side.status).to_have_text("8 runs")
    expect(view.get_by_role("alert")).to_have_count(0)


def test_columns_are_chosen_and_kept(page: Page) -> None:
    side = Sidebar(page)
    expect(side.row("forest-0")).to_be_visible()
    side.panel.get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("model").check()
    with kept(page):
        dialog.get_by_role("button", name="Show these").click()
    expect(side.row("forest-0").locator(".jp-labnb-fact")).to_have_text(["model forest"])
    page.reload()
    page.wait_for_function("window.jupyterapp")
    page.evaluate("window.jupyterapp.restored.then(() => 1)")
    side = Sidebar(page)
    expect(side.row("forest-0").locator(".jp-labnb-fact")).to_have_text(["model forest"])
    side.panel.get_by_role("button", name="Columns").click()
    page.get_by_role("dialog").get_by_label("model").uncheck()
    with kept(page):
        page.get_by_role("button", name="Show these").click()
    expect(side.row("forest-0").locator(".jp-labnb-fact").first).to_contain_text("loss")


def test_a_run_stands_there_while_it_goes_on(page: Page, study: Study) -> None:
    side = Sidebar(page)
    expect(side.row("forest-0")).to_be_visible()
    run = study.begin("just-now")
    expect(side.row("just-now").get_by_role("img", name="running")).to_be_visible(timeout=10_000)
    run_command(page, "labnb:open-run", uid=run.uid)
    view = main_area(page)
    view.get_by_role("tab", name="Metrics").click()
    expect(view).to_contain_text("No metrics")
    run.log(50)
    expect(view.get_by_role("img", name="Curve of loss")).to_be_visible(timeout=15_000)
    run.end(RunStatus.FINISHED, metrics={"loss": 0.5})
    expect(side.row("just-now").get_by_role("img", name="finished")).to_be_visible(timeout=10_000)
    expect(view).to_contain_text("finished")
    side.menu("just-now", "Delete")
    expect(side.row("just-now")).to_have_count(0)


def test_a_server_that_does_not_answer_is_told_calmly(page: Page, console: Console) -> None:
    console.expect_refusals("net::ERR_FAILED")
    side = Sidebar(page)
    expect(side.row("forest-0")).to_be_visible()
    page.route("**/labnb/api/**", lambda route: route.abort())
    side.search("forest-1")
    alert = side.panel.get_by_role("alert")
    expect(alert).to_contain_text("The Jupyter server does not answer.")
    expect(side.row("forest-0")).to_be_visible()
    shot(page, "server-away")
    page.unroute("**/labnb/api/**")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(side.status).to_have_text("1 run")


def test_an_unknown_run_says_so(page: Page, console: Console) -> None:
    console.expect_refusals("404")
    run_command(page, "labnb:open-run", uid="0" * 32)
    expect(main_area(page).get_by_role("alert")).to_contain_text("There is no run")
