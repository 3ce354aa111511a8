"""The browser is closed in mid-run, as when a laptop is shut: the kernel goes on, and so does the record."""

from __future__ import annotations

import json
import time

from playwright.sync_api import Browser, expect

from labnb.lab import open_lab
from labnb.model.run import RunStatus
from tests.e2e.notebook import Notebook
from tests.e2e.server import LabServer

CELL = """%%labrun shut
import labnb, time
for step in range(40):
    labnb.log({"loss": 1 / (step + 1)})
    print(f"step {step}")
    time.sleep(0.1)
"""


def test_the_run_ends_well_with_all_its_output(browser: Browser, lab: LabServer) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(lab.address())
    page.locator("#jp-left-stack").wait_for(state="attached")
    page.wait_for_function("window.jupyterapp")
    page.evaluate("window.jupyterapp.restored.then(() => 1)")
    notebook = Notebook.create(page)
    notebook.run("%load_ext labnb")
    cell = notebook.run(CELL, wait=False)
    expect(cell).to_contain_text("step 2")
    context.close()
    runs = [run for run in open_lab(lab.root).browse.runs().items if run.name == "shut"]
    assert [run.status for run in runs] == [RunStatus.RUNNING]
    uid, deadline = runs[0].uid, time.monotonic() + 60
    browse = open_lab(lab.root).browse
    while not (run := browse.run(uid)).status.ended:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (run.status, run.notes) == (RunStatus.FINISHED, ())
    losses = [point.value for point in browse.history(uid) if point.name == "loss"]
    assert losses == [1 / (step + 1) for step in range(40)]
    assert "step 39" in json.dumps(browse.output(uid))
    # Whoever comes back finds it.
    context = browser.new_context()
    page = context.new_page()
    page.goto(lab.address())
    page.wait_for_function("window.jupyterapp")
    page.evaluate("window.jupyterapp.restored.then(() => 1)")
    later = Notebook.create(page)
    later.run("%load_ext labnb")
    expect(later.run("%labruns shut")).to_contain_text("FINISHED")
    page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    context.close()
