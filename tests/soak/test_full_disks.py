"""The disk fills up at random moments of runs, and is given room again at others, or not before the session is over.

The cell goes on and ends with its own result; what could be kept is kept, and the record says what is missing; with
room again, the record is consistent and can be published.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.health import State
from labnb.model.run import Run, RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.queue import touch
from labnb.testing.result_store import MemoryResultStore
from labnb.usecases.doctor import check_runs, fix_project
from labnb.usecases.publish_queue import publish_queue
from labnb.usecases.publish_run import NamedStore
from tests.driver import start
from tests.magics.test_bad_places import FILL, small_disk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")

# Fills the disk but for some bytes, in the middle of logging and printing; perhaps makes room again before the end.
CELL = """%%labrun full --param size=3
import labnb, os
def work(begin, end):
    for step in range(begin, end):
        labnb.log({{"loss": 1 / (step + 1)}}, step=step)
        if step % 7 == 0:
            print(f"step {{step}} " + "x" * {width})
work(0, {first})
{fill}
os.truncate("fill", os.path.getsize("fill") - min({room}, os.path.getsize("fill")))
work({first}, {first} + {then})
{free}
work({first} + {then}, {first} + {then} + 50)
answer = 6 * 7
answer
"""
FREE = "import os; os.remove('fill')"
NEXT = "%%labrun next\nimport labnb\nlabnb.log({'loss': 0.5})\n42"


@dataclass(frozen=True)
class Trial:
    """`room` are the bytes that stay free, `freed` says when there is room again: "cell", "next" or "after"."""

    megabytes: int
    first: int
    then: int
    width: int
    room: int
    freed: str

    @property
    def expected(self) -> list[float]:
        return [1 / (step + 1) for step in range(self.first + self.then + 50)]

    def cells(self) -> list[str]:
        cell = CELL.format(
            first=self.first, then=self.then, width=self.width, room=self.room, fill=FILL,
            free=FREE if self.freed == "cell" else "",
        )  # fmt: skip
        return [cell, *([FREE] if self.freed == "next" else []), NEXT]


def trials(seed: int, count: int) -> list[Trial]:
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        megabytes, first, then = (
            chance.randint(6, 16),
            chance.choice([0, 1, 50, 3000]),
            chance.choice([10, 500, 20_000]),
        )
        # What is printed must not fill the disk by itself.
        width = chance.choice([1, 200, 5000] if then < 20_000 else [1, 200])
        room = chance.choice([0, 1, 4095, 4096, 20_000, 300_000])
        made.append(Trial(megabytes, first, then, width, room, chance.choice(["cell", "next", "after"])))
    return made


def try_one(folder: Path, trial: Trial) -> str:
    with small_disk(folder / "disk", trial.megabytes) as disk:
        (disk / "labnb.toml").touch()
        log = folder / "log.txt"
        session = start(disk, trial.cells(), log, LABNB_PUBLISHER="0")
        assert session.end() == 0, log.read_text()[-4000:]
        assert "Traceback" not in log.read_text()
        results = [item["result"] for item in session.of("cell")]
        assert (results[0], results[-1]) == ("42", "42")
        (disk / "fill").unlink(missing_ok=True)
        lab = open_lab(disk)
        fix_project(lab.paths, list)
        assert fix_project(lab.paths, list) == []
        page = lab.browse.runs(limit=None)
        assert page.broken == ()
        runs = {run.name: run for run in page.items}
        assert {run.status for run in runs.values()} == {RunStatus.FINISHED}
        points = [point.value for point in lab.browse.history(runs["full"].uid) if point.name == "loss"]
        assert_kept(trial, runs, points)
        assert [check for check in check_runs(lab.paths) if check.state is State.FAILING] == []
        store = MemoryResultStore()
        for run in runs.values():
            touch(lab.paths, run.uid)
        while (done := publish_queue(lab.paths, [NamedStore("embedded", store)])).again is not None:
            assert done.problems == ()  # a run that takes long gives the others their turn
        assert done.problems == ()
        held = {one.uid: one for one in store.runs.values()}
        assert sorted(held) == sorted(run.uid for run in runs.values())
        assert held[runs["full"].uid].values("loss") == points
        assert held[runs["full"].uid].params["size"] == "3"
        assert not list(RunFolder(lab.paths.run(runs["full"].uid)).paths.folder.glob(".*"))
    notes = ", ".join(note.code for note in runs["full"].notes) or "nothing missing"
    return f"{len(points)} of {len(trial.expected)} points, {notes}"


def assert_kept(trial: Trial, runs: dict[str, Run], points: list[float]) -> None:
    full = runs["full"]
    assert full.params["size"] == 3
    if trial.freed == "after":
        # Nothing out of order, nothing twice; what is missing is told.
        assert points == [value for value in trial.expected if value in set(points)]
        assert points[: trial.first] == trial.expected[: trial.first]
        if points != trial.expected:
            assert full.notes
    else:
        assert points == trial.expected
        assert full.metrics["loss"] == trial.expected[-1]
        assert "next" in runs


def try_all(folder: Path, seed: int, count: int) -> None:
    begun = time.monotonic()
    for number, trial in enumerate(trials(seed, count)):
        place = folder / str(number)
        place.mkdir()
        print(f"seed {seed}, {number}: {trial}", end=": ", flush=True)
        print(try_one(place, trial))
    print(f"{count} full disks in {time.monotonic() - begun:.0f} s")


@pytest.mark.slow
def test_a_few_full_disks(tmp_path: Path) -> None:
    try_all(tmp_path, seed=1, count=3)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_fifty_full_disks(tmp_path: Path) -> None:
    try_all(tmp_path, seed=2, count=50)
