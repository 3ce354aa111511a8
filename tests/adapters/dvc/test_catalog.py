"""The catalog against projects made by DVC and git: datasets, their state, versions, content, stages."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from labnb.adapters.dvc.catalog import DvcCatalog
from labnb.lab import open_lab
from labnb.model.dataset import Dataset, FileUse
from labnb.model.errors import DataStoreError, StoreCorrupt
from tests.adapters.dvc.command import Place, dvc, git


def catalog(place: Place) -> DvcCatalog:
    found = open_lab(place.path).data.catalog
    assert isinstance(found, DvcCatalog)
    return found


def states(place: Place) -> dict[str, str]:
    found = catalog(place)
    return {item.name: found.with_state(item).state.value for item in found.datasets()}


def named(place: Place) -> dict[str, Dataset]:
    return {item.name: item for item in catalog(place).datasets()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A repository with datasets, a pipeline, imports, and a second DVC project in a folder of it."""
    above = tmp_path_factory.mktemp("catalog")
    source = Place(above / "source")
    git(source.path, "init", "-q", "-b", "main")
    dvc(source.path, "init", "-q")
    source.write("cells.csv", "cell\n1\n")
    dvc(source.path, "add", "-q", "cells.csv")
    git(source.path, "add", "-A")
    git(source.path, "commit", "-qm", "cells")
    place = Place(above / "project")
    git(place.path, "init", "-q", "-b", "main")
    dvc(place.path, "init", "-q")
    place.write("data/train.csv", "a,b\n1,2\n")
    for number in range(4):
        place.write(f"images/{number}.txt", str(number))
    dvc(place.path, "add", "-q", "data/train.csv", "images")
    for pointer in ("data/train.csv.dvc", "images.dvc"):
        # What DVC writes in the same second, in the same length, git may take for the same once another has its index.
        os.utime(place.path / pointer, (1_000_000_000, 1_000_000_000))
    git(place.path, "add", "-A")
    git(place.path, "commit", "-qm", "first data")
    git(place.path, "tag", "v1")
    place.write("data/train.csv", "a,b\n1,2\n3,4\n")
    (place.path / "images/2.txt").unlink()
    place.write("images/new.txt", "new")
    dvc(place.path, "add", "-q", "data/train.csv", "images")
    place.write(
        "dvc.yaml",
        "stages:\n  clean:\n    cmd: cp data/train.csv data/clean.csv\n    deps: [data/train.csv]\n"
        "    outs: [data/clean.csv]\n  later:\n    cmd: cp data/clean.csv data/end.csv\n"
        "    deps: [data/clean.csv]\n    outs: [data/end.csv]\n",
    )
    dvc(place.path, "repro", "-q", "clean")
    dvc(place.path, "import", "-q", str(source.path), "cells.csv", "-o", "data/cells.csv")
    place.write("outside.txt", "from a folder")
    dvc(place.path, "import-url", "-q", str(place.path / "outside.txt"), "data/copied.txt")
    (place.path / "sub").mkdir()
    dvc(place.path / "sub", "init", "-q", "--subdir")
    place.write("sub/deep.csv", "x\n")
    dvc(place.path / "sub", "add", "-q", "deep.csv")
    git(place.path, "add", "-A")
    git(place.path, "commit", "-qm", "more rows")
    git(place.path, "tag", "-a", "v2", "-m", "second")
    return place


@pytest.fixture
def project(made: Place, tmp_path: Path) -> Place:
    """A copy that a test may change."""
    shutil.copytree(made.path, tmp_path / "project", symlinks=True)
    return Place(tmp_path / "project")


def test_all_datasets_with_where_they_come_from(project: Place) -> None:
    found = named(project)
    assert list(found) == [
        "data/cells.csv", "data/clean.csv", "data/copied.txt", "data/end.csv", "data/train.csv", "images",
        "sub/deep.csv",
    ]  # fmt: skip
    assert (found["data/train.csv"].origin, found["data/train.csv"].pointer) == ("added", "data/train.csv.dvc")
    assert (found["data/clean.csv"].origin, found["data/clean.csv"].source) == ("stage", "clean")
    assert found["data/end.csv"].version is None
    assert found["data/cells.csv"].origin == "import"
    assert "source cells.csv at " in found["data/cells.csv"].source
    assert found["data/copied.txt"].origin == "import-url"
    assert "outside.txt" in found["data/copied.txt"].source
    assert (found["images"].folder, found["images"].files, found["images"].size) == (True, 4, 6)
    assert found["sub/deep.csv"].pointer == "sub/deep.csv.dvc"


def test_states_are_those_that_dvc_sees(project: Place) -> None:
    assert set(states(project).values()) == {"unchanged", "unknown"}
    project.write("data/train.csv", "changed")
    (project.path / "images/0.txt").unlink()
    shutil.rmtree(project.path / "sub/.dvc/cache")
    (project.path / "data/clean.csv").unlink()
    found = states(project)
    assert found["data/train.csv"] == "changed"
    assert found["images"] == "changed"
    assert found["sub/deep.csv"] == "not in cache"
    assert found["data/clean.csv"] == "missing"
    told = json.loads(dvc(project.path, "data", "status", "--json"))
    changed = {*told["uncommitted"]["modified"], *told["uncommitted"]["deleted"]}
    assert changed == {"data/train.csv", "data/clean.csv", "images/"}


def test_a_change_of_the_same_size_and_time_is_seen(project: Place) -> None:
    assert states(project)["data/train.csv"] == "unchanged"
    path = project.path / "data/train.csv"
    before = path.stat()
    path.write_text("a,b\n1,2\n3,5\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert states(project)["data/train.csv"] == "changed"


def test_versions_from_the_history_with_tags(project: Place) -> None:
    found = catalog(project).versions("data/train.csv")
    assert [(item.tags, item.author, item.message, item.size, item.current) for item in found] == [
        (("v2",), "Ann", "more rows", 12, True),
        (("v1",), "Ann", "first data", 8, False),
    ]
    assert all(len(item.revisions) == 1 for item in found)
    assert [item.files for item in catalog(project).versions("images")] == [4, 4]
    (clean,) = catalog(project).versions("data/clean.csv")
    assert clean.tags == ("v2",)
    (deep,) = catalog(project).versions("sub/deep.csv")
    assert deep.message == "more rows"


def test_a_version_that_nobody_committed(project: Place) -> None:
    project.write("data/train.csv", "not committed")
    project.writer.add(project.path / "data/train.csv", message="cleaned by hand", tags=["v3"], author="Bob")
    newest = catalog(project).versions("data/train.csv")[0]
    assert (newest.recorded, newest.message, newest.tags, newest.author) == ("add", "cleaned by hand", ("v3",), "Bob")
    assert newest.current
    # Another `dvc add` leaves the words where they are: they are not this version's.
    project.write("data/train.csv", "once more")
    dvc(project.path, "add", "-q", "data/train.csv")
    newest, before, *_ = catalog(project).versions("data/train.csv")
    assert (newest.message, newest.tags) == ("", ())
    assert (before.message, before.tags) == ("cleaned by hand", ("v3",))


def test_a_dataset_that_was_removed_keeps_its_history(project: Place) -> None:
    dvc(project.path, "remove", "-q", "images.dvc")
    assert "images" not in named(project)
    assert [item.tags for item in catalog(project).versions("images")] == [("v2",), ("v1",)]


def test_revisions(project: Place) -> None:
    found = catalog(project)
    new, old = (item.version for item in found.versions("images"))
    assert found.at_revision("images", "v1") == (old, True)
    assert found.at_revision("images", "main") == (new, True)
    assert found.at_revision("images", "HEAD~1") == (old, True)
    assert found.at_revision("data/clean.csv", "v1") == (None, True)
    for odd in ("nope", "--all", "v1:data", "", "v1 v2"):
        assert found.at_revision("images", odd) == (None, False)
    assert set(found.revisions()) == {"v1", "v2", "main"}


def test_content_of_old_versions(project: Place) -> None:
    found = catalog(project)
    _, old = found.versions("images")
    content = found.content("images", old.version)
    assert content is not None
    assert sorted(content.files) == ["0.txt", "1.txt", "2.txt", "3.txt"]
    place = found.locate("images", content.files["2.txt"], "2.txt")
    assert place is not None
    assert place.read_text() == "2"
    shutil.rmtree(project.path / ".dvc/cache")
    assert found.content("images", old.version) is None
    assert found.locate("images", content.files["2.txt"], "2.txt") is None
    here = found.locate("images", content.files["1.txt"], "1.txt")
    assert here == project.path / "images/1.txt"


def test_without_git(tmp_path: Path) -> None:
    place = Place(tmp_path / "project")
    dvc(place.path, "init", "-q", "--no-scm")
    for round_ in range(3):
        place.write("x.csv", f"{round_}\n")
        place.writer.add(place.path / "x.csv", message=f"round {round_}")
    found = catalog(place).versions("x.csv")
    assert [item.message for item in found] == ["round 2", "round 1", "round 0"]
    assert [item.current for item in found] == [True, False, False]
    assert states(place) == {"x.csv": "unchanged"}


def test_a_project_inside_a_dvc_project(project: Place) -> None:
    project.write("study/labnb.toml", "")
    project.write("study/own.csv", "1\n")
    dvc(project.path, "add", "-q", "study/own.csv")
    found = named(Place(project.path / "study"))
    assert found["own.csv"].pointer == "own.csv.dvc"
    assert "../data/train.csv" in found
    versions = catalog(Place(project.path / "study")).versions("../data/train.csv")
    assert [item.tags for item in versions] == [("v2",), ("v1",)]


def test_stages_are_steps(project: Place) -> None:
    (step,) = catalog(project).stages()
    assert step.node.label == "clean"
    assert [use.dataset for use in step.inputs] == ["data/train.csv"]
    assert [use.dataset for use in step.outputs] == ["data/clean.csv"]


def test_what_belongs_to_a_version(project: Place) -> None:
    found = catalog(project)
    _, old = found.versions("images")
    content = found.content("images", old.version)
    assert content is not None
    two = content.files["2.txt"]
    assert found.belongs(FileUse("images/2.txt", f"md5:{two}", 1), "images", old.version)
    assert not found.belongs(FileUse("images/1.txt", f"md5:{two}", 1), "images", old.version)
    assert found.belongs(FileUse("images/", f"md5:{old.version}", 4, 4), "images", old.version)
    assert not found.belongs(FileUse("images/2.txt", None, 1), "images", old.version)


def test_pointers_that_lead_astray(project: Place) -> None:
    pointer = "outs:\n- md5: {}\n  hash: md5\n  path: {}\n"
    project.write("out.dvc", pointer.format("1" * 32, "../../etc/passwd"))
    project.write("strange.dvc", pointer.format("../../../../etc/passwd", "strange"))
    assert not {"../etc/passwd", "strange"} & set(named(project))
    evil = [{"md5": "2" * 32, "relpath": "../../secret"}]
    place = project.path / ".dvc/cache/files/md5" / "33"
    place.mkdir(parents=True, exist_ok=True)
    (place / ("3" * 30 + ".dir")).write_text(json.dumps(evil))
    with pytest.raises(StoreCorrupt, match="outside the dataset"):
        catalog(project).content("images", "3" * 32 + ".dir")
    project.write("broken.dvc", "outs: {")
    with pytest.raises(DataStoreError, match=r"broken\.dvc"):
        catalog(project).datasets()


def test_links_that_go_in_circles(project: Place) -> None:
    (project.path / "loop").symlink_to(project.path)
    (project.path / "images/loop").symlink_to(project.path / "images")
    (project.path / "images/gone").symlink_to("nowhere")
    assert states(project)["images"] == "unchanged"


def test_dvc_is_not_imported(project: Place) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom labnb.lab import open_lab\nfound = open_lab().data.catalog\n"
        "[found.with_state(item) for item in found.datasets()]\nfound.versions('images')\n"
        "sys.exit(sum(name.partition('.')[0] in ('dvc', 'dvc_data', 'pandas', 'mlflow') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=project.path, check=False).returncode == 0
