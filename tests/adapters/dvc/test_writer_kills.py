"""Killed at a random moment: the data are in their old or their new version, and the next command clears up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labnb.adapters.dvc import exchange
from labnb.adapters.dvc.aside import Aside
from tests.adapters.dvc.command import Place, content_of
from tests.adapters.dvc.killing import NEW, OLD, Killing

_OWNER = '{"host": "%s", "pid": 4194305, "started": "0:0"}'


@pytest.mark.timeout(300)
def test_a_few_kills(tmp_path: Path) -> None:
    killing = Killing(tmp_path, seed=3)
    for what in ("add", "checkout", "checkout", "push", "pull"):
        killing.trial(what, last=what == "pull")


def dead(aside: Aside) -> None:
    """Make a folder that of a process that is gone."""
    import socket

    Path(aside.folder, "owner").write_text(_OWNER % socket.gethostname())


@pytest.mark.parametrize("at", ["planned", "built", "exchanged", "half without exchange", "all but done"])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_every_step_of_putting_a_version_in_place(tmp_path: Path, at: str, kind: str) -> None:
    """A kill at each step that a clock seldom hits."""
    work, target = tmp_path / "work", tmp_path / "data"
    aside = Aside(str(work))
    new = Path(aside.folder, "new")
    if kind == "folder":
        for path, text in ((target, "old"), (new, "new")):
            (path / "sub").mkdir(parents=True)
            (path / "sub/x").write_text(text)
        (target / "ignored.log").write_text("log")
    else:
        target.write_text("old")
        new.write_text("new")
    moved = ("ignored.log",) if kind == "folder" else ()
    pointer, undo = tmp_path / "data.dvc", tmp_path / "undo/now/data"
    pointer.write_text("old")
    inode = new.stat()
    plan = exchange.Plan(
        str(target), str(new), True, inode.st_dev, inode.st_ino, moved, str(undo), str(pointer), "new pointer"
    )
    exchange.write_plan(aside.folder, exchange.Plan(**{**vars(plan), "inode": 0}) if at == "planned" else plan)
    if at == "exchanged":
        exchange._rename(str(new), str(target), 2)
    elif at == "half without exchange":
        os.rename(target, f"{new}.old")
    elif at == "all but done":
        exchange._rename(str(new), str(target), 2)
        exchange._put_by(str(new), str(undo))
    dead(aside)
    assert exchange.heal(str(work)) == 1
    is_new = at not in ("planned", "built")
    found = (target / "sub/x").read_text() if kind == "folder" else target.read_text()
    assert found == ("new" if is_new else "old")
    assert pointer.read_text() == ("new pointer" if is_new else "old")
    if kind == "folder" and at != "all but done":
        assert (target / "ignored.log").read_text() == "log"
    if is_new:
        assert content_of(undo)[("sub/x" if kind == "folder" else "")] == b"old"
    assert not work.exists()
    assert not list(tmp_path.rglob("*.old"))


def test_what_a_living_process_does_is_left_alone(place: Place) -> None:
    place.write("data/a", "1")
    place.writer.add(Path("data"))
    living = Aside(str(place.path / ".dvc/cache/labnb.tmp"))
    Path(living.name()).write_text("half an object")
    place.write("data/a", "2")
    place.again().add(Path("data"))
    assert len(os.listdir(living.folder)) == 2
    dead(living)
    place.write("data/a", "3")
    place.again().add(Path("data"))
    assert not Path(living.folder).exists()


def test_what_was_fetched_whole_is_not_fetched_again(place: Place, tmp_path: Path) -> None:
    place.write("data/a", b"a" * 1000)
    place.write("data/b", b"b" * 1000)
    version = place.writer.add(Path("data")).version
    place.writer.add_remote("store", str(tmp_path / "store"), default=True)
    place.writer.push([version])
    objects = sorted((place.path / ".dvc/cache/files/md5").glob("*/*"))
    half = Aside(str(place.path / ".dvc/cache/labnb.tmp"))
    whole, cut = (path for path in objects if not path.name.endswith(".dir"))
    Path(half.folder, whole.parent.name + whole.name).write_bytes(whole.read_bytes())
    Path(half.folder, cut.parent.name + cut.name).write_bytes(cut.read_bytes()[:500])
    dead(half)
    for path in objects:
        path.unlink()
    done = place.again().pull([version])
    assert (done.objects, done.already) == (2, 1)
    assert place.files("data") == {"a": b"a" * 1000, "b": b"b" * 1000}
    assert sorted((place.path / ".dvc/cache/files/md5").glob("*/*")) == objects


def test_old_and_new_differ() -> None:
    assert OLD != NEW
    assert OLD.keys() & NEW.keys()
