"""A store that breaks while somebody looks at it: made again where it can be, told calmly where it cannot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from labnb.runfolder.paths import LabPaths
from tests.e2e.console import Console
from tests.e2e.notebook import shot
from tests.e2e.server import LabServer, running_lab
from tests.e2e.sidebar import Sidebar, main_area, run_command
from tests.e2e.study import Study


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with running_lab(tmp_path_factory.mktemp("broken")) as server:
        (server.root / "labnb.toml").write_text("")
        yield server


@pytest.fixture
def study(lab: LabServer) -> Study:
    """The project, with three more runs."""
    study = Study(lab.root)
    for number in range(3):
        study.end(study.run(f"forest-{number}"))
    return study


def runs_of(study: Study) -> int:
    return sum(1 for folder in study.lab.runs.iterdir() if folder.is_dir())


def test_a_damaged_index_is_made_again_while_the_panel_is_open(page: Page, study: Study, console: Console) -> None:
    console.expect_refusals("50[03]")
    sidebar = Sidebar(page)
    expect(sidebar.rows).to_have_count(runs_of(study))
    (index,) = LabPaths(study.root).cache.glob("runs-*.sqlite")
    index.write_bytes(b"no database at all" * 1000)
    sidebar.search("metrics.loss < 100")
    study.end(study.run("after-the-damage"))
    expect(sidebar.row("after-the-damage")).to_be_visible()
    expect(sidebar.rows).to_have_count(runs_of(study))
    expect(sidebar.panel.get_by_role("alert")).to_have_count(0)
    sidebar.row("after-the-damage").dblclick()
    expect(main_area(page).get_by_role("heading", level=1)).to_have_text("after-the-damage")
    shot(page, "damaged-index")


def test_a_damaged_run_says_so_on_its_page_and_hides_no_other(page: Page, study: Study, console: Console) -> None:
    console.expect_refusals("500")
    bad = study.end(study.run("damaged"))
    sidebar = Sidebar(page)
    expect(sidebar.row("damaged")).to_be_visible()
    whole = bad.folder.paths.run.read_text()
    bad.folder.paths.run.write_text("{ half")
    run_command(page, "labnb:open-run", uid=bad.uid)
    alert = main_area(page).get_by_role("alert")
    expect(alert).to_contain_text("run.json cannot be read")
    expect(alert).to_contain_text("The other files of its folder may still hold what was logged")
    expect(sidebar.row("forest-0")).to_be_visible()
    shot(page, "damaged-run")
    bad.folder.paths.run.write_text(whole)
    alert.get_by_role("button", name="Try again").click()
    expect(main_area(page).get_by_role("heading", level=1)).to_have_text("damaged")


def test_a_folder_of_runs_that_is_none_for_a_while(page: Page, study: Study, console: Console) -> None:
    console.expect_refusals("404")
    sidebar = Sidebar(page)
    expect(sidebar.rows).to_have_count(runs_of(study))
    there, runs = runs_of(study), study.lab.runs
    runs.rename(runs.with_name("away"))
    runs.write_text("no folder")
    sidebar.row("forest-0").dblclick()
    expect(main_area(page).get_by_role("alert")).to_contain_text("There is no run")
    shot(page, "no-folder-of-runs")
    runs.unlink()
    runs.with_name("away").rename(runs)
    main_area(page).get_by_role("button", name="Try again").click()
    expect(main_area(page).get_by_role("heading", level=1)).to_have_text("forest-0")
    study.end(study.run("after-the-return"))
    expect(sidebar.row("after-the-return")).to_be_visible()
    expect(sidebar.rows).to_have_count(there + 1)
    expect(sidebar.panel.get_by_role("alert")).to_have_count(0)
