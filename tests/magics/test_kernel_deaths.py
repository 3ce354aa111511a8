"""Kernels that die in a run: the run is listed as KILLED or FAILED, with its cause and all that it logged."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labnb.lab import Lab, open_lab
from labnb.model.run import Run, RunStatus
from labnb.runfolder.folder import RunFolder, unended_uids
from labnb.runfolder.owner import Owner
from labnb.usecases.mend_run import dead_runs, mend_run, mend_runs
from tests.driver import Session, start
from tests.kernel import Kernel
from tests.memory_group import kills, memory_group
from tests.waiting import wait_until

PLOT = (
    "from IPython.display import display, HTML\n"
    "display(HTML('<b>half way</b>'))\nprint('a whole line')\nprint('67 %', end='', flush=True)\n"
)
ON_AND_ON = (
    "import labnb, time\nlabnb.param('lr', 0.5)\nlabnb.tag('stage', 'test')\n"
    + PLOT
    + "for step in range(10**6):\n    labnb.log({'loss': 1 / (step + 1)})\n"
    + "    did('step', step=step)\n    time.sleep(0.01)\n"
)


def only(lab: Lab) -> Run:
    (run,) = lab.browse.runs().items
    return run


def mended(folder: Path) -> Run:
    """The one run of a project, after it was mended."""
    lab = open_lab(folder)
    (run,) = mend_runs(lab.paths)
    assert RunFolder(lab.paths.run(run.uid)).stored()[1] is None
    assert only(lab) == run
    return run


def shown(folder: Path, run: Run) -> list[dict[str, Any]]:
    notebook = nbformat.read(open_lab(folder).paths.run(run.uid).output, as_version=4)
    nbformat.validate(notebook)
    return list(notebook.cells[0].outputs)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "model.py").write_text("lr = 0.5\n")
    return folder


def going(project: Path, source: str = ON_AND_ON, seconds: float = 2.5) -> Session:
    session = start(project, [f"%%labrun first\n{source}"], project.parent / "log.txt", LABNB_PUBLISHER="0")
    assert session.listen(60, until="step"), (project.parent / "log.txt").read_text()
    session.listen(seconds)
    return session


@pytest.mark.slow
def test_kill_9_of_a_real_kernel_and_the_next_session_mends_it(tmp_path: Path) -> None:
    with Kernel(tmp_path, LABNB_PUBLISHER="0") as kernel:
        kernel.load()
        source = ON_AND_ON.replace("did('step', step=step)", "print(step, file=open('told.txt', 'a'))")
        kernel.send(f"%%labrun first\n{source}")
        wait_until(lambda: (tmp_path / "told.txt").exists(), 30)
        time.sleep(2)
        os.kill(kernel.pid, signal.SIGKILL)
        told = len((tmp_path / "told.txt").read_text().splitlines())
        wait_until(lambda: only(kernel.lab).status is RunStatus.KILLED, 30)  # a killed process is not gone at once
        run = only(kernel.lab)
        assert told <= len(list(kernel.lab.browse.history(run.uid))) <= told + 2
    with Kernel(tmp_path, LABNB_PUBLISHER="0") as kernel:
        kernel.load()
        wait_until(lambda: not unended_uids(kernel.lab.paths), 30)
        run = only(kernel.lab)
        assert [note.code for note in run.notes] == ["kernel_died"]
        assert "process" in run.notes[0].message
        assert run.params == {"lr": 0.5}
        assert run.code["snapshot"]
        outputs = shown(tmp_path, run)
        assert outputs[0]["data"]["text/html"] == "<b>half way</b>"
        assert "".join(output["text"] for output in outputs[1:]) == "a whole line\n67 %"


def test_what_a_killed_session_logged_and_showed(project: Path) -> None:
    session = going(project)
    moment = session.kill()
    run = mended(project)
    assert (run.status, run.params, run.tags) == (RunStatus.KILLED, {"lr": 0.5}, {"stage": "test"})
    points = list(open_lab(project).browse.history(run.uid))
    steps = [item for item in session.of("step") if item["t"] < moment]
    assert len(steps) <= len([point for point in points if point.name == "loss"]) <= len(steps) + 1
    outputs = shown(project, run)
    assert outputs[-1]["text"].endswith("a whole line\n67 %")
    assert run.code["snapshot"]
    assert run.duration is not None
    assert run.duration > 1.5  # half a second before the kill at the latest


def test_an_exit_in_the_cell(project: Path) -> None:
    session = going(project, "import os, labnb\nlabnb.log({'loss': 0.5})\ndid('step')\nos._exit(3)", 0)
    assert session.end() == 3
    run = mended(project)
    assert run.status is RunStatus.KILLED
    assert run.metrics == {"loss": 0.5}


def test_a_restart_through_the_manager(tmp_path: Path) -> None:
    with Kernel(tmp_path, LABNB_PUBLISHER="0") as kernel:
        kernel.load()
        kernel.send(
            "%%labrun first\nimport labnb, time\nlabnb.log({'loss': 0.5})\nopen('told', 'w').close()\ntime.sleep(60)"
        )
        wait_until(lambda: (tmp_path / "told").exists(), 30)
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=60)
        kernel.load()
        wait_until(lambda: not unended_uids(kernel.lab.paths), 30)
        run = only(kernel.lab)
        assert (run.status, run.metrics) == (RunStatus.KILLED, {"loss": 0.5})


def test_no_memory_for_python_fails_the_cell(project: Path) -> None:
    source = (
        "import resource, labnb\nlabnb.log({'loss': 0.5})\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, -1))\nblock = bytearray(10**10)"
    )
    session = start(project, [f"%%labrun\n{source}"], project.parent / "log.txt", LABNB_PUBLISHER="0")
    assert session.end() == 1
    run = only(open_lab(project))
    assert (run.status, run.metrics) == (RunStatus.FAILED, {"loss": 0.5})
    assert run.error is not None
    assert run.error["type"] == "MemoryError"


@pytest.mark.slow
def test_linux_kills_a_kernel_that_takes_too_much_memory(tmp_path: Path) -> None:
    """For real: a control group of 600 MB, a cell that wants more, and the kernel's own killer."""
    source = (
        "import labnb, time\n"
        + PLOT
        + "time.sleep(1.5)\nfor step in range(1000):\n    labnb.log({'loss': 1 / (step + 1)})\n"
        "labnb.param('lr', 0.5)\ntaken = []\nwhile True:\n    taken.append(bytearray(b'x') * 10_000_000)"
    )
    with memory_group(600) as group, Kernel(tmp_path, LABNB_PUBLISHER="0") as kernel:
        (group / "cgroup.procs").write_text(str(kernel.pid))
        kernel.load()
        kernel.send(f"%%labrun hungry\n{source}")
        wait_until(lambda: kills(group), 90)
        wait_until(lambda: unended_uids(kernel.lab.paths) and dead_runs(kernel.lab.paths), 30)
        run = mended(tmp_path)
    assert (run.status, run.params) == (RunStatus.KILLED, {"lr": 0.5})
    assert [note.code for note in run.notes] == ["out_of_memory"]
    assert "out of memory" in run.notes[0].message
    losses = [point.value for point in open_lab(tmp_path).browse.history(run.uid) if point.name == "loss"]
    assert losses == [1 / (step + 1) for step in range(1000)]
    outputs = shown(tmp_path, run)
    assert outputs[0]["data"]["text/html"] == "<b>half way</b>"
    assert "".join(output["text"] for output in outputs[1:]) == "a whole line\n67 %"


def owned(project: Path, **fields: object) -> tuple[RunFolder, Owner]:
    """Give the folder of the one run, its owner changed."""
    lab = open_lab(project).paths
    (uid,) = unended_uids(lab)
    folder = RunFolder(lab.run(uid))
    run, owner = folder.stored()
    assert owner is not None
    changed = dataclasses.replace(owner, **fields)  # type: ignore[arg-type]
    folder.write(run, changed)
    return folder, changed


def test_whose_process_it_was(project: Path) -> None:
    """Another host, a reboot, a pid that is used again, another container, a count of kills for lack of memory."""
    session = going(project, seconds=0)
    session.kill()
    lab = open_lab(project).paths
    folder, dead = owned(project, host="another-host")
    assert dead_runs(lab) == []
    assert mend_runs(lab) == []
    assert only(open_lab(project)).status is RunStatus.RUNNING
    here = Owner.this()
    owned(project, host=here.host, pid=os.getpid(), started=here.started)
    assert dead_runs(lab) == []
    # Its pid is another process's now.
    owned(project, started=f"{here.started}0")
    assert len(dead_runs(lab)) == 1
    # In another container, whose processes are not seen from here, its last sign decides.
    owned(project, space="pid:[1]")
    assert dead_runs(lab) == []
    for path in folder.paths.folder.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert len(dead_runs(lab)) == 1
    counter = project / "memory.events"
    counter.write_text("oom 1\noom_kill 1\n")
    _, owner = owned(project, space=dead.space, oom=f"{counter}:1")
    assert not owner.memory_ran_out()
    counter.write_text("oom 2\noom_kill 2\n")
    before = folder.paths.run.read_bytes()
    run = mend_run(lab, folder.uid)
    assert run is not None
    assert run.notes[-1].code == "out_of_memory"
    assert "perhaps out of memory" in run.notes[-1].message
    folder.paths.run.write_bytes(before)
    owned(project, started="another-boot:1")
    run = mend_run(lab, folder.uid)
    assert run is not None
    assert "was restarted during the run" in run.notes[-1].message


def test_killed_while_the_record_is_completed_the_cell_has_its_own_end(project: Path) -> None:
    """The cell ended well (or badly), and the kernel died before the rest of the record was written."""
    slow = "import labnb.usecases.record_run as r, time\nr.RecordRun.finish = lambda *a: (did('step'), time.sleep(60))"
    for number, (source, status) in enumerate([("1", RunStatus.FINISHED), ("1 / 0", RunStatus.FAILED)]):
        folder = project / str(number)
        folder.mkdir()
        (folder / "labnb.toml").touch()
        session = start(folder, [slow, f"%%labrun\n{source}"], project.parent / "log.txt", LABNB_PUBLISHER="0")
        assert session.listen(60, until="step")
        session.kill()
        run = mended(folder)
        assert run.status is status
        assert run.notes[-1].code == "kernel_died"
        assert (run.error or {}).get("type") == ("ZeroDivisionError" if number else None)
