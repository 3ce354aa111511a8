"""JupyterLab in headless Chromium over a store of 100,000 runs: how soon rows are there, how smoothly they scroll, how
soon curves are drawn; what labnb adds to the start; a thousand events a second.

Times are those of the page's own clock, from the click to the first frame that shows the answer. Sizes for a quick
look: LABNB_BENCH_RUNS, LABNB_BENCH_KEYS, LABNB_BENCH_POINTS, LABNB_BENCH_SECONDS (of events).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.figure import Figure, middle
from benchmarks.front_page import READY, SCRIPT
from benchmarks.server_store import MODELS, Size, write_curves, write_folders
from labnb.runfolder.paths import LabPaths
from tests.e2e.conftest import CHROMIUM_ARGS
from tests.e2e.server import LabServer, running_lab

TURNS = 7
SECONDS = float(os.environ.get("LABNB_BENCH_SECONDS", "60"))
#: Milliseconds; a store is indexed once before anything is measured.
PATIENCE = 1_800_000


def main() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="labnb-bench-", ignore_cleanup_errors=True) as base:
        yield from measure(Path(base), Size(), SECONDS)


def measure(base: Path, size: Size, seconds: float) -> Iterator[Figure]:
    """Measure with other sizes."""
    chromium = os.environ.get("LABNB_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        try:
            yield from _start(base, browser)
            folder = base / "store"
            folder.mkdir()
            with running_lab(folder) as server:
                (server.root / "labnb.toml").write_text("")
                lab = LabPaths(server.root)
                write_folders(lab, size)
                uids = write_curves(lab, size)
                with _page(browser, server) as page:
                    _ask(page, "indexed", size.runs + size.curves, timeout=PATIENCE)
                yield from _rows(browser, server, size)
                yield from _comparison(browser, server, uids, size)
                yield from _events(browser, server, seconds)
        finally:
            browser.close()


def _start(base: Path, browser: Browser) -> Iterator[Figure]:
    """Start JupyterLab with labnb and without, in turns."""
    bare = base / "bare"
    (bare / "config").mkdir(parents=True)
    (bare / "others").mkdir()
    for extension in Path(sys.prefix, "share", "jupyter", "labextensions").iterdir():
        if extension.name != "labnb":
            (bare / "others" / extension.name).symlink_to(extension)
    config = {"LabApp": {"labextensions_path": [str(bare / "others")]}}
    (bare / "config" / "jupyter_lab_config.json").write_text(json.dumps(config))
    (base / "with").mkdir()
    times: dict[str, list[float]] = {"with": [], "bare": []}
    sizes: dict[str, float] = {}
    with running_lab(base / "with") as ours, running_lab(bare) as theirs:
        for turn in range(TURNS + 1):
            for name, server in (("with", ours), ("bare", theirs)):
                with _page(browser, server) as page:
                    took, sizes[name] = _ask(page, "started")
                if turn:  # the first start of a server reads everything from the disk
                    times[name].append(took)
    assert sizes["bare"] == 0, "labnb was to be switched off"
    yield Figure("code of labnb that JupyterLab fetches at its start", sizes["with"] / 1000, "KB", 100)
    bare_time = middle(times["bare"])
    noise = (max(times["bare"]) - min(times["bare"])) / 2
    yield Figure("start of JupyterLab", middle(times["with"]), "ms", bare_time + noise, "without labnb", bare_time)


def _rows(browser: Browser, server: LabServer, size: Size) -> Iterator[Figure]:
    title = f"{size.runs:,} runs"
    opened = []
    for _ in range(TURNS):
        with _page(browser, server) as page:
            opened.append(_ask(page, "opened"))
    yield Figure(f"{title}, first page from the opening of the side bar", middle(opened), "ms", 300)
    with _page(browser, server) as page:
        _ask(page, "opened")
        _ask(page, "keys", size.keys)
        sorts = [_ask(page, "sorted", f"metrics.m{turn:02}") for turn in range(min(TURNS, size.keys))]
        yield Figure(f"{title}, sorted by a metric, on screen", middle(sorts), "ms", 150)
        sorts = [_ask(page, "sorted", f"params.p{turn:02}") for turn in range(min(TURNS, size.keys))]
        yield Figure(f"{title}, sorted by a param, on screen", middle(sorts), "ms", 150)
        filters = [_ask(page, "searched", f"metrics.m{turn:02} > 0.9{turn}") for turn in range(min(TURNS, size.keys))]
        yield Figure(f"{title}, filtered by a metric, on screen", middle(filters), "ms", 150)
        filters = [_ask(page, "searched", f"params.model = '{model}'") for model in MODELS]
        yield Figure(f"{title}, filtered by a param, on screen", middle(filters), "ms", 150)
        _ask(page, "searched", "")
        before = _heap(page)
        frames, worst, rows = _ask(page, "scrolled", 10_000)
        yield Figure("frame while scrolling (50 a second are 20 ms)", 1000 / frames, "ms", 20)
        yield Figure("frame while scrolling, of a hundred the slowest", worst, "ms")
        yield Figure(f"memory of the page after {rows:,.0f} rows, more than before", _heap(page) - before, "MB", 30)


def _comparison(browser: Browser, server: LabServer, uids: list[str], size: Size) -> Iterator[Figure]:
    title = f"{len(uids)} runs of {size.points:,} points"
    with _page(browser, server) as page:
        first, sent = _ask(page, "compared", uids)
        yield Figure(f"{title} compared: table and curves drawn, the first time in this page", first, "ms", 1000)
        yield Figure(f"{title} compared: sent", sent / 1e6, "MB", 1.5)
        again = []
        for turn in range(1, 4):
            took, _ = _ask(page, "compared", uids[turn:] + uids[:turn])
            again.append(took)
        yield Figure(f"{title} compared: table and curves drawn, later", middle(again), "ms", 1000)
        zooms = [_zoom(page, turn) for turn in range(TURNS)]
        yield Figure(f"{title} compared: a part looked at closely", middle(zooms), "ms", 200)


def _zoom(page: Page, turn: int) -> float:
    plot = page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .jp-labnb-chart .nsewdrag").first
    box = plot.bounding_box()
    assert box is not None
    page.evaluate("void (window.zoomed = bench.zoomed())")
    left, middle_y = box["x"] + box["width"] * (0.2 + 0.05 * turn), box["y"] + box["height"] / 2
    page.mouse.move(left, middle_y)
    page.mouse.down()
    page.mouse.move(left + box["width"] / 4, middle_y + 3, steps=3)
    page.mouse.up()
    took: float = page.evaluate("window.zoomed")
    page.mouse.dblclick(left, middle_y)
    page.wait_for_timeout(1000)
    return took


def _events(browser: Browser, server: LabServer, seconds: float) -> Iterator[Figure]:
    with _page(browser, server) as page:
        _ask(page, "opened")
        late, worst, asked = _ask(page, "heard", seconds, timeout=seconds * 2000 + 60_000)
    yield Figure(f"1,000 events a second for {seconds:g} s: a timer of the page is late, 99 of 100", late, "ms", 50)
    yield Figure("at worst", worst, "ms")
    yield Figure("questions to the server meanwhile", asked / seconds, "a second", 20)


@contextmanager
def _page(browser: Browser, server: LabServer) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.add_init_script(SCRIPT)
    page.goto(server.address())
    page.wait_for_function("window.jupyterapp")
    page.evaluate(READY)
    page.wait_for_load_state("networkidle")  # what is measured is labnb, not the rest of JupyterLab's start
    try:
        yield page
    finally:
        context.close()


def _ask(page: Page, name: str, *words: Any, timeout: float = 120_000) -> Any:
    page.set_default_timeout(timeout)
    return page.evaluate("([name, words, most]) => bench[name](most, ...words)", [name, list(words), timeout])


def _heap(page: Page) -> float:
    """Give the megabytes of living objects."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return float(used) / 1e6
