"""Versions come back byte for byte, or nothing changes at all."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from labnb.adapters.dvc import exchange
from labnb.model.dataset import DatasetVersion
from labnb.model.errors import DataStoreError, LabError, NotFound, StoreCorrupt, StoreUnreachable
from tests.adapters.dvc.command import Place, content_of, dvc, everything
from tests.adapters.dvc.conftest import Prepared


@pytest.fixture
def two(
    place: Place, prepared: Prepared[tuple[DatasetVersion, DatasetVersion]]
) -> tuple[DatasetVersion, DatasetVersion]:
    """A folder with two versions, the second one lying in the work tree."""
    return prepared(place, "two", _two)


def _two(place: Place) -> tuple[DatasetVersion, DatasetVersion]:
    for name, text in {"a.csv": "1\n", "sub/b.csv": "2\n", "sub/deep/c": "3\n", "gone": "4\n"}.items():
        place.write(f"data/{name}", text)
    first = place.writer.add(Path("data")).version
    place.write("data/a.csv", "changed\n")
    place.write("data/new", "5\n")
    (place.path / "data/gone").unlink()
    return first, place.writer.add(Path("data")).version


def one(place: Place) -> DatasetVersion:
    place.write("data/a", "1")
    return place.writer.add(Path("data")).version


FIRST = {"a.csv": b"1\n", "sub/b.csv": b"2\n", "sub/deep/c": b"3\n", "gone": b"4\n"}
SECOND = {"a.csv": b"changed\n", "sub/b.csv": b"2\n", "sub/deep/c": b"3\n", "new": b"5\n"}


def test_there_and_back(place: Place, two: tuple[DatasetVersion, DatasetVersion]) -> None:
    first, second = two
    inode = (place.path / "data/sub/b.csv").stat().st_ino
    done = place.writer.checkout(first)
    assert (done.files, done.size, done.fetched, done.undo) == (4, 8, 0, None)
    assert place.files("data") == FIRST
    assert first.version in (place.path / "data.dvc").read_text()
    assert (place.path / "data/sub/b.csv").stat().st_ino == inode, "what is as it was wanted is not written again"
    assert (place.path / "data/gone").stat().st_mode & 0o222
    place.accepts()
    place.writer.checkout(second)
    assert place.files("data") == SECOND
    assert "Data and pipelines are up to date" in dvc(place.path, "status")
    assert not (place.path / ".dvc/tmp/labnb").exists()
    assert not list(place.path.glob(".labnb/undo/*"))


def test_into_a_folder_of_the_user_s(place: Place, two: tuple[DatasetVersion, DatasetVersion], tmp_path: Path) -> None:
    before = everything(place.path / "data")
    done = place.writer.checkout(two[0], tmp_path / "out/of/it")
    assert content_of(tmp_path / "out/of/it") == FIRST
    assert (done.path, done.pointer) == (str(tmp_path / "out/of/it"), None)
    assert everything(place.path / "data") == before
    with pytest.raises(DataStoreError, match="is there already"):
        place.writer.checkout(two[1], tmp_path / "out/of/it")
    assert content_of(tmp_path / "out/of/it") == FIRST


def test_content_that_no_version_has_is_not_overwritten(
    place: Place, two: tuple[DatasetVersion, DatasetVersion]
) -> None:
    place.write("data/sub/b.csv", "mine\n")
    place.write("data/mine/too", "mine\n")
    before = everything(place.path / "data")
    with pytest.raises(DataStoreError, match=r"2 files whose content no version has: mine/too, sub/b\.csv"):
        place.writer.checkout(two[0])
    assert everything(place.path / "data") == before
    done = place.writer.checkout(two[0], force=True)
    assert place.files("data") == FIRST
    assert done.undo is not None
    assert content_of(Path(done.undo)) == {**SECOND, "sub/b.csv": b"mine\n", "mine/too": b"mine\n"}
    assert Path(done.undo).is_relative_to(place.path / ".labnb/undo")


def test_a_recorded_version_that_lies_here_alone_is_kept(
    place: Place, two: tuple[DatasetVersion, DatasetVersion], tmp_path: Path
) -> None:
    place.writer.add_remote("store", str(tmp_path / "store"), default=True)
    place.writer.push([two[0]])
    shutil.rmtree(place.path / ".dvc/cache")
    place.again().checkout(two[0])
    assert place.files("data") == FIRST
    place.again().checkout(two[1])
    assert place.files("data") == SECOND, "it went to the cache first: no remote has it"


def test_what_is_ignored_stays_in_its_place(place: Place) -> None:
    dvc(place.path, "init", "-q", "--no-scm")
    place.write(".dvcignore", "*.log\n.ipynb_checkpoints/\n")
    place.write("data/a", "1")
    first = place.writer.add(Path("data")).version
    place.write("data/a", "2")
    place.write("data/run.log", "log")
    place.write("data/.ipynb_checkpoints/x", "x")
    (place.path / "data/linked").symlink_to(place.path.parent)
    place.writer.add(Path("data"))
    place.writer.checkout(first)
    assert place.path.joinpath("data/a").read_text() == "1"
    assert place.path.joinpath("data/run.log").read_text() == "log"
    assert place.path.joinpath("data/.ipynb_checkpoints/x").read_text() == "x"
    assert place.path.joinpath("data/linked").is_symlink()


def test_a_file_a_program_and_a_change_of_kind(place: Place) -> None:
    place.write("tool", "#!/bin/sh\n").chmod(0o755)
    first = place.writer.add(Path("tool")).version
    place.write("tool", "#!/bin/bash\n")
    place.writer.add(Path("tool"))
    place.writer.checkout(first)
    assert place.files("tool") == {"": b"#!/bin/sh\n"}
    assert os.access(place.path / "tool", os.X_OK)
    assert "isexec: true" in (place.path / "tool.dvc").read_text()
    (place.path / "tool").unlink()
    place.write("tool/part", "x")
    folder = place.writer.add(Path("tool")).version
    assert folder.version.endswith(".dir")
    place.writer.checkout(first)
    assert place.files("tool") == {"": b"#!/bin/sh\n"}
    place.writer.checkout(folder)
    assert place.files("tool") == {"part": b"x"}
    place.accepts()


def test_data_that_are_not_there_come_back(place: Place, two: tuple[DatasetVersion, DatasetVersion]) -> None:
    shutil.rmtree(place.path / "data")
    place.writer.checkout(two[1])
    assert place.files("data") == SECOND
    (place.path / "data.dvc").unlink()
    done = place.again().checkout(two[0])
    assert place.files("data") == FIRST
    assert "No pointer records data" in done.note


def test_the_output_of_a_pipeline_and_its_lock_file(place: Place) -> None:
    dvc(place.path, "init", "-q", "--no-scm")
    place.write("raw", "1")
    dvc(place.path, "stage", "add", "-q", "-n", "copy", "-d", "raw", "-o", "made", "cp raw made")
    dvc(place.path, "repro", "-q")
    first = place.writer.keep(Path("made"))
    place.write("raw", "2")
    dvc(place.path, "repro", "-q")
    lock = (place.path / "dvc.lock").read_text()
    done = place.writer.checkout(DatasetVersion("made", first.version))
    assert place.files("made") == {"": b"1"}
    assert "the stage 'copy'" in done.note
    assert (place.path / "dvc.lock").read_text() == lock


def _with_a_thousand(place: Place) -> DatasetVersion:
    place.write("data/a", "1")
    place.write("data/b", "2" * 1000)
    first = place.writer.add(Path("data")).version
    place.write("data/b", "3")
    place.writer.add(Path("data"))
    return first


@pytest.mark.parametrize("links", ["copy", "hardlink", "symlink"])
@pytest.mark.parametrize("kind", ["content", "listing"])
def test_a_damaged_object_is_not_restored(
    place: Place, prepared: Prepared[DatasetVersion], kind: str, links: str
) -> None:
    first = prepared(place, "damaged", _with_a_thousand)
    config = place.path / ".dvc/config"
    config.write_text(f"{config.read_text()}[cache]\n    type = {links}\n")
    objects = place.path / ".dvc/cache/files/md5"
    damaged = objects / first.version[:2] / first.version[2:]
    if kind == "content":
        damaged = next(path for path in objects.glob("*/*") if path.stat().st_size == 1000)
    damaged.chmod(0o644)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + b"}" if kind == "listing" else b"x" + content[1:])
    damaged.chmod(0o444)
    before = everything(place.path / "data")
    with pytest.raises(StoreCorrupt, match=f"{damaged}"):
        place.again().checkout(first)
    assert everything(place.path / "data") == before
    assert not (place.path / ".dvc/tmp/labnb").exists()


LEADS_AWAY = ["../../etc/x", "/etc/x", "a/../../x", "a//b", "", ".", "a\0b"]


@pytest.mark.parametrize("name", LEADS_AWAY)
def test_a_listing_that_leads_away_is_refused(place: Place, prepared: Prepared[object], name: str) -> None:
    import hashlib

    prepared(place, "one", one)
    md5 = hashlib.md5(b"1").hexdigest()
    content = json.dumps([{"md5": md5, "relpath": name}, {"md5": md5, "relpath": "fine"}]).encode()
    digest = hashlib.md5(content).hexdigest()
    place.write(f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}.dir", content)
    before = everything(place.path.parent)
    with pytest.raises(StoreCorrupt, match="outside the dataset"):
        place.writer.checkout(DatasetVersion("data", f"{digest}.dir"))
    after = everything(place.path.parent)
    assert {key: after[key] for key in before if "/.labnb" not in key and "/.dvc" not in key} == {
        key: state for key, state in before.items() if "/.labnb" not in key and "/.dvc" not in key
    }


@pytest.mark.parametrize("version", ["../../x", "0" * 31, "0" * 32 + ".dir/../x", "", "g" * 32])
def test_a_version_that_is_no_digest(place: Place, prepared: Prepared[object], version: str) -> None:
    prepared(place, "one", one)
    with pytest.raises(StoreCorrupt, match="is no version"):
        place.writer.checkout(DatasetVersion("data", version))


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "nowhere/../../outside", "linked/x"])
def test_a_dataset_that_lies_elsewhere(place: Place, prepared: Prepared[DatasetVersion], name: str) -> None:
    version = prepared(place, "one", one)
    (place.path / "linked").symlink_to(place.path.parent)
    with pytest.raises(NotFound, match="There is no dataset"):
        place.writer.checkout(DatasetVersion(name, version.version))
    assert not (place.path.parent / "outside").exists()


def test_what_is_missing_is_said_with_where_it_could_come_from(
    place: Place, two: tuple[DatasetVersion, DatasetVersion], tmp_path: Path
) -> None:
    for digest in place.path.glob(".dvc/cache/files/md5/*/*"):
        if digest.read_bytes() == b"4\n":
            digest.unlink()
    before = everything(place.path / "data")

    def fails(kind: type[LabError], words: str) -> None:
        with pytest.raises(kind, match=words):
            place.again().checkout(two[0])
        assert everything(place.path / "data") == before
        assert not (place.path / ".dvc/tmp/labnb").exists()
        assert not (place.path / ".dvc/cache/labnb.tmp").exists()

    fails(NotFound, r"data@.*1 of its files .*not in the cache.*no remote.*labnb data remote add")
    place.writer.add_remote("store", str(tmp_path / "store"), default=True)
    fails(StoreUnreachable, r"1 of its files is not in the cache.*Remote 'store' is the folder .*, which is not there")
    (tmp_path / "store").mkdir()
    fails(NotFound, r"1 of its files .*Remote 'store' .*does not have 1 object")
    place.again().add_remote("away", "ssh://127.0.0.1:1/data")
    with pytest.raises(StoreUnreachable, match=r"1 of its files .*away.*Nothing was restored"):
        place.again().checkout(two[0], remote="away")
    with pytest.raises(NotFound, match=r"no remote 'stoer'.*Did you mean store"):
        place.again().checkout(two[0], remote="stoer")
    assert everything(place.path / "data") == before


def test_where_the_system_knows_no_exchange(
    place: Place, two: tuple[DatasetVersion, DatasetVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange.ctypes, "CDLL", lambda *args, **kwargs: object())
    place.writer.checkout(two[0])
    assert place.files("data") == FIRST
    shutil.rmtree(place.path / "data")
    place.writer.checkout(two[1])
    assert place.files("data") == SECOND


def test_a_change_meanwhile_is_noticed(
    place: Place, two: tuple[DatasetVersion, DatasetVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    from labnb.adapters.dvc import checkout

    build = checkout._build

    def slow(*args: object, **kwargs: object) -> int:
        size = build(*args, **kwargs)  # type: ignore[arg-type]
        time.sleep(0.01)
        place.write("data/a.csv", "typed meanwhile\n")
        return size

    monkeypatch.setattr(checkout, "_build", slow)
    with pytest.raises(DataStoreError, match=r"changes while it is restored: a\.csv"):
        place.writer.checkout(two[0])
    assert place.files("data") == {**SECOND, "a.csv": b"typed meanwhile\n"}
