"""Versions that labnb makes are DVC's own: compared with what the `dvc` command makes and accepts."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from labnb.model.errors import DataStoreError, NotFound
from tests.adapters.dvc.command import Place, dvc, everything, git


def fill(place: Place) -> None:
    place.write("images/train/0.png", b"\x00" * 10)
    place.write("images/train/a b.png", b"1")
    place.write("images/train-more/1.png", b"sorted after a folder of that name")
    place.write("images/übung.png", b"u")
    place.write("images/empty", b"")
    place.write("images/crlf.txt", b"a\r\nb\r\n")
    place.write("tool.sh", "#!/bin/sh\n").chmod(0o755)
    place.write("deep/er/iris.csv", "a,b\n1,2\n")


NAMES = ("images", "tool.sh", "deep/er/iris.csv")


@pytest.fixture(scope="module")
def by_dvc(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same data, made a DVC project and added by DVC."""
    made = Place(tmp_path_factory.mktemp("by-dvc") / "project")
    git(made.path, "init", "-q")
    dvc(made.path, "init", "-q")
    fill(made)
    dvc(made.path, "add", "-q", *NAMES)
    return made


def shape(root: Path) -> dict[str, tuple[str, object]]:
    """What git would see, and the cache with its rights."""
    found: dict[str, tuple[str, object]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith((".git/", ".labnb", ".dvc/tmp")) or path.is_dir():
            continue
        # DVC makes copies of programs that may be run by their owner alone; labnb leaves them as they are.
        rights = oct(stat.S_IMODE(path.stat().st_mode)) if name != "tool.sh" else ""
        found[name] = (rights, path.read_bytes())
    return found


def test_files_and_folders_are_added_as_dvc_adds_them(tmp_path: Path, by_dvc: Place) -> None:
    made = Place(tmp_path / "project")
    git(made.path, "init", "-q")
    fill(made)
    for name in NAMES:
        made.writer.add(Path(name))
    assert shape(made.path) == shape(by_dvc.path)
    assert git(made.path, "diff", "--cached", "--name-only") == "", "the index is the user's"
    made.accepts()


def test_without_git_and_below_its_top(tmp_path: Path) -> None:
    for name, options in (("alone", ["--no-scm"]), ("repo/below", ["--subdir"])):
        ours, theirs = Place(tmp_path / "ours" / name), Place(tmp_path / "theirs" / name)
        for made in (ours, theirs):
            if options == ["--subdir"]:
                git(made.path.parent, "init", "-q")
            fill(made)
        dvc(theirs.path, "init", "-q", *options)
        dvc(theirs.path, "add", "-q", "images")
        ours.writer.add(Path("images"))
        assert shape(ours.path) == shape(theirs.path)
        ours.accepts()


def test_a_new_version_keeps_what_people_wrote_into_the_pointer(in_git: Place) -> None:
    in_git.write("data.csv", "1\n")
    first = in_git.writer.add(Path("data.csv"))
    pointer = in_git.path / "data.csv.dvc"
    pointer.write_text(f"# ours\n{pointer.read_text()}  desc: measured in May # by Ann\nmeta:\n  room: 12\n")
    in_git.write("data.csv", "1\n2\n")
    second = in_git.writer.add(Path("data.csv"), message="two rows", tags=["v2"], author="Ann")
    text = pointer.read_text()
    assert first.version.version not in text
    assert second.version.version in text
    assert text.startswith("# ours\n")
    assert "desc: measured in May # by Ann" in text
    assert "room: 12" in text
    assert "message: two rows" in text
    in_git.accepts()
    in_git.write("data.csv", "3\n")
    third = in_git.writer.add(Path("data.csv"))
    assert third.new
    assert "two rows" not in pointer.read_text(), "the words were on another version"
    dvc(in_git.path, "add", "-q", "data.csv")
    assert third.version.version in pointer.read_text()


def test_once_added_nothing_is_read_or_written_again(place: Place) -> None:
    place.write("data/a", b"x" * 5_000_000)
    place.write("data/b", "b")
    os.utime(place.path / "data/a", (1e9, 1e9))
    time.sleep(2.1)  # a file that changed this moment is read again, as git does
    assert place.writer.add(Path("data")).new
    before = {name: state for name, state in everything(place.path).items() if "/.labnb/cache" not in name}
    started = time.perf_counter()
    again = place.again().add(Path("data"))
    took = time.perf_counter() - started
    assert not again.new
    assert again.written == ()
    assert {name: state for name, state in everything(place.path).items() if "/.labnb/cache" not in name} == before
    assert took < 0.1


def test_keep_touches_the_cache_alone(in_git: Place) -> None:
    in_git.write("data/a", "1")
    in_git.writer.add(Path("data"))
    git(in_git.path, "add", ".")
    git(in_git.path, "commit", "-qm", "data")
    in_git.write("data/a", "2")
    (in_git.path / ".dvc/tmp").mkdir(exist_ok=True)
    outside = {name: state for name, state in everything(in_git.path).items() if "/.dvc/cache" not in name}
    kept = in_git.writer.keep(Path("data"))
    now = {name: state for name, state in everything(in_git.path).items() if "/.dvc/cache" not in name}
    assert now == outside
    assert git(in_git.path, "status", "--short") == ""
    assert kept.pointer_path == str(in_git.path / "data.dvc")
    assert kept.pointer_text is not None
    (in_git.path / "data.dvc").write_text(kept.pointer_text)
    in_git.accepts()


def test_keep_imports_no_dvc(place: Place) -> None:
    import subprocess
    import sys

    place.write("data/a", "1")
    place.writer.add(Path("data"))
    script = (
        "import sys; from pathlib import Path; from labnb.adapters.dvc.writer import DvcDataWriter\n"
        f"DvcDataWriter(Path({str(place.path)!r})).keep(Path('data'))\n"
        "assert not [n for n in sys.modules if n.partition('.')[0] in ('dvc', 'dvc_data', 'dvc_objects', 'fsspec')]\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[3])


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_links_as_the_settings_want_them(place: Place, kind: str) -> None:
    dvc(place.path, "init", "-q", "--no-scm")
    dvc(place.path, "config", "cache.type", kind)
    place.write("data/a", "1")
    place.write("data/empty", "")
    first = place.writer.add(Path("data"))
    path = place.path / "data/a"
    assert path.is_symlink() if kind == "symlink" else path.stat().st_nlink == 2
    place.accepts()
    path.unlink()
    place.write("data/a", "22")
    place.writer.add(Path("data"))
    place.writer.checkout(first.version)
    assert place.files("data") == {"a": b"1", "empty": b""}
    assert path.is_symlink() if kind == "symlink" else path.stat().st_nlink == 2
    place.accepts()


def test_a_cache_elsewhere_and_a_group_s_rights(place: Place, tmp_path: Path) -> None:
    dvc(place.path, "init", "-q", "--no-scm")
    dvc(place.path, "cache", "dir", str(tmp_path / "shared"))
    dvc(place.path, "config", "cache.shared", "group")
    place.write("a.csv", "1")
    version = place.writer.add(Path("a.csv")).version.version
    made = tmp_path / "shared/files/md5" / version[:2]
    assert made.stat().st_mode & 0o7777 == 0o2775
    assert (made / version[2:]).read_bytes() == b"1"
    assert not (place.path / ".dvc/cache").exists()
    with pytest.raises(DataStoreError, match="outside the project"):
        place.writer.gc([])


def test_what_dvcignore_names_is_left_out(in_git: Place) -> None:
    dvc(in_git.path, "init", "-q")
    in_git.write(".dvcignore", "*.tmp\n!keep.tmp\n/data/raw/\nlogs/\n")
    in_git.write("data/.keepme", "x")
    for name in ("a.csv", "b.tmp", "keep.tmp", "raw/x", "deep/raw/x", "deep/logs/y", "deep/c.tmp"):
        in_git.write(f"data/{name}", name)
    ours = in_git.writer.add(Path("data")).version
    dvc(in_git.path, "add", "-q", "data")
    assert ours.version in (in_git.path / "data.dvc").read_text()
    assert ours.files == 4
    assert (in_git.path / "data/b.tmp").exists()


def test_a_monorepo_with_projects_within_projects(in_git: Place) -> None:
    dvc(in_git.path, "init", "-q")
    below = Place(in_git.path / "team/vision")
    dvc(below.path, "init", "-q", "--subdir")
    below.write("data/x.csv", "inner")
    in_git.write("data/y.csv", "outer")
    assert in_git.writer.add(Path("team/vision/data")).version.dataset == "team/vision/data"
    in_git.writer.add(Path("data"))
    assert (below.path / ".dvc/cache/files").is_dir()
    below.accepts()
    in_git.accepts()


def test_pipelines_imports_and_parts_are_answered(in_git: Place, tmp_path: Path) -> None:
    dvc(in_git.path, "init", "-q")
    source = tmp_path / "source.csv"
    source.write_text("1\n")
    dvc(in_git.path, "import-url", "-q", str(source), "imported.csv")
    in_git.write("raw/a.csv", "1\n")
    in_git.writer.add(Path("raw"))
    dvc(in_git.path, "stage", "add", "-q", "-n", "clean", "-d", "raw", "-o", "clean.csv", "cp raw/a.csv clean.csv")
    dvc(in_git.path, "repro", "-q")
    with pytest.raises(DataStoreError, match=r"output of the stage 'clean'.*dvc commit clean"):
        in_git.writer.add(Path("clean.csv"))
    with pytest.raises(DataStoreError, match=r"imported from .*source\.csv.*dvc update imported\.csv\.dvc"):
        in_git.writer.add(Path("imported.csv"))
    with pytest.raises(DataStoreError, match=r"lies in the dataset .*raw"):
        in_git.writer.add(Path("raw/a.csv"))
    with pytest.raises(DataStoreError, match=r"tracked by git.*git rm -r --cached readme\.md"):
        in_git.writer.add(Path("readme.md"))
    in_git.write("box/inner/x", "1")
    in_git.writer.add(Path("box/inner"))
    with pytest.raises(DataStoreError, match="overlapping"):
        in_git.writer.add(Path("box"))
    _kept_with_their_pointers(in_git, tmp_path / "kept")
    # A new version of what a pipeline reads: DVC runs the stage again, and only then.
    in_git.write("raw/a.csv", "2\n")
    in_git.writer.add(Path("raw"))
    assert "modified" in dvc(in_git.path, "status")
    dvc(in_git.path, "repro", "-q")
    assert (in_git.path / "clean.csv").read_text() == "2\n"
    in_git.accepts()


def _kept_with_their_pointers(place: Place, elsewhere: Path) -> None:
    """What a stage made and imports brought, changed by hand: DVC has it back from texts that only a snapshot holds."""
    dvc(place.path, "import-url", "-q", str(place.path / "raw/a.csv"), "second.csv")
    git(place.path, "add", "-A")
    git(place.path, "commit", "-qm", "all")
    before = everything(place.path)
    old = {name: (place.path / name).read_text() for name in ("clean.csv", "imported.csv", "second.csv")}
    texts: dict[str, str] = {}
    for name in old:
        place.write(name, f"changed {name}\n")
        kept = place.again().keep(Path(name), pointers=texts)
        assert kept.pointer_path is not None
        assert kept.pointer_text is not None
        texts[kept.pointer_path] = kept.pointer_text
    changed = {path for path, state in everything(place.path).items() if before.get(path) != state}
    assert not [path for path in changed if path.endswith((".dvc", ".lock", ".yaml"))]
    git(place.path.parent, "clone", "-q", str(place.path), str(elsewhere))
    for path, text in texts.items():
        (elsewhere / Path(path).relative_to(place.path)).write_text(text)
    git(elsewhere, "commit", "-qam", "as kept")
    dvc(elsewhere, "cache", "dir", "--local", str(place.path / ".dvc/cache"))
    dvc(elsewhere, "checkout", "-q")
    assert {name: (elsewhere / name).read_text() for name in old} == {name: f"changed {name}\n" for name in old}
    assert "checksum" not in dvc(elsewhere, "status")
    for name, text in old.items():
        (place.path / name).write_text(text)


def test_two_outputs_of_one_pipeline_are_kept_together(in_git: Place) -> None:
    dvc(in_git.path, "init", "-q")
    in_git.write("work/seed", "1\n")
    command = "cp seed one.csv && mkdir -p many && cp seed many/two.csv"
    dvc(
        in_git.path,
        "stage",
        "add",
        "-q",
        "-w",
        "work",
        "-n",
        "make",
        "-d",
        "seed",
        "-o",
        "one.csv",
        "-o",
        "many",
        command,
    )
    dvc(in_git.path, "repro", "-q")
    in_git.write("work/one.csv", "one, changed\n")
    in_git.write("work/many/two.csv", "two, changed\n")
    texts: dict[str, str] = {}
    for name in ("work/one.csv", "work/many"):
        kept = in_git.writer.keep(Path(name), pointers=texts)
        assert kept.pointer_path == str(in_git.path / "dvc.lock")
        texts[kept.pointer_path] = kept.pointer_text or ""
    (in_git.path / "dvc.lock").write_text(texts[str(in_git.path / "dvc.lock")])
    in_git.accepts()


def test_missing_things_are_said_to_be_missing(place: Place) -> None:
    with pytest.raises(NotFound, match=r"no file or folder .*nothing\.csv"):
        place.writer.add(Path("nothing.csv"))
    place.write("a.csv", "1")
    with pytest.raises(NotFound, match="in no DVC project"):
        place.writer.keep(Path("a.csv"))
    with pytest.raises(DataStoreError, match="outside the project"):
        place.writer.add(Path("/etc/hostname"))
