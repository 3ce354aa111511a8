"""labnb.checkpoint by itself: in a run, outside of one, and killed in the middle of saving."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.runfolder.active import ActiveRun, activate, deactivate
from labnb.runfolder.checkpoint import Checkpoint
from labnb.runfolder.job_paths import JobPaths
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import RunPaths


@pytest.fixture
def run(tmp_path: Path) -> Iterator[JobPaths]:
    paths = RunPaths(tmp_path / "run")
    paths.folder.mkdir()
    journal = Journal(paths.journal)
    activate(ActiveRun(paths, journal))
    yield JobPaths(paths.folder)
    deactivate()
    journal.close()


def test_what_is_saved_is_there_in_the_next_start(run: JobPaths) -> None:
    checkpoint = Checkpoint()
    folder = checkpoint(lambda place: (place / "a").write_text("1"))
    assert folder == checkpoint.folder == run.checkpoint
    assert not checkpoint.restored
    assert not folder.exists()
    assert checkpoint.save()
    assert (folder / "a").read_text() == "1"
    assert not checkpoint.restored, "it was saved by this start"
    later = Checkpoint()
    assert later.restored
    assert not later.save(), "nothing says how to save"
    later(lambda place: (place / "b").write_text("2"))
    later.save()
    assert sorted(path.name for path in later.folder.iterdir()) == ["b"]
    assert [path.name for path in run.home.iterdir()] == ["checkpoint"]


def test_killed_between_its_renames(run: JobPaths) -> None:
    checkpoint = Checkpoint()
    checkpoint(lambda place: (place / "a").write_text("1"))
    checkpoint.save()
    os.rename(run.checkpoint, run.checkpoint.with_name("checkpoint.old"))
    later = Checkpoint()
    assert later.restored
    assert (later.folder / "a").read_text() == "1"


def test_outside_of_a_run_it_lies_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = Checkpoint()
    checkpoint(lambda place: (place / "a").write_text("1"))
    checkpoint.save()
    assert Checkpoint().restored
    assert (tmp_path / ".labnb-checkpoint" / "a").exists()


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match=r"labnb\.checkpoint takes a function"):
        Checkpoint()("model.pt")  # type: ignore[arg-type]
