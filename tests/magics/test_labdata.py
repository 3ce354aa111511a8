"""Data in a real kernel: inputs as versions, changed data kept, `--save`, other versions, `%labdata`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.adapters.dvc.writer import DvcDataWriter
from labnb.model.run import Run
from tests.adapters.dvc.command import content_of, dvc, environment, everything, git
from tests.kernel import Kernel
from tests.waiting import wait_until


def make(folder: Path) -> None:
    """A repository with two committed versions of a file, and a folder."""
    git(folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text(".labnb/\n")
    (folder / "data").mkdir()
    for number, tag in enumerate(("v1", "v2"), 1):
        (folder / "data/train.csv").write_text("a,b\n" + "1,2\n" * number)
        DvcDataWriter(folder).add(folder / "data/train.csv")
        if number == 1:
            (folder / "images").mkdir()
            for image in range(100):
                (folder / f"images/{image}.txt").write_text(f"image {image}")
            DvcDataWriter(folder).add(folder / "images")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", f"data {number}")
        git(folder, "tag", tag)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("study")
    make(folder)
    kept = {name: value for name, value in environment(folder).items() if name.startswith("DVC_")}
    with Kernel(folder, **kept) as kernel:
        kernel.load()
        yield kernel


@pytest.fixture(autouse=True)
def as_recorded(kernel: Kernel) -> Iterator[None]:
    """Each test may change the data; afterwards they are as they were."""
    yield
    folder = kernel.folder
    (folder / "data/train.csv").write_text("a,b\n1,2\n1,2\n")
    (folder / "images/7.txt").write_text("image 7")


def used(run: Run) -> dict[str, str | None]:
    return {use.dataset or use.path: use.version for use in run.inputs}


def version(kernel: Kernel, spec: str) -> str:
    return kernel.lab.data.log.find(spec).version


def codes(run: Run) -> list[str]:
    return [note.code for note in run.notes]


def look_of_git(folder: Path) -> str:
    """What the researcher sees of the repository."""
    words = (
        ["status", "--porcelain"],
        ["rev-parse", "HEAD"],
        ["stash", "list"],
        ["for-each-ref", "refs/heads", "refs/tags"],
    )
    return "".join(git(folder, *line) for line in words)


def test_inputs_are_versions_also_of_a_part_of_a_folder(kernel: Kernel) -> None:
    _, run = kernel.recorded(
        "a = open('data/train.csv').read()\nb = [open(f'images/{n}.txt').read() for n in range(60)]"
    )
    assert used(run) == {"data/train.csv": version(kernel, "data/train.csv"), "images": version(kernel, "images")}
    assert run.notes == ()


def test_changed_data_are_kept_and_nothing_of_the_researcher_is_touched(kernel: Kernel) -> None:
    folder = kernel.folder
    before = look_of_git(folder)
    (folder / "data/train.csv").write_text("a,b\n9,9\n")
    (folder / "images/7.txt").write_text("another")
    pointers = {path: path.read_bytes() for path in (folder / "data/train.csv.dvc", folder / "images.dvc")}
    reply, run = kernel.recorded("a = open('data/train.csv').read()\nb = open('images/7.txt').read()")
    assert codes(run) == ["data_kept", "data_kept"]
    assert "kept as data/train.csv@" in reply.card["text/plain"]  # type: ignore[index]
    kept = used(run)
    assert None not in kept.values()
    assert kept["data/train.csv"] != version(kernel, "data/train.csv@v2")
    assert look_of_git(folder) == before
    assert {path: path.read_bytes() for path in pointers} == pointers
    # The hidden snapshot has the pointer, and DVC brings the content back from it.
    shown = git(folder, "show", f"refs/labnb/{run.uid}:data/train.csv.dvc")
    assert str(kept["data/train.csv"]) in shown
    assert run.code["snapshot"] == git(folder, "rev-parse", f"refs/labnb/{run.uid}").strip()
    (folder / "data/train.csv").write_text("something else again\n")
    other = folder.parent / "elsewhere"
    dvc(folder, "get", "-q", str(folder), "data/train.csv", "--rev", f"refs/labnb/{run.uid}", "-o", str(other))
    assert other.read_text() == "a,b\n9,9\n"
    log = kernel.run("%labdata log data/train.csv").result
    assert log is not None
    assert "kept by a run" in log


def test_settings_hold_from_the_next_cell_on(kernel: Kernel) -> None:
    folder = kernel.folder
    for setting, code in (
        ('policy = "record"', ["data_recorded"]),
        ('policy = "of"', ["config", "data_recorded"]),
        ('policy = "off"', []),
        ("max_version_mb = 0", ["data_recorded"]),
        ("", ["data_kept"]),
    ):
        (folder / "labnb.toml").write_text(f"[data]\n{setting}\n")
        (folder / "data/train.csv").write_text(f"a,b\n{setting}\n")
        _, run = kernel.recorded("a = open('data/train.csv').read()")
        assert codes(run) == code, setting
        assert list(used(run)) == ["data/train.csv"]
        assert (used(run)["data/train.csv"] is not None) == (code == ["data_kept"])
        assert run.inputs[0].digest
        if code[:1] == ["config"]:
            assert "cannot be 'of'. The settings that were there before hold." in run.notes[0].message
            assert "off" in run.notes[0].hint
    (folder / "labnb.toml").unlink()


def test_saved_data_are_a_version_made_by_the_run(kernel: Kernel) -> None:
    folder = kernel.folder
    _, run = kernel.recorded(
        "import os\nos.makedirs('out', exist_ok=True)\nrows = open('data/train.csv').read()\n"
        "open('out/clean.csv', 'w').write(rows.upper())\nopen('data/own.csv', 'w').write('x')",
        "clean --save data/clean.csv=out/clean.csv --save data/own.csv --save data/none.csv=nowhere.csv",
    )
    wrote = {use.dataset: use.version for use in run.outputs if use.dataset}
    assert wrote == {name: version(kernel, name) for name in ("data/clean.csv", "data/own.csv")}
    assert codes(run) == ["save"]
    assert "nowhere.csv was not saved" in run.notes[0].message
    (entry,) = kernel.lab.data.log.log("data/clean.csv")
    assert entry.made_by == (run.uid,)
    assert run.uid[:8] in entry.message
    assert "up to date" in dvc(folder, "status", "data/clean.csv.dvc")
    _, after = kernel.recorded("y = open('data/clean.csv').read()")
    graph = kernel.lab.data.trace.trace("data/clean.csv")
    assert [node.kind for node in graph.nodes.values()].count("run") == 2
    assert after.uid in graph.nodes
    text = kernel.run("%labdata lineage data/clean.csv").result
    assert text is not None
    assert f"made by run {run.uid[:8]} clean" in text
    assert "from data/train.csv@" in text


def test_a_cell_that_fails_saves_nothing(kernel: Kernel) -> None:
    _, run = kernel.recorded("open('data/half.csv', 'w').write('1')\n1 / 0", "--save data/half.csv")
    assert codes(run) == ["save"]
    assert not (kernel.folder / "data/half.csv.dvc").exists()


def test_changes_that_no_version_has_are_not_overwritten(kernel: Kernel) -> None:
    (kernel.folder / "data/train.csv").write_text("mine")
    _, run = kernel.recorded("open('other.csv', 'w').write('theirs')", "--save data/train.csv=other.csv")
    assert "holds changes that no version has" in run.notes[0].message
    assert (kernel.folder / "data/train.csv").read_text() == "mine"


def test_other_versions_are_inputs_of_their_own_version(kernel: Kernel) -> None:
    reply, run = kernel.recorded(
        "import labnb\nprint(len(labnb.open('data/train.csv', rev='v1').read()))\n"
        "folder = labnb.path('images', rev='v1')\nprint(len(list(folder.iterdir())))"
    )
    assert reply.stdout.split() == ["8", "100"]
    assert used(run) == {"data/train.csv": version(kernel, "data/train.csv@v1"), "images": version(kernel, "images@v1")}
    assert run.outputs == ()
    # A cell that is no run asks, and a run works with what it got.
    kernel.run("import labnb\nold = labnb.path('data/train.csv', rev='v1')\nrows = len(old.read_text())")
    _, later = kernel.recorded("print(rows)")
    assert used(later) == {"data/train.csv": version(kernel, "data/train.csv@v1")}
    _, reads = kernel.recorded("print(len(open(old).read()))")
    assert set(used(reads).values()) == {version(kernel, "data/train.csv@v1")}


def test_wrong_words_name_the_right_ones(kernel: Kernel) -> None:
    for line, said in (
        ("%labdata log data/trian.csv", "Did you mean data/train.csv"),
        ("%labdata preview data/train.csv@v3", "There are: "),
        ("%labdata lgo", "invalid choice"),
        ("%labdata", "required"),
        ("%labdata log 'x", "Close the quotes"),
        ("import labnb; labnb.path('data/train.csv', rev='v9')", "has no version 'v9'"),
        ("import labnb; labnb.open('data/train.csv', 'w')", "cannot open with mode"),
        ("import labnb; labnb.open('images', rev='v1')", "is a folder"),
    ):
        reply = kernel.run(line)
        shown = reply.stderr + str(reply.error)
        assert reply.status == "error", line
        assert said in shown, line


def test_the_magic_shows_tables(kernel: Kernel) -> None:
    reply = kernel.run("%labdata list")
    data = next(output["data"] for output in reply.outputs if output["output_type"] == "execute_result")
    assert "<table>" in data["text/html"]
    assert "images/" in data["text/plain"]
    preview = kernel.run("%labdata preview data/train.csv@v1").result
    assert preview is not None
    assert "rows 1" in preview
    assert kernel.run("%labdata log --help").stdout.startswith("usage: %labdata log")


def test_large_changed_data_are_kept_beside_the_next_cells(kernel: Kernel) -> None:
    folder = kernel.folder
    (folder / "many").mkdir()
    for number in range(600):
        (folder / f"many/{number}.txt").write_text(str(number))
    DvcDataWriter(folder).add(folder / "many")
    (folder / "many/5.txt").write_text("five")
    reply, run = kernel.recorded("x = [open(f'many/{n}.txt').read() for n in range(300)]")
    assert "being kept beside the work" in reply.card["text/plain"] or "was kept as" in reply.card["text/plain"]  # type: ignore[index]
    # It is there when the next cells have run; they see nothing of it.
    _, other = kernel.recorded(
        "import threading\n[t.join(30) for t in threading.enumerate() if t.name == 'labnb-keep']"
    )
    assert other.inputs == ()
    assert other.outputs == ()
    run = kernel.lab.browse.run(run.uid)
    assert codes(run) == ["data_kept"]
    assert used(run)["many"] != version(kernel, "many")
    listing = kernel.lab.data.catalog.content("many", str(used(run)["many"]))
    assert listing is not None
    assert len(listing.files) == 600
    pointer = subprocess.run(
        ["git", "show", f"refs/labnb/{run.uid}:many.dvc"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    assert str(used(run)["many"]) in pointer


def test_what_a_dead_kernel_was_keeping_is_kept_by_the_next_session(kernel: Kernel) -> None:
    folder = kernel.folder
    (folder / "heap").mkdir()
    for number in range(600):
        (folder / f"heap/{number}.txt").write_text(str(number))
    DvcDataWriter(folder).add(folder / "heap")
    (folder / "heap/5.txt").write_text("five")
    with Kernel(folder) as other:
        other.load()
        other.run(
            "import os\nfrom labnb.usecases.keep_data import KeepData\nrest = KeepData.keep_these\n"
            "KeepData.keep_these = lambda self, names, *a: os.kill(os.getpid(), 9) if names else rest(self, names, *a)"
        )
        other.send("%%labrun -q\nx = [open(f'heap/{n}.txt').read() for n in range(300)]")
        wait_until(lambda: not other.manager.is_alive(), 30)
    (run,) = (run for run in kernel.lab.browse.runs(limit=None).items if "heap" in used(run))
    assert codes(run) == ["data_keeping"]
    assert "the next session of the project goes on with it" in run.notes[0].hint
    assert used(run) == {"heap": None}
    kernel.run("%reload_ext labnb")
    wait_until(lambda: not list((folder / ".labnb/keeping").glob("*")), 30)
    run = kernel.lab.browse.run(run.uid)
    assert codes(run) == ["data_kept"]
    shown = git(folder, "show", f"refs/labnb/{run.uid}:heap.dvc")
    assert str(used(run)["heap"]) in shown


def test_a_version_of_a_run_comes_back_when_everything_here_has_changed(kernel: Kernel, tmp_path: Path) -> None:
    """Recorded by a run alone, pushed; then the work tree changes, and the cache is emptied."""
    folder, store = kernel.folder, tmp_path / "store"
    (folder / "images/7.txt").write_bytes(bytes(range(256)) * 40)
    as_it_was = content_of(folder / "images")
    _, run = kernel.recorded("x = open('images/7.txt', 'rb').read()")
    name = f"images@{used(run)['images'][:8]}"  # type: ignore[index]
    for line in (f"remote add far {store} --default", f"push {name}"):
        assert kernel.run(f"%labdata {line}").status == "ok", line
    shutil.rmtree(folder / ".dvc/cache")
    for file in (folder / "images").iterdir():
        file.write_text("another")
    (folder / "images/new.txt").write_text("new")
    changed = everything(folder / "images")
    store.rename(tmp_path / "away")
    reply = kernel.run(f"%labdata checkout {name} --force")
    assert reply.status == "error"
    assert re.search(r"the list of its files is not in the cache.*Remote 'far' is the folder .*not there", reply.stderr)
    assert everything(folder / "images") == changed
    (tmp_path / "away").rename(store)
    assert kernel.run(f"%labdata checkout {name} --to {tmp_path / 'back'}").status == "ok"
    assert content_of(tmp_path / "back") == as_it_was
    assert everything(folder / "images") == changed
    done = kernel.run(f"%labdata checkout {name} --force")
    assert done.status == "ok", done.stderr
    assert content_of(folder / "images") == as_it_was
    # DVC takes what labnb wrote: the pointer in the work tree, the cache, the remote.
    assert "up to date" in dvc(folder, "status", "images.dvc")
    dvc(folder, "push", "-q", "images.dvc")
    shutil.rmtree(folder / "images")
    dvc(folder, "checkout", "-q", "images.dvc")
    assert content_of(folder / "images") == as_it_was
    git(folder, "checkout", "-q", "images.dvc")
