"""kill -9 at random moments of runs: every run is listed with a right status, and what was logged is there."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from labnb.lab import open_lab
from labnb.model.run import Run, RunStatus
from labnb.usecases.mend_run import dead_runs, mend_runs
from tests.driver import Session, start

# Each cell logs, prints and tells the witness what it has logged, some as fast as they can, some slowly.
CELL = """%%labrun cell-{number} --param size=3
import labnb, time
did("begin", cell={number})
for step in range({steps}):
    labnb.log({{"loss": 1 / (step + 1), "step": step}})
    print(f"step {{step}} of cell {number}")
    did("step", cell={number}, step=step)
    time.sleep({pause})
did("end", cell={number})
"""


@dataclass(frozen=True)
class Trial:
    """One session that is killed: what its cells were, and when it was killed (seconds after `%load_ext`)."""

    cells: tuple[tuple[int, float], ...]
    after: float

    def sources(self) -> list[str]:
        return [
            CELL.format(number=number, steps=steps, pause=pause) for number, (steps, pause) in enumerate(self.cells)
        ]


def trials(seed: int, count: int) -> list[Trial]:
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        cells = tuple(chance.choice([(0, 0.0), (20, 0.0), (200, 0.002), (30, 0.02), (4, 0.3)]) for _ in range(4))
        # Half of them early, where the first run is being opened.
        made.append(Trial(cells, chance.random() * chance.choice([0.5, 3.0])))
    return made


def kill(folder: Path, trial: Trial) -> tuple[Session, float]:
    session = start(folder, trial.sources(), folder.parent / "log.txt", LABNB_PUBLISHER="0")
    assert session.listen(60, until="load"), (folder.parent / "log.txt").read_text()
    session.listen(trial.after)
    return session, session.kill()


def judge(folder: Path, session: Session, moment: float) -> str:
    """Compare what the witness saw with the records; gives a line that says what was found."""
    lab = open_lab(folder)
    page = lab.browse.runs(limit=None)
    assert page.broken == ()
    runs = {run.name: run for run in page.items}
    assert len(runs) == page.total
    said = []
    for told in session.of("begin"):
        run = runs.pop(f"cell-{told['cell']}")
        said.append(f"{run.name} {run.status.value.lower()}")
        steps = [item["step"] for item in session.of("step") if item["cell"] == told["cell"]]
        ended = any(item["cell"] == told["cell"] for item in session.of("end"))
        assert_right(lab.browse.folder(run.uid).paths.folder, run, steps, ended, moment, session)
    # A run whose cell had not begun to tell of itself may be there; it has nothing then.
    for run in runs.values():
        assert run.status is RunStatus.KILLED
        assert not run.metrics
        said.append(f"{run.name} killed before its cell")
    return ", ".join(said) or "no run"


def assert_right(folder: Path, run: Run, steps: list[int], ended: bool, moment: float, session: Session) -> None:
    history = [point.step for _, point in _points(folder) if point.name == "loss"]
    assert history == list(range(len(history)))
    # The witness is told after the journal: at most one more step was logged than it heard of, and none is missing.
    assert len(steps) <= len(history) <= len(steps) + 1
    if ended:
        assert run.status in (RunStatus.FINISHED, RunStatus.KILLED)
        closed = len(session.of("cell")) > int(run.name.removeprefix("cell-"))
        assert run.status is RunStatus.FINISHED or not closed
    else:
        assert run.status is RunStatus.KILLED
    if run.status is RunStatus.KILLED:
        assert [note.code for note in run.notes if note.code in ("kernel_died", "out_of_memory")], run.notes
    assert run.ended is not None
    assert run.params["size"] == 3
    printed = (folder / "output.ipynb").read_text() if (folder / "output.ipynb").exists() else ""
    early = [item for item in session.of("step") if f"cell-{item['cell']}" == run.name and item["t"] < moment - 1]
    for item in early:
        assert f"step {item['step']} of" in printed


def _points(folder: Path) -> list[tuple[int, object]]:
    from labnb.runfolder.folder import RunFolder
    from labnb.runfolder.paths import RunPaths

    return list(RunFolder(RunPaths(folder)).points())  # type: ignore[arg-type]


def try_all(folder: Path, seed: int, count: int) -> None:
    begun = time.monotonic()
    for number, trial in enumerate(trials(seed, count)):
        project = folder / f"{number}" / "project"
        project.mkdir(parents=True)
        session, moment = kill(project, trial)
        lab = open_lab(project).paths
        dead = dead_runs(lab)
        assert [run.uid for run in mend_runs(lab)] == dead
        assert dead_runs(lab) == []
        assert mend_runs(lab) == []
        print(f"seed {seed}, {number}: killed after {trial.after:.3f} s: {judge(project, session, moment)}")
    print(f"{count} kills in {time.monotonic() - begun:.0f} s")


@pytest.mark.slow
def test_a_few_kills(tmp_path: Path) -> None:
    try_all(tmp_path, seed=1, count=5)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [2, 3])
def test_a_hundred_kills(tmp_path: Path, seed: int) -> None:
    try_all(tmp_path, seed=seed, count=50)
