"""The main job, as a researcher does it: open the quickstart, run all cells, look at the cards and the runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.notebook import DONE, Notebook, shot
from tests.e2e.server import LabServer

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def project(lab: LabServer) -> Path:
    """The example in a git repository of its own, with the data set pulled as the README says."""
    folder = lab.root / "quickstart"
    shutil.copytree(
        EXAMPLES, folder, ignore=shutil.ignore_patterns(".labnb", "cache", "tmp", "wine.csv", "*.executed.*")
    )
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "the example"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "pull", "-q"], cwd=folder, check=True)
    return folder


def test_run_all_cells_of_the_quickstart(page: Page, project: Path) -> None:
    notebook = Notebook.open(page, "quickstart/quickstart.ipynb")
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => 1)")
    for index in range(notebook.cells.count()):
        expect(notebook.cells.nth(index).locator(".jp-InputPrompt")).to_have_text(DONE, timeout=120_000)
    cards = notebook.panel.locator(".jp-labnb-card")
    expect(cards).to_have_count(3)
    for index, name in enumerate(("logistic", "small-forest", "large-forest")):
        expect(cards.nth(index)).to_contain_text(name)
        expect(cards.nth(index)).to_contain_text("finished")
        expect(cards.nth(index)).to_contain_text("accuracy")
        expect(cards.nth(index)).to_contain_text("data/wine.csv")
    cards.nth(2).scroll_into_view_if_needed()
    shot(page, "quickstart")

    done = subprocess.run(
        [sys.executable, "-m", "labnb.cli.main", "-C", str(project), "runs", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    runs = json.loads(done.stdout)["items"]
    assert [run["name"] for run in runs] == ["large-forest", "small-forest", "logistic"]
    best = runs[0]
    assert best["notebook"].endswith("quickstart/quickstart.ipynb")
    assert best["cell_id"] == "run-large-forest"
    assert best["params"]["trees"] == 200
    assert best["params"]["seed"] == 7
    assert best["metrics"]["accuracy"] > 0.9
    assert len(best["inputs"]) == 1, best["inputs"]
    (wine,) = best["inputs"]
    assert wine["dataset"] == "data/wine.csv"
    assert wine["digest"] == f"md5:{wine['version']}"
    assert best["code"]["branch"] == "main"
    assert best["code"]["dirty"] is False


def test_card_while_the_cell_runs_and_after_a_reload(page: Page, notebook: Notebook) -> None:
    notebook.run("%load_ext labnb")
    cell = notebook.run("%%labrun slow\nimport time\nfor i in range(4):\n    print(i)\n    time.sleep(0.8)", wait=False)
    card = cell.locator(".jp-labnb-card")
    expect(card).to_contain_text("running")
    notebook.wait(cell)
    expect(card).to_contain_text("finished")
    expect(card).to_contain_text("3.")
    failing = notebook.run("%%labrun bad\n1 / 0")
    expect(failing.locator(".jp-labnb-card")).to_contain_text("failed")
    expect(failing).to_contain_text("ZeroDivisionError")
