"""What jobs left behind is taken away, and nothing that a job needs: on this machine."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

import pytest

from labnb.cli.main import main
from labnb.lab import Lab
from labnb.model.job import JobState
from labnb.model.run import RunStatus, time_text
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder
from labnb.usecases.clean_jobs import Waste
from labnb.usecases.values import load_value
from tests.magics.jobs_project import make_project
from tests.services.by_hand import Jobs

DAY = 86400.0
MONTH = 30 * DAY


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    return Jobs(make_project(tmp_path / "the lab's"))


def put_object(lab: Lab, content: bytes) -> str:
    """Write an object as a submission does; it was used last two months ago."""
    from labnb.capture.state.pickler import new_object

    lab.jobs.index.make()
    with new_object(lab.jobs.index.store.objects, 10**6) as sink:
        sink.write(content)
    name = sink.digest.hexdigest()
    age(lab.jobs.index.store.object(name))
    return name


def age(path: Path, seconds: float = 2 * MONTH) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def old(folder: JobFolder) -> None:
    """Let the job have ended two months ago."""
    when = time_text(time.time() - 2 * MONTH)
    folder.update(lambda job: dataclasses.replace(job, submitted=when, ended=when))


def paths(waste: list[Waste]) -> set[str]:
    return {one.left.path for one in waste}


def test_only_what_no_job_needs_is_taken_away(jobs: Jobs, tmp_path: Path) -> None:
    lab = jobs.lab
    (tmp_path / "the lab's" / "data.bin").write_bytes(b"x" * 100_000)
    names = {
        word: put_object(lab, word.encode()) for word in ("old", "both", "young", "waits", "nobody", "just packed")
    }
    os.utime(lab.jobs.index.store.object(names["just packed"]))
    folders = {}
    for word, own in (("old", "old"), ("young", "young"), ("waits", "waits")):
        state = {"objects": {names[own]: 1, names["both"]: 1}}
        folders[word] = jobs.write(
            "here", "x = 1\n" + "open('made.txt', 'w').write('mine')", state=state, out=("x",), files=("data.bin",)
        )
    jobs.ended(folders["old"], folders["young"])
    old(folders["old"])
    runner = lab.jobs.index.store.runner(lab.jobs.reach.runner().digest)
    for path in (runner, other := runner.with_name("runner-0123456789abcdef.pyz")):
        path.touch()
        age(path)
    waste, notes = lab.jobs.clean.look(MONTH)
    assert notes == []
    store = lab.jobs.index.store
    expected = {str(store.object(names["old"])), str(store.object(names["nobody"])), str(folders["old"].paths.folder)}
    assert paths(waste) == expected, "the runner stays while a job waits"
    assert all(store.object(name).exists() for name in names.values()), "looking takes nothing away"
    gone, notes = lab.jobs.clean.remove(waste, MONTH)
    assert (paths(gone), notes) == (expected, [])
    left = {word for word, name in names.items() if store.object(name).exists()}
    assert left == {"both", "young", "waits", "just packed"}
    work = folders["old"].paths.work
    assert [path.name for path in work.rglob("*")] == ["made.txt"], "what the cell wrote stays"
    assert load_value(folders["old"].paths, "x") == 1
    assert RunFolder(folders["old"].paths.run).read().status is RunStatus.FINISHED
    assert (folders["young"].paths.work / "data.bin").exists()
    assert paths(lab.jobs.clean.look(MONTH)[0]) == set(), "a second time there is nothing"
    # The job that waited has all that it needs; then the other runner can go, and what cells wrote where that is asked.
    assert jobs.ended(folders["waits"])[0].state is JobState.COMPLETED
    waste, _ = lab.jobs.clean.look(MONTH, outputs=True)
    assert paths(waste) == {str(other), str(folders["old"].paths.folder)}
    lab.jobs.clean.remove(waste, MONTH)
    assert not list(work.rglob("*"))
    assert runner.exists()
    assert not other.exists()


def test_what_is_used_between_looking_and_taking_stays(jobs: Jobs) -> None:
    lab = jobs.lab
    name = put_object(lab, b"wanted again")
    waste, _ = lab.jobs.clean.look(0)
    assert paths(waste) == {str(lab.jobs.index.store.object(name))}
    from labnb.capture.state.pickler import new_object

    with new_object(lab.jobs.index.store.objects, 10**6) as sink:
        sink.write(b"wanted again")
    assert lab.jobs.clean.remove(waste, 0) == ([], [])
    assert lab.jobs.index.store.object(name).read_bytes() == b"wanted again"
    assert lab.jobs.clean.look(0)[0] == [], "an hour at least, whatever is asked for"


def test_environments_rest_a_month_at_least(jobs: Jobs, tmp_path: Path) -> None:
    folder = jobs.write("here", "pass")
    run, _ = RunFolder(folder.paths.run).stored()
    digest = str(run.environment["lock"]).rpartition(":")[2][:32]
    places = {}
    for word, name in (("used", f"{digest}-{folder.request().python}"), ("old", "a" * 32), ("young", "b" * 32)):
        places[word] = tmp_path / "home" / ".labnb" / "environments" / name
        places[word].mkdir(parents=True)
        (places[word] / "pyvenv.cfg").touch()
        (places[word] / ".whole").touch()
        age(places[word] / ".whole", 5 * DAY if word == "young" else 2 * MONTH)
    waste, _ = jobs.lab.jobs.clean.look(0)
    assert paths(waste) == {str(places["old"])}
    assert paths(jobs.lab.jobs.clean.remove(waste, 0)[0]) == {str(places["old"])}
    assert [word for word, place in places.items() if place.exists()] == ["used", "young"]


def test_a_job_that_cannot_be_read_keeps_everything_shared(jobs: Jobs) -> None:
    put_object(jobs.lab, b"whose?")
    folder = jobs.write("here", "pass")
    folder.paths.request.write_text("{")
    waste, notes = jobs.lab.jobs.clean.look(0)
    assert (waste, notes) == ([], [])
    folder.paths.job.write_text("{")
    waste, notes = jobs.lab.jobs.clean.look(0)
    assert waste == []
    assert "cannot be read" in notes[0].message


def test_the_command(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lab = jobs.lab
    monkeypatch.chdir(lab.paths.root)
    assert main(["jobs", "clean"]) == 0
    assert capsys.readouterr().out == "There is nothing to take away.\n"
    store = lab.jobs.index.store
    objects = [store.object(put_object(lab, word)) for word in (b"a" * 4000, b"b" * 4000)]
    assert main(["jobs", "clean"]) == 0
    said = capsys.readouterr().out
    assert "this machine: 2 objects, 8 kB" in said
    assert "Nothing was removed: labnb jobs clean --yes does it." in said
    assert main(["jobs", "clean", "--older", "90d", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"] == []
    assert all(path.exists() for path in objects)
    assert main(["jobs", "clean", "--yes"]) == 0
    assert "8 kB are free now." in capsys.readouterr().out
    assert not any(path.exists() for path in objects)
    assert main(["jobs", "--yes"]) == 2
    assert "labnb jobs clean" in capsys.readouterr().err
    assert main(["jobs", "clean", "--older", "soon"]) == 2
    assert "--older" in capsys.readouterr().err


def test_a_host_whose_find_knows_less_is_told(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_object(jobs.lab, b"old")
    find = tmp_path / "bin" / "find"
    find.parent.mkdir()
    find.write_text("#!/bin/sh\nexit 1\n")
    find.chmod(0o755)
    monkeypatch.setenv("PATH", f"{find.parent}:{os.environ['PATH']}")
    waste, notes = jobs.lab.jobs.clean.look(0)
    assert waste == []
    assert "its find is not GNU's" in notes[0].message
