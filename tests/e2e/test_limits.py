"""More than a page can bear, and what happens while nobody looks: told calmly, and never run."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import Page, expect

from labnb.model.job import JobState
from labnb.model.run import time_text
from labnb.runfolder.job_paths import JobPaths
from tests.e2e.notebook import shot
from tests.e2e.server import LabServer
from tests.e2e.sidebar import main_area, run_command
from tests.e2e.study import EVIL, Study

LOG = 50_000_000
FILES = 10_000


@pytest.fixture(scope="module")
def lab(study_lab: tuple[LabServer, Study]) -> LabServer:
    return study_lab[0]


def test_a_log_of_50_megabytes_and_10_000_artifacts(page: Page, study: Study) -> None:
    run = study.begin("too-much")
    line = b"<b>epoch</b> " + b"x" * 87 + b"\n"
    run.folder.paths.log.write_bytes(line * (LOG // len(line)) + b"the last line\n")
    for number in range(FILES):
        run.artifact(f"part/{number:05}.txt", b"")
    run.end()
    run_command(page, "labnb:open-run", uid=run.uid)
    view = main_area(page)
    view.get_by_role("tab", name="Log").click()
    log = view.get_by_role("log")
    expect(log).to_contain_text("the last line")
    expect(log.locator("b")).to_have_count(0)
    view.get_by_role("button", name="Earlier").click()
    page.wait_for_function("node => node.textContent.length > 200000", arg=log.element_handle())
    assert log.evaluate("node => node.textContent.length") < 2_000_000
    shot(page, "log-of-50-megabytes")
    view.get_by_role("tab", name="Artifacts").click()
    expect(view.get_by_text("10,000 files")).to_be_visible()
    rows = view.get_by_role("listbox", name="Artifacts").get_by_role("option")
    assert rows.count() < 100
    view.get_by_role("searchbox", name="Search artifacts").fill("09999")
    expect(view.get_by_text("1 file", exact=True)).to_be_visible()
    expect(rows).to_contain_text(["part/09999.txt"])
    shot(page, "artifacts-10000")
    run_command(page, "application:close")
    run_command(page, "labnb:delete", uid=run.uid)


def test_the_end_of_a_job_is_told_while_nothing_of_labnb_is_open(page: Page, study: Study) -> None:
    job = study.job(EVIL, JobState.RUNNING, started=time_text(time.time()))
    expect(page.get_by_role("button", name="3 jobs")).to_be_visible()
    place = JobPaths(job.folder.paths.folder).job
    told = json.loads(place.read_text())
    ended = {"state": "FAILED", "cause": "It ran <b>out</b> of luck.", "ended": time_text(time.time())}
    place.write_text(json.dumps({**told, **ended}))
    notice = page.locator(".Toastify__toast").filter(has_text="failed. It ran <b>out</b> of luck.")
    expect(notice).to_contain_text(EVIL)
    assert page.evaluate("window.hurt") is None
    expect(page.get_by_role("button", name="2 jobs")).to_be_visible()
    shot(page, "job-ended")
    notice.get_by_role("button", name="Open job").click()
    expect(main_area(page).get_by_role("heading", level=1)).to_have_text(EVIL)
