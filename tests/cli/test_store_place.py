"""Where the embedded store lies: on a local disk, or not at all; what waits is published once there is a place."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import load_text

from labnb.adapters.mlflow.embedded import identity, uri_of
from labnb.adapters.mlflow.join import MlflowJoin
from labnb.adapters.mlflow.prepare import prepare_store
from labnb.cli import sync
from labnb.cli.main import main
from labnb.lab import Lab, lab_paths, open_lab
from labnb.model.errors import StoreError, StoreMisplaced
from labnb.model.run import Run, RunStatus
from labnb.runfolder import queue
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.mounts import MOUNTS_VARIABLE
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.queue import pending, publisher_lives
from tests.adapters.mlflow.conftest import EXPERIMENT, empty_store, lab, no_user, read
from tests.cli.test_publisher import forked
from tests.driver import start
from tests.needs import need
from tests.runs import Recorded
from tests.waiting import wait_until

__all__ = ["empty_store", "lab", "no_user"]


@pytest.fixture(autouse=True)
def own_publishers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(queue, "_started", [])
    monkeypatch.setenv("LABNB_PUBLISHER_IDLE", "60")
    yield
    for _, _, process in queue._started:
        process.kill()
        process.wait()


@pytest.fixture
def nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that, as far as labnb is told, lies on NFS; nothing else does."""
    folder = tmp_path / "far" / "study"
    folder.mkdir(parents=True)
    table = tmp_path / "mountinfo"
    table.write_text(f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / {tmp_path / 'far'} rw - nfs4 lab:/far rw\n")
    monkeypatch.setenv(MOUNTS_VARIABLE, str(table))
    return folder


def setting(project: Path, *lines: str) -> LabPaths:
    (project / "labnb.toml").write_text("\n".join(lines) + "\n")
    return lab_paths(project)


# --- the setting --------------------------------------------------------------------------------


def test_each_project_has_its_own_folder_in_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCRATCH", str(tmp_path / "scratch"))
    one, other = tmp_path / "a" / "study", tmp_path / "b" / "study"
    for folder in (one, other):
        folder.mkdir(parents=True)
    assert lab_paths(one) == LabPaths(one)
    assert lab_paths(one).mlflow == one / ".labnb" / "mlflow"
    places = [setting(folder, "[store]", 'path = "$SCRATCH/labnb"') for folder in (one, other)]
    assert {paths.mlflow.parent for paths in places} == {tmp_path / "scratch" / "labnb"}
    assert places[0].mlflow != places[1].mlflow
    assert all(paths.mlflow.name.startswith("study-") for paths in places)
    assert places[0].database.parent == places[0].artifacts.parent == places[0].mlflow
    assert places[0].runs == one / ".labnb" / "runs"
    assert setting(one, "[store]", 'path = "~/labnb"').mlflow.parent == tmp_path / "home" / "labnb"
    assert setting(one, "[store]", 'path = "../labnb"').mlflow.resolve().parent == tmp_path / "a" / "labnb"


@pytest.mark.parametrize("word", ["$NO_SCRATCH", "~no-such-user"])
def test_a_variable_or_user_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.delenv("NO_SCRATCH", raising=False)
    paths = setting(tmp_path, "[store]", f'path = "{word}/labnb"')
    assert word in paths.misplaced
    with pytest.raises(StoreMisplaced, match="not known here"):
        prepare_store(paths, "e")
    assert [path.name for path in tmp_path.iterdir()] == ["labnb.toml"]


def test_a_project_of_any_name(tmp_path: Path) -> None:
    odd = tmp_path / "~the $HOME of cells"
    odd.mkdir()
    assert lab_paths(odd) == LabPaths(odd)
    paths = setting(odd, "[store]", f'path = "{tmp_path / "local"}"')
    paths.make()
    assert paths.misplaced == ""
    assert prepare_store(paths, EXPERIMENT) == uri_of(paths)
    assert MlflowClient(uri_of(paths)).search_runs(["0"]) == []


def test_an_open_lab_follows_labnb_toml(nfs: Path, tmp_path: Path) -> None:
    """Also when half of it is written: then the store is where it was last."""
    lab = Lab(nfs)
    lab.paths.make()
    assert lab.paths.misplaced
    setting(nfs, "[store]", f'path = "{tmp_path / "local"}"')
    there = lab.paths.mlflow
    assert there.parent == tmp_path / "local"
    assert not lab.paths.misplaced
    prepare_store(lab.paths, EXPERIMENT)
    assert there.stat().st_mode & 0o777 == 0o700
    setting(nfs, "[store", 'path = "')
    assert lab.paths.mlflow == there


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    paths = setting(tmp_path, "[store]", f'path = "{tmp_path / "file"}"')
    paths.make()
    with pytest.raises(StoreError, match="cannot be made") as caught:
        prepare_store(paths, "e")
    assert str(tmp_path / "file") in caught.value.hint
    assert main(["-C", str(tmp_path), "doctor"]) == 1


# --- refused, then given a place ----------------------------------------------------------------


def test_nothing_is_written_there_and_all_is_published_later(
    nfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    far = lab_paths(nfs)
    far.make()
    first = Recorded(far).log(5)
    first.artifact("model.bin", b"weights")
    first.end()
    assert os.waitstatus_to_exitcode(os.waitpid(forked(far, idle=0.3), 0)[1]) == 3
    run = open_lab(nfs).browse.run(first.uid)
    assert (run.status, run.published) == (RunStatus.FINISHED, "failing")
    assert "not used on nfs4" in run.published_why
    assert '[store] path = "/a/disk/of/this/machine"' in run.published_why
    assert pending(far) == [first.uid]
    # The commands say the same; each ends, and none makes a database.
    monkeypatch.setenv("LABNB_PUBLISHER_IDLE", "1")
    assert main(["-C", str(nfs), "sync"]) == 3
    assert "[store] path" in capsys.readouterr().err
    assert main(["-C", str(nfs), "runs"]) == 0
    assert "failing: The embedded MLflow store is not used on nfs4" in capsys.readouterr().out
    assert main(["-C", str(nfs), "doctor"]) == 1
    said = capsys.readouterr().out
    assert said.count("[store] path") == 1
    assert "1 of " in said.splitlines()[-1]
    assert not list(nfs.rglob("*.db"))
    assert not far.mlflow.exists()
    wait_until(lambda: not publisher_lives(far), 30)
    near = setting(nfs, "[store]", f'path = "{tmp_path / "local"}"')
    second = Recorded(near).log(3).end()
    # A publisher comes with the next run: the gate that was shut for the other place does not hold it up.
    pid = forked(near, idle=60)
    wait_until(lambda: not pending(near), 120)
    for recorded in (first, second):
        run = open_lab(nfs).browse.run(recorded.uid)
        assert run.published == "published"
        assert run.mlflow is not None
        assert run.mlflow.tracking_uri == uri_of(near)
        held = read(run.mlflow)
        assert held.values("loss") == [value for _, value in recorded.expected()]
    assert read(RunFolder(near.run(first.uid)).read().mlflow).artifacts["model.bin"] == b"weights"  # type: ignore[arg-type]
    assert not list(nfs.rglob("*.db"))
    os.kill(pid, 15)
    os.waitpid(pid, 0)
    assert main(["-C", str(nfs), "sync"]) == 0


def test_the_labs_store_goes_on(
    nfs: Path, tmp_path: Path, empty_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one is named, runs are published there whether the embedded one has a place or not, and nothing fails."""
    shutil.copy(empty_store / "mlflow.db", tmp_path / "labs.db")
    server = f"[tracking]\nuri = 'sqlite:///{tmp_path / 'labs.db'}'"
    # Nor is a place of that kind, if it is named.
    assert "not used on nfs4" in setting(nfs, "[store]", f'path = "{nfs.parent}"').misplaced
    far = setting(nfs, server)
    far.make()
    recorded = Recorded(far).log(5).end()
    assert os.waitstatus_to_exitcode(os.waitpid(forked(far, idle=0.0), 0)[1]) == 0
    run = open_lab(nfs).browse.run(recorded.uid)
    assert (run.published, run.published_why) == ("published", "")
    assert run.mlflow is not None
    assert run.mlflow.tracking_uri.endswith("labs.db")
    assert sync.announce_unpublished(far) == []
    assert main(["-C", str(nfs), "doctor"]) == 0
    assert "published to the server alone" in capsys.readouterr().out
    assert not list(nfs.rglob("*.db"))
    near = setting(nfs, server, "[store]", f'path = "{tmp_path / "local"}"')
    assert sync.announce_unpublished(near) == [recorded.uid]
    assert os.waitstatus_to_exitcode(os.waitpid(forked(near, idle=0.0), 0)[1]) == 0
    assert len(MlflowClient(uri_of(near)).search_runs(["0"])) == 1


def test_mlflow_calls_of_a_cell_are_told_where_they_went(nfs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = lab_paths(nfs)
    far.make()
    monkeypatch.chdir(nfs.parent.parent)
    recorded = Recorded(far)
    join = MlflowJoin(EXPERIMENT)
    join.begin(recorded.run, far)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    result = join.end(RunStatus.FINISHED)
    assert [note.code for note in result.notes] == ["store_misplaced"]
    assert "[store] path" in result.notes[0].hint
    assert not far.mlflow.exists()


# --- the store comes along ----------------------------------------------------------------------


def logged(paths: LabPaths) -> str:
    """What only the store holds: a run that somebody's code made in it."""
    client = MlflowClient(uri_of(paths))
    run = client.create_run("0")
    client.log_metric(run.info.run_id, "acc", 0.5)
    client.log_text(run.info.run_id, "of the cell", "a.txt")
    return str(run.info.run_id)


def assert_has(paths: LabPaths, run_id: str) -> None:
    client = MlflowClient(uri_of(paths))
    run = client.get_run(run_id)
    assert run.data.metrics == {"acc": 0.5}
    assert run.info.artifact_uri.startswith(paths.artifacts.as_uri())
    assert load_text(f"{run.info.artifact_uri}/a.txt") == "of the cell"


def test_it_comes_along_to_its_new_place_and_name(lab: LabPaths, tmp_path: Path) -> None:
    run_id = logged(lab)
    name = identity(lab)
    before = lab.database.read_bytes()
    moved = setting(lab.root, "[store]", f'path = "{tmp_path / "local"}"')
    prepare_store(moved, EXPERIMENT)
    assert_has(moved, run_id)
    assert identity(moved) == name
    assert lab.database.read_bytes() == before  # the last place is left as it was
    second = setting(lab.root, "[store]", f'path = "{tmp_path / "other"}"')
    more = logged(moved)
    prepare_store(second, EXPERIMENT)
    assert_has(second, more)
    # The project's folder gets another name.
    lab.root.rename(tmp_path / "renamed")
    renamed = lab_paths(tmp_path / "renamed")
    assert renamed.mlflow not in (second.mlflow, moved.mlflow)
    prepare_store(renamed, EXPERIMENT)
    for one in (run_id, more):
        assert_has(renamed, one)


def test_a_damaged_store_does_not_come_along(lab: LabPaths, tmp_path: Path) -> None:
    lab.database.write_bytes(b"no database" * 1000)
    moved = setting(lab.root, "[store]", f'path = "{tmp_path / "local"}"')
    prepare_store(moved, EXPERIMENT)
    assert MlflowClient(uri_of(moved)).search_runs(["0"]) == []
    assert [path.name for path in moved.mlflow.glob("new-*")] == []


# --- a real file system of that kind ------------------------------------------------------------


@pytest.fixture
def fuse(tmp_path: Path) -> Iterator[Path]:
    """A FUSE mount, as of SSHFS or rclone, without their network."""
    bindfs = need("bindfs")
    below, above = tmp_path / "below", tmp_path / "above"
    below.mkdir()
    above.mkdir()
    done = subprocess.run([bindfs, below, above], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"FUSE cannot be mounted here: {done.stderr.strip()}")
    try:
        yield above
    finally:
        subprocess.run(["umount", "-l", above], check=True)


CELL = """%%labrun far-{number}
import labnb, os
for worker in range(4):
    if os.fork() == 0:
        for step in range(200):
            labnb.log({{f"loss{{worker}}": 1 / (step + 1)}}, step=step)
        os._exit(0)
for _ in range(4):
    os.wait()
open("out-{number}.bin", "wb").write(b"weights")
labnb.artifact("out-{number}.bin")
print("done")
"""


@pytest.mark.slow
def test_sessions_and_publishers_on_a_real_fuse_mount(fuse: Path, tmp_path: Path) -> None:
    """Recorded by three sessions at once, whole and without a database; then published by one of three publishers."""
    project = fuse / "study"
    project.mkdir()
    (project / "labnb.toml").touch()
    log = tmp_path / "log.txt"
    sessions = [start(project, [CELL.format(number=number)], log, LABNB_PUBLISHER="0") for number in range(3)]
    assert [session.end() for session in sessions] == [0, 0, 0], log.read_text()
    far = lab_paths(project)
    assert "not used on fuse" in far.misplaced
    runs = open_lab(project).browse.runs().items
    assert sorted(run.name for run in runs) == ["far-0", "far-1", "far-2"]
    for run in runs:
        assert_whole(project, run)
    assert os.waitstatus_to_exitcode(os.waitpid(forked(far, idle=0.0), 0)[1]) in (0, 3)
    assert not [path for path in project.rglob("*.db") if path.name == "mlflow.db"]
    near = setting(project, "[store]", f'path = "{tmp_path / "local"}"')
    for run in runs:
        queue.touch(near, run.uid)
    # Locks hold between processes here: one of them does the work, and no run is there twice.
    pids = [forked(near, idle=0.2) for _ in range(3)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert codes == [0, 0, 0]
    wait_until(lambda: not pending(near), 30)
    found = MlflowClient(uri_of(near)).search_runs(["0"])
    assert sorted(run.info.run_name for run in found) == ["far-0", "far-1", "far-2"]
    for run in open_lab(project).browse.runs().items:
        assert run.published == "published"
        assert run.mlflow is not None
        held = read(run.mlflow)
        assert held.values("loss3") == [1 / (step + 1) for step in range(200)]
        assert held.artifacts[f"out-{str(run.name)[-1]}.bin"] == b"weights"


def assert_whole(project: Path, run: Run) -> None:
    assert (run.status, run.notes) == (RunStatus.FINISHED, ())
    history = list(open_lab(project).browse.history(run.uid))
    for worker in range(4):
        mine = [point.value for point in history if point.name == f"loss{worker}"]
        assert mine == [1 / (step + 1) for step in range(200)]
