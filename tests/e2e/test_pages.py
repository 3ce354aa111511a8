"""The pages of the main area: a run, a comparison, a dataset, a job. By role and name, in both themes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.notebook import set_theme, shot
from tests.e2e.server import LabServer
from tests.e2e.sidebar import Sidebar, main_area, run_command
from tests.e2e.study import EVIL, Study


@pytest.fixture(scope="module")
def lab(study_lab: tuple[LabServer, Study]) -> LabServer:
    return study_lab[0]


def open_run(page: Page, name: str) -> Locator:
    side = Sidebar(page)
    side.row(name).dblclick()
    view = main_area(page)
    expect(view.get_by_role("heading", level=1)).to_have_text(name)
    return view


def tab(view: Locator, name: str) -> Locator:
    view.get_by_role("tab", name=name).click()
    return view.get_by_role("tabpanel")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_part_of_a_run(page: Page, theme: str) -> None:
    set_theme(page, theme)
    word = theme.rpartition(" ")[2].lower()
    view = open_run(page, "forest-6")
    expect(view.get_by_role("tabpanel")).to_contain_text("data/train.csv")
    shot(page, f"run-overview-{word}")
    metrics = tab(view, "Metrics")
    expect(metrics.get_by_role("img", name="Curve of loss").locator(".main-svg").first).to_be_visible(timeout=20_000)
    expect(metrics).to_contain_text("300 points")
    metrics.get_by_label("Over").select_option("relative")
    metrics.get_by_label("log y").check()
    expect(metrics).to_contain_text("300 points")
    shot(page, f"run-metrics-{word}")
    expect(tab(view, "Params").get_by_role("row", name="rate")).to_contain_text("0.35")
    expect(tab(view, "Data").get_by_role("table", name="Read")).to_contain_text("data/train.csv")
    code = tab(view, "Code")
    expect(code.get_by_role("group", name="The cell")).to_contain_text("rate = 0.1")
    expect(code.locator(".jp-labnb-code span").first).to_be_visible()
    code.get_by_label("Difference to").select_option("run")
    other = str(Sidebar(page).row("forest-2").get_attribute("data-id"))
    code.get_by_label("Id of the other run").fill(other)
    code.get_by_role("button", name="Show").click()
    expect(code.get_by_role("group", name="Difference")).to_contain_text("+print(0.35")
    shot(page, f"run-code-{word}")
    log = tab(view, "Log").get_by_role("log")
    expect(log).to_contain_text("epoch 49")
    assert log.evaluate("node => node.scrollTop + node.clientHeight >= node.scrollHeight - 8")
    outputs = tab(view, "Outputs")
    expect(outputs.get_by_role("cell", name="loss")).to_be_visible()
    assert page.evaluate("window.hurt") is None
    artifacts = tab(view, "Artifacts")
    artifacts.get_by_role("option").filter(has_text="table.csv").click()
    expect(artifacts.get_by_role("table", name="table.csv")).to_contain_text("<b>bold</b>")
    artifacts.get_by_role("option").filter(has_text="curve.png").click()
    picture = artifacts.get_by_role("img", name="figures/curve.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("node => node.naturalWidth") == 64
    shot(page, f"run-artifacts-{word}")
    with page.expect_download() as download:
        artifacts.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_a_page_comes_back_after_a_reload_and_evil_names_stay_text(page: Page, lab: LabServer) -> None:
    open_run(page, EVIL)
    shot(page, "run-evil-name")
    page.wait_for_timeout(1500)  # the layout is saved after a rest
    page.goto(lab.address().replace("&reset", ""))
    page.wait_for_function("window.jupyterapp")
    page.evaluate("window.jupyterapp.restored.then(() => 1)")
    expect(main_area(page).get_by_role("heading", level=1)).to_have_text(EVIL)
    assert page.evaluate("window.hurt") is None


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_comparison(page: Page, theme: str) -> None:
    set_theme(page, theme)
    word = theme.rpartition(" ")[2].lower()
    side = Sidebar(page)
    side.row("forest-1").click()
    side.row("forest-4").click(modifiers=["Shift"])
    side.panel.get_by_role("button", name="Compare 4").click()
    view = main_area(page)
    table = view.get_by_role("table", name="Comparison")
    expect(table.get_by_role("row", name="rate")).to_contain_text("0.25")
    expect(table).not_to_contain_text("model")
    view.get_by_label("also what is the same").check()
    expect(table).to_contain_text("model")
    shot(page, f"comparison-table-{word}")
    curves = tab(view, "Curves")
    expect(curves.get_by_role("img", name="Curve of loss").locator(".main-svg").first).to_be_visible(timeout=20_000)
    expect(curves).to_contain_text("1,200 points")
    curves.get_by_label("Smoothing").fill("0.6")
    shot(page, f"comparison-curves-{word}")
    charts = tab(view, "Charts")
    for name in ("Parallel coordinates", "Scatter", "Bars"):
        expect(charts.get_by_role("img", name=name).locator(".main-svg").first).to_be_visible(timeout=20_000)
    shot(page, f"comparison-charts-{word}")
    code = tab(view, "Code, environment, data")
    expect(code.get_by_role("group", name="forest-4").first).to_contain_text("+print(0.25)")
    images = tab(view, "Images")
    expect(images.get_by_role("img")).to_have_count(4)


def test_a_figure_is_taken_away(page: Page, lab: LabServer) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    side = Sidebar(page)
    side.row("forest-1").click()
    side.row("forest-2").click(modifiers=["Control"])
    run_command(page, "labnb:compare")
    curves = tab(main_area(page), "Curves")
    figure = curves.locator("figure").filter(has=page.get_by_role("img", name="Curve of loss"))
    expect(figure.locator(".main-svg").first).to_be_visible(timeout=20_000)
    begins = {"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b"name,x,y", "JSON": b'{"data"'}
    for kind, begin in begins.items():
        with page.expect_download() as download:
            figure.get_by_role("button", name=kind, exact=True).click()
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(begin), kind
        if kind == "CSV":
            assert len(content.splitlines()) == 1 + 2 * 300
    figure.get_by_role("button", name="Copy as cell").click()
    expect(figure.get_by_text("copied")).to_be_visible()
    cell = page.evaluate("navigator.clipboard.readText()")
    body, _, last = cell.rpartition("\n")
    script = f"{body}\nprint([len(trace.x) for trace in {last}.data], [trace.name for trace in {last}.data])"
    done = subprocess.run([sys.executable, "-c", script], cwd=lab.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[300, 300] ['forest-1', 'forest-2']"


def test_a_zoom_asks_for_what_is_looked_at(page: Page, study: Study) -> None:
    long = study.run("long", points=20_000)
    study.end(long)
    run_command(page, "labnb:open-run", uid=long.uid)
    metrics = tab(main_area(page), "Metrics")
    chart = metrics.get_by_role("img", name="Curve of loss")
    expect(chart.locator(".main-svg").first).to_be_visible(timeout=20_000)
    expect(metrics).to_contain_text("of 20,000 points")
    box = chart.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    with page.expect_request(lambda request: "/metrics?" in request.url and "start=" in request.url) as asked:
        page.mouse.move(box["x"] + box["width"] * 0.4, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, middle + 4, steps=4)
        page.mouse.up()
    answer = asked.value.response()
    assert answer is not None
    (curve,) = json.loads(answer.body())["items"]
    assert 1000 < curve["total"] < 4000
    run_command(page, "labnb:delete", uid=long.uid)


def test_curves_are_drawn_again_over_another_axis(page: Page) -> None:
    metrics = tab(open_run(page, "forest-6"), "Metrics")
    ticks, line = metrics.locator(".xtick text"), metrics.locator(".js-line").first
    expect(ticks.first).to_have_text("0")
    before = line.get_attribute("d")
    metrics.get_by_label("Over").select_option("relative")
    # The study's points were all logged 7 hours after the start.
    expect(ticks.first).to_have_text(re.compile(r"^25,2\d\d(\.\d+)? s$"))
    assert line.get_attribute("d") != before
    metrics.get_by_label("Over").select_option("step")
    expect(ticks.first).to_have_text("0")
    expect(line).to_have_attribute("d", before or "")


def test_dataset(page: Page) -> None:
    side = Sidebar(page, "labnb-datasets")
    expect(side.row("data/train.csv")).to_contain_text("runs")
    side.row("data/train.csv").dblclick()
    view = main_area(page)
    versions = view.get_by_role("list", name="Versions").get_by_role("listitem")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("more data")
    expect(versions.nth(1)).to_contain_text("used by")
    shot(page, "dataset-versions")
    versions.first.get_by_role("button", name="What changed").click()
    difference = view.get_by_role("tabpanel")
    expect(difference.get_by_role("row", name="rows")).to_contain_text("80", timeout=20_000)
    shot(page, "dataset-difference")
    expect(tab(view, "Preview").get_by_role("table")).to_contain_text("49", timeout=20_000)
    view.get_by_role("tab", name="Versions").click()
    versions.nth(1).get_by_role("button", name="Lineage").click()
    expect(view.get_by_role("button", name="forest-0")).to_be_visible(timeout=20_000)
    shot(page, "dataset-lineage")


def test_jobs(page: Page) -> None:
    expect(page.get_by_role("button", name="2 jobs")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="2 jobs").click()
    side = Sidebar(page, "labnb-jobs")
    expect(side.row("train-large")).to_contain_text("waits for a free node")
    expect(side.row("ended").get_by_role("img", name="out of time")).to_be_visible()
    side.panel.get_by_role("combobox", name="State").select_option("open")
    expect(side.rows).to_have_count(2)
    side.row("train-small").dblclick()
    view = main_area(page)
    expect(view.get_by_role("table", name="Resources").get_by_role("row", name="memory")).to_contain_text("8.0 GB")
    expect(view.get_by_role("table", name="Resources").get_by_role("row", name="memory")).to_contain_text("1.2 GB")
    expect(view.get_by_role("log")).to_contain_text("waiting for the data")
    expect(view.get_by_role("button", name="Cancel")).to_be_enabled()
    expect(view.get_by_role("button", name="Retry")).to_be_disabled()
    shot(page, "job")
