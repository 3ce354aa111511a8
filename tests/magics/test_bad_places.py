"""Bad places: the cell's result is as without labnb, the card says what is missing, nothing else is damaged."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labnb.lab import Lab, open_lab
from labnb.model.run import Run, RunStatus
from labnb.runfolder.folder import unended_uids
from labnb.usecases.doctor import check_runs, fix_project
from labnb.usecases.mend_run import mend_runs
from tests.driver import Session, start

ROOT = os.geteuid() == 0
CELL = "import labnb\nlabnb.log({'loss': 0.5})\nprint('printed')\nanswer = 6 * 7\nanswer"


@dataclass
class Played:
    """A session that ended: what its cells came to, and all that it printed (cards as text)."""

    session: Session
    text: str
    results: list[str] = field(default_factory=list)


def play(folder: Path, *cells: str, wrap: tuple[str, ...] = (), log: Path | None = None, **env: str) -> Played:
    log = log or folder.parent / "log.txt"
    log.unlink(missing_ok=True)
    session = start(folder, cells, log, wrap, LABNB_PUBLISHER="0", **env)
    code = session.end()
    text = log.read_text()
    assert code == 0, text
    return Played(session, text, [item["result"] for item in session.of("cell")])


def assert_ran(played: Played) -> None:
    """The cell's result and its output are what they would be without labnb."""
    assert played.results == ["42"]
    assert "printed\n" in played.text
    assert "Traceback" not in played.text


def only(folder: Path) -> Run:
    (run,) = open_lab(folder).browse.runs().items
    return run


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "labnb.toml").touch()
    (folder / "model.py").write_text("lr = 0.5\n")
    return folder


OPENED = """\
aside=$(mktemp -d) && mount -t tmpfs tmpfs "$aside" && mkdir "$aside/upper" "$aside/work" &&
mount -t overlay -o "lowerdir=$0,upperdir=$aside/upper,workdir=$aside/work" overlay "$0" &&
chmod 755 "$0" && umount -l "$aside" && rmdir "$aside" && exec "$@"
"""


def shut_folder(path: Path) -> str:
    """The topmost folder above `path` that other users may not enter."""
    return next(str(folder) for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001)


@pytest.fixture
def nobodys() -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A folder that every user may enter (pytest shuts its own), and the command that becomes the user nobody."""
    user = pwd.getpwnam("nobody")
    become: tuple[str, ...] = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    needed = (sys.prefix, os.path.realpath(sys.executable))
    if subprocess.run([*become, "ls", *needed], capture_output=True, check=False).returncode:
        # The interpreter lies in a home that is shut, often: opened for this command alone, under a view of its own.
        become = ("unshare", "--mount", "sh", "-c", OPENED, shut_folder(Path(needed[1])), *become)
        subprocess.run([*become, "ls", *needed], capture_output=True, check=True)
    place = Path(tempfile.mkdtemp(prefix="labnb-"))
    place.chmod(0o755)
    yield place, become
    shutil.rmtree(place)


# --- no folder can be made ----------------------------------------------------------------------


def test_labnb_is_a_file(project: Path) -> None:
    (project / ".labnb").write_text("mine")
    played = play(project, f"%%labrun\n{CELL}")
    assert_ran(played)
    assert "This cell ran, but labnb could not record it." in played.text
    assert (project / ".labnb").read_text() == "mine"


@pytest.mark.skipif(not ROOT, reason="only root may mount")
def test_a_read_only_file_system(project: Path) -> None:
    before = tree(project)
    mount("--bind", str(project), str(project))
    try:
        mount("-o", "remount,ro,bind", str(project))
        played = play(project, f"%%labrun\n{CELL}")
    finally:
        subprocess.run(["umount", project], check=True)
    assert_ran(played)
    assert "could not record it" in played.text
    assert "is it writable" in played.text
    assert tree(project) == before


@pytest.mark.skipif(not ROOT or not shutil.which("setpriv"), reason="only root may become another user (setpriv)")
def test_a_folder_of_another_user(nobodys: tuple[Path, tuple[str, ...]]) -> None:
    """Nobody's session in root's project: it may read, and not write."""
    place, become = nobodys
    project, home = place / "project", place / "home"
    for folder in (project, home):
        folder.mkdir()
    (project / "labnb.toml").touch()
    shutil.chown(home, "nobody")
    before = tree(project)
    played = play(project, f"%%labrun\n{CELL}", wrap=become, HOME=str(home), IPYTHONDIR=str(home / "ipython"))
    assert_ran(played)
    assert "could not record it" in played.text
    assert "Permission denied" in played.text
    assert tree(project) == before


# --- damaged stores -----------------------------------------------------------------------------


def test_damaged_stores_and_caches(project: Path) -> None:
    """The MLflow database, the stat cache, the environment's cache and what the code store knows: all garbage."""
    (project / "data.csv").write_text("1\n2\n")
    subprocess.run(["git", "init", "-q", project], check=True)
    source = CELL.replace("answer = 6", "rows = open('data.csv').read()\nanswer = 6")
    assert_ran(play(project, f"%%labrun\n{source}"))
    paths = open_lab(project).paths
    paths.mlflow.mkdir(exist_ok=True)
    paths.database.write_bytes(b"no database" * 500)
    (paths.mlflow / "prepared").write_text("{")
    found = [path for folder in (paths.cache, paths.code) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in found if path.name == "stat.db"]
    assert [path for path in found if path.name == "index"]
    for path in found:
        path.write_bytes(os.urandom(2000))
    played = play(project, f"%%labrun second\n{source}")
    assert_ran(played)
    run = open_lab(project).browse.runs("second").items[0]
    assert (run.status, run.notes, run.metrics) == (RunStatus.FINISHED, (), {"loss": 0.5})
    assert [use.path for use in run.inputs] == ["data.csv"]
    assert run.inputs[0].digest
    assert run.code["snapshot"]
    assert paths.database.read_bytes().startswith(b"no database")


@pytest.mark.parametrize("damage", ["HEAD", "config", "objects", "index"])
def test_a_broken_repository(project: Path, damage: str) -> None:
    git = ("git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@b")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
        subprocess.run([*git, *command], check=True)
    if damage == "objects":
        for path in (project / ".git" / "objects").rglob("*"):
            if path.is_file():
                path.chmod(0o644)
                path.write_bytes(b"garbage")
    else:
        (project / ".git" / damage).write_bytes(b"\x00 garbage\n[[[")
    before = tree(project / ".git")
    played = play(project, f"%%labrun\n{CELL}")
    assert_ran(played)
    run = only(project)
    assert (run.status, run.metrics) == (RunStatus.FINISHED, {"loss": 0.5})
    if not run.code.get("snapshot"):
        assert [note for note in run.notes if "git" in note.message or "code" in note.message], run.notes
    after = tree(project / ".git")
    assert {name: content for name, content in after.items() if name in before} == before


def test_unreadable_and_broken_inputs(project: Path) -> None:
    """A file that goes while it is read, one that may not be read, and a pointer of DVC that is no YAML."""
    (project / "data.csv").write_text("1\n")
    (project / "data.csv.dvc").write_text("outs: [[[")
    (project / ".dvc").mkdir()
    (project / "gone.csv").write_text("2\n")
    source = (
        "import os\nopen('data.csv').read(); open('gone.csv').read(); os.remove('gone.csv')\n"
        "try:\n    open('/proc/1/mem', 'rb').read(1)\nexcept OSError:\n    pass\n"
    )
    played = play(project, f"%%labrun\n{source}{CELL}")
    assert_ran(played)
    run = only(project)
    assert run.status is RunStatus.FINISHED
    assert {"data.csv", "gone.csv"} >= {use.path for use in run.inputs} >= {"data.csv"}
    assert [note for note in run.notes if "data.csv.dvc" in note.message], run.notes


@pytest.mark.skipif(not ROOT or not shutil.which("setpriv"), reason="only root may become another user (setpriv)")
def test_an_input_that_may_not_be_read(nobodys: tuple[Path, tuple[str, ...]]) -> None:
    """The cell's own PermissionError is its end, the record tells it."""
    place, become = nobodys
    project = place / "theirs"
    project.mkdir()
    (project / "labnb.toml").touch()
    shutil.chown(project, "nobody")
    (project / "secret.csv").write_text("1\n")
    (project / "secret.csv").chmod(0o600)
    log = place / "log.txt"
    session = start(project, ["%%labrun\nopen('secret.csv')"], log, become, LABNB_PUBLISHER="0", HOME=str(project))
    assert session.end() == 1
    assert "PermissionError" in session.of("cell")[0]["error"]
    run = only(project)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "PermissionError"
    # The file may not be kept with the code; the note says so, and all others are.
    assert run.code.get("snapshot")


# --- a full disk --------------------------------------------------------------------------------


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


FILL = (
    "import errno, os\nfill = os.open('fill', os.O_WRONLY | os.O_CREAT)\n"
    "for size in (65536, 1):\n    try:\n        while os.write(fill, b'x' * size): pass\n"
    "    except OSError as error:\n        assert error.errno == errno.ENOSPC\nos.close(fill)\n"
)
FULL = (
    "import labnb\nlabnb.log({'loss': 0.75})\nprint('before')\n"
    + FILL
    + "for step in range(500):\n    labnb.log({'loss': 1 / (step + 1)})\n"
    + "labnb.param('lr', 0.1)\nprint('printed')\nanswer = 42\nanswer"
)


def losses(lab: Lab, run: Run) -> list[float]:
    return [point.value for point in lab.browse.history(run.uid) if point.name == "loss"]


EXPECTED = [0.75, *(1 / (step + 1) for step in range(500))]


@pytest.mark.skipif(not ROOT, reason="only root may mount")
def test_a_disk_that_fills_up_and_the_next_run(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        (disk / "labnb.toml").touch()
        after = "import os; os.remove('fill')"
        played = play(disk, f"%%labrun full\n{FULL}", after, f"%%labrun next\n{CELL}", log=tmp_path / "log.txt")
        assert played.results == ["42", "None", "42"]
        assert "Traceback" not in played.text
        assert "could not be written: No space left on device" in played.text
        lab = open_lab(disk)
        runs = {run.name: run for run in lab.browse.runs().items}
        assert {run.status for run in runs.values()} == {RunStatus.FINISHED}
        full = runs["full"]
        assert losses(lab, full) == EXPECTED
        assert full.params["lr"] == 0.1
        assert full.metrics["loss"] == EXPECTED[-1]
        assert [note.code for note in full.notes if note.code == "written_late"]
        folder = lab.browse.folder(full.uid).paths
        assert "printed" in folder.output.read_text()
        assert folder.snapshot.exists()
        assert not list(folder.folder.glob("ended.*"))
        assert not list(folder.folder.glob(".*"))
        assert unended_uids(lab.paths) == []


@pytest.mark.skipif(not ROOT, reason="only root may mount")
def test_a_disk_that_stays_full_until_the_session_is_gone(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        (disk / "labnb.toml").touch()
        played = play(disk, f"%%labrun full\n{FULL}", f"%%labrun none\n{CELL}", log=tmp_path / "log.txt")
        assert played.results == ["42", "42"]
        assert "Traceback" not in played.text
        lab = open_lab(disk)
        assert [run.status for run in lab.browse.runs().items] == [RunStatus.FINISHED]
        assert any(check.message.endswith(": " + only(disk).uid[:8] + ".") for check in check_runs(lab.paths))
        assert mend_runs(lab.paths) == []  # there is still no room; nothing is damaged by trying
        assert fix_project(lab.paths, list) == []
        (disk / "fill").unlink()
        said = fix_project(lab.paths, list)
        assert "is marked FINISHED" in said[0]
        run = only(disk)
        assert run.status is RunStatus.FINISHED
        assert [note.code for note in run.notes] == ["end_not_written"]
        assert losses(lab, run) == EXPECTED[: len(losses(lab, run))]
        assert losses(lab, run)
        assert fix_project(lab.paths, list) == []
