"""`labnb doctor`: every line is ok or says what to do, and `--fix` mends without taking anything away."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labnb.adapters.dvc.health import dvc_projects
from labnb.adapters.git.health import git_facts
from labnb.adapters.machine import jupyter_facts, limit_facts, place_facts, python_facts
from labnb.adapters.mlflow.health import store_facts
from labnb.cli.main import main
from labnb.lab import open_lab
from labnb.model.health import (
    DvcProject,
    Facts,
    GitFacts,
    JupyterFacts,
    LimitFacts,
    Package,
    PlaceFacts,
    PythonFacts,
    Remote,
    ServerFacts,
    State,
    StoreFacts,
    TargetFacts,
)
from labnb.model.run import RunStatus, time_text
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.gate import Gate
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published, StoreState
from labnb.runfolder.queue import hold_lock, queue_state
from labnb.usecases.doctor import check_facts, check_runs, fix_project
from tests.adapters.mlflow.conftest import empty_store, lab, no_user
from tests.runs import Recorded

__all__ = ["empty_store", "lab", "no_user"]
ROOT = Path(__file__).parents[2]

HEALTHY = Facts(
    python=PythonFacts("3.11.7", ">=3.10", True, "/usr/bin/python", (Package("ipython", ">=8", "9.0", True),)),
    jupyter=JupyterFacts(True, "/etc/labnb.json", "/share/labnb", "0.1.0", None, "0.1.0"),
    git=GitFacts("2.39.5", "/p/.git", "12345678abc", True),
    dvc_version="3.67",
    dvc=(DvcProject("/p", (Remote("store", "s3://lab", None),)),),
    store=StoreFacts(True, 1_000_000, "", "abc", "abc"),
    place=PlaceFacts("folder", "", 100 * 10**9, 200 * 10**9, "ext4", "/", 0.0),
    limits=LimitFacts(100_000, 128),
    settings="",
    settings_hint="",
    settings_files=("/p/labnb.toml",),
)


def changed(part: str, **fields: object) -> Facts:
    return dataclasses.replace(HEALTHY, **{part: dataclasses.replace(getattr(HEALTHY, part), **fields)})


def place(**fields: object) -> PlaceFacts:
    return dataclasses.replace(HEALTHY.place, **fields)


def with_remote(**fields: object) -> Facts:
    remote = dataclasses.replace(Remote("store", "ssh://lab/data", True), **fields)
    return dataclasses.replace(HEALTHY, dvc=(DvcProject("/p", (remote,)),))


def with_server(**fields: str) -> Facts:
    return dataclasses.replace(HEALTHY, servers=(ServerFacts("https://lab.example", **fields),))


def test_a_healthy_machine_has_nothing_to_say() -> None:
    full = dataclasses.replace(
        with_server(version="3.14.0", client="3.14.1"),
        store_place=place(),
        targets=(TargetFacts("gpu", "slurm", "ssh://login"),),
        data_remote="store",
    )
    checks = check_facts(full)
    assert {"store place", "tracking server", "target"} < {check.check for check in checks}
    assert {check.state for check in checks} == {State.OK}
    assert not any(check.hint for check in checks)


@pytest.mark.parametrize(
    ("facts", "check", "state", "said"),
    [
        (changed("python", fits=False, version="3.9.1"), "python", "failing", "needs >=3.10"),
        (changed("python", packages=(Package("mlflow", ">=3.6", "2.1", False),)), "packages", "failing", "mlflow>=3.6"),
        (changed("python", packages=(Package("dvc", ">=3", None, False),)), "packages", "failing", "not installed"),
        (changed("jupyter", server=None, server_file=None), "server extension", "failing", "extension enable labnb"),
        (changed("jupyter", server=False), "server extension", "failing", "/etc/labnb.json disables"),
        (changed("jupyter", labextension=None), "labextension", "failing", "pip install labnb"),
        (changed("jupyter", disabled_by="/x.json"), "labextension", "failing", "/x.json disables"),
        (changed("jupyter", labextension_version="0.0.9"), "labextension", "warning", "0.0.9"),
        (changed("git", version=None), "git", "failing", "not on PATH"),
        (changed("git", problem="fatal: dubious ownership"), "repository", "failing", "safe.directory /p"),
        (changed("git", problem="fatal: bad object HEAD"), "repository", "failing", "git fsck"),
        (changed("git", ignores=False), "ignored", "warning", ".gitignore"),
        (dataclasses.replace(HEALTHY, dvc_version=None), "dvc", "failing", "pip install"),
        (dataclasses.replace(HEALTHY, dvc=(DvcProject("/p", problem="It is odd."),)), "dvc project", "failing", "odd"),
        (dataclasses.replace(HEALTHY, dvc=(DvcProject("/p"),)), "dvc project", "warning", "dvc remote add"),
        (
            dataclasses.replace(HEALTHY, dvc=(DvcProject("/p", (Remote("nas", "/mnt/nas", False),)),)),
            "dvc remote",
            "failing",
            "mounted",
        ),
        (dataclasses.replace(HEALTHY, settings="Bad.", settings_hint="Good."), "labnb.toml", "failing", "Good."),
        (changed("place", home="file"), ".labnb", "failing", "there is a file"),
        (changed("place", problem="Permission denied"), ".labnb", "failing", "Permission denied"),
        (changed("place", closed=("mlflow/mlflow.db",)), ".labnb", "failing", "chown"),
        (changed("place", free=10**8 * 5), "disk", "warning", "0.5 GB"),
        (changed("place", free=9 * 10**9), "disk", "warning", "little room"),
        (changed("place", free=0), "disk", "failing", "labnb doctor --fix"),
        (changed("store", misplaced="Not used: nfs4."), "store", "failing", "[store] path"),
        (
            dataclasses.replace(changed("store", misplaced="Not used: nfs4."), servers=(ServerFacts("https://lab"),)),
            "store",
            "warning",
            "to the server alone",
        ),
        (
            dataclasses.replace(HEALTHY, store_place=place(problem="Read-only")),
            "store place",
            "failing",
            "[store] path",
        ),
        (dataclasses.replace(HEALTHY, store_place=place(free=0)), "store disk", "failing", "full"),
        (with_remote(missing="dvc-s3"), "dvc remote", "failing", "pip install dvc-s3"),
        (with_remote(reachable=False), "dvc remote", "failing", "VPN"),
        (with_remote(writable=False), "dvc remote", "warning", "dvc push"),
        (dataclasses.replace(HEALTHY, data_remote="tape"), "data remote", "failing", "There are: store."),
        (with_server(problem="It does not answer."), "tracking server", "failing", "labnb sync"),
        (with_server(version="2.22.0", client="3.14.0"), "tracking server", "warning", "update the server"),
        (
            dataclasses.replace(HEALTHY, targets=(TargetFacts("gpu", "slrum", "", "No slrum.", "Mean slurm?"),)),
            "target",
            "failing",
            "[targets.gpu]: No slrum. Mean slurm?",
        ),
        (changed("place", skew=-90.0), "clock", "warning", "90 s behind"),
        (changed("store", problem="malformed"), "store", "failing", "labnb sync"),
        (changed("store", known=False), "store", "failing", "newer MLflow"),
        (changed("limits", watches=1024), "watching files", "warning", "sysctl fs.inotify.max_user_watches="),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(facts: Facts, check: str, state: str, said: str) -> None:
    (found,) = [item for item in check_facts(facts) if item.state is not State.OK]
    assert (found.check, found.state) == (check, state)
    assert found.hint
    assert said in f"{found.message} {found.hint}"
    assert found.ok == (state != "failing")


# --- the facts themselves -----------------------------------------------------------------------


def test_python_is_read_from_metadata() -> None:
    facts = python_facts()
    assert facts.fits
    assert facts.wanted
    found = {item.name: item for item in facts.packages}
    assert found["mlflow"].fits
    assert "pytest" not in found  # an extra


def test_jupyter_finds_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = jupyter_facts()
    assert (before.server, before.disabled_by) == (True, None)
    assert before.labextension is not None
    (tmp_path / "labconfig").mkdir()
    (tmp_path / "labconfig" / "page_config.json").write_text('{"disabledExtensions": {"labnb": true}}')
    (tmp_path / "jupyter_server_config.json").write_text('{"ServerApp": {"jpserver_extensions": {"labnb": false}}}')
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    after = jupyter_facts()
    assert after.server is False
    assert after.disabled_by == str(tmp_path / "labconfig" / "page_config.json")


def test_git_tells_a_broken_repository(tmp_path: Path) -> None:
    assert git_facts(tmp_path).marker is None
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert git_facts(tmp_path).head is None
    assert git_facts(tmp_path).problem == ""
    LabPaths(tmp_path).make()
    assert git_facts(tmp_path).ignores
    (tmp_path / ".git" / "HEAD").write_bytes(b"\x00garbage")
    assert git_facts(tmp_path).problem


def test_dvc_reads_projects_and_remotes(tmp_path: Path) -> None:
    assert dvc_projects(tmp_path) == ()
    for name in ("", "sub"):
        (tmp_path / name / ".dvc").mkdir(parents=True)
    (tmp_path / ".dvc" / "config").write_text(
        "['remote \"a\"']\n    url = oss://me:secret@lab\n['remote \"b\"']\n    url = /no/x\n"
    )
    (tmp_path / "sub" / ".dvc" / "config").write_text("no = section\n")
    first, second = dvc_projects(tmp_path)
    assert first.remotes == (Remote("a", "oss://lab", None, missing="dvc-oss"), Remote("b", "/no/x", False, False))
    assert "cannot be read" in second.problem


def test_dvc_remotes_are_asked_without_a_password(tmp_path: Path) -> None:
    """A folder as DVC would write it, a server that listens, one that does not, and what is known to the Internet."""
    (tmp_path / ".dvc").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as gone:
        port, closed = listener.getsockname()[1], gone.getsockname()[1]
        gone.close()
        remotes = {
            "folder": f"url = {tmp_path}/made/later",
            "here": f"url = https://127.0.0.1:{port}/x",
            "away": f"url = https://127.0.0.1:{closed}/x",
            "bucket": f"url = s3://lab\n    endpointurl = http://127.0.0.1:{closed}",
            "odd": "url = https://[half",
        }
        text = "".join(f"['remote \"{name}\"']\n    {said}\n" for name, said in remotes.items())
        (tmp_path / ".dvc" / "config").write_text(text)
        (project,) = dvc_projects(tmp_path)
    found = {remote.name: (remote.reachable, remote.writable, remote.missing) for remote in project.remotes}
    assert found["folder"] == (True, True, "")
    assert found["here"] == (True, None, "")
    assert found["away"] == (False, None, "")
    assert found["bucket"][0] is False
    assert found["odd"] == (None, None, "")


def test_place(tmp_path: Path) -> None:
    facts = place_facts(tmp_path / ".labnb")
    assert (facts.home, facts.problem) == ("missing", "")
    assert facts.file_system
    assert facts.skew is not None
    assert abs(facts.skew) < 2
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".labnb").touch()
    assert place_facts(tmp_path / ".labnb").home == "file"
    assert limit_facts().watches is None or limit_facts().watches


def test_store(lab: LabPaths) -> None:
    facts = store_facts(lab)
    assert facts.problem == ""
    assert facts.revision == facts.newest is not None
    assert facts.known
    raw = bytearray(lab.database.read_bytes())
    raw[20_000:60_000] = os.urandom(40_000)
    lab.database.write_bytes(raw)
    assert store_facts(lab).problem
    lab.database.unlink()
    assert not store_facts(lab).exists


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from labnb.cli.main import main; main(['doctor', '--fix'])\n"
        "heavy = {'mlflow', 'dvc', 'jupyterlab', 'jupyter_server', 'IPython', 'pandas'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


# --- run folders --------------------------------------------------------------------------------


def old(path: Path, seconds: float = 3600) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)


def dead(lab: LabPaths) -> Recorded:
    recorded = Recorded(lab).log(10)
    recorded.folder.paths.log.write_text("printed\n")
    here = Owner.this()
    recorded.folder.write(recorded.run, dataclasses.replace(here, pid=2**22 + 1, started=f"{here.started}0"))
    return recorded


def states(lab: LabPaths) -> dict[str, str]:
    return {check.check: check.state.value for check in check_runs(lab)}


def test_runs_that_are_well(lab: LabPaths) -> None:
    Recorded(lab).end()
    assert states(lab) == {"runs": "ok", "published": "ok", "publisher": "ok"}
    lock = hold_lock(lab)
    assert lock is not None
    assert "at work" in check_runs(lab)[-1].message
    os.close(lock)


def test_runs_that_are_not(lab: LabPaths) -> None:
    dead(lab)
    late = Recorded(lab, started=time_text(time.time() + 86400))
    broken = Recorded(lab).end()
    broken.folder.paths.run.write_text("{")
    unpublished = Recorded(lab).end()
    run = dataclasses.replace(unpublished.folder.stored()[0], ended=time_text(time.time() - 7200))
    unpublished.folder.write(run)
    Published({"embedded": StoreState(failures=3, error="It is away.")}).write(unpublished.folder.paths.published)
    old(lab.queue / unpublished.uid)
    Gate(lab, "https://lab.example").fail("store_unreachable", "It does not answer.")
    checks = check_runs(lab)
    text = "\n".join(f"{check.state.value} {check.message} {check.hint}" for check in checks)
    assert f"failing {broken.uid}" in text
    assert "1 run ended without an end in the record" in text
    assert "It is away." in text
    assert "https://lab.example failed 1 times in a row: It does not answer." in text
    assert "no publisher is at work" in text
    assert late.uid[:8] in text
    assert all(check.hint for check in checks if check.state is not State.OK)


def test_fix_mends_and_is_idempotent(lab: LabPaths) -> None:
    killed = dead(lab)
    good = Recorded(lab).end()
    ghost = lab.queue / ("f" * 32)
    ghost.touch()
    aside = good.folder.paths.folder / f".run.json.{2**22 + 1}"
    aside.write_text("{")
    mine = good.folder.paths.folder / f".run.json.{os.getpid()}"
    mine.write_text("{")
    empty = lab.runs / ("e" * 32)
    empty.mkdir()
    full = lab.runs / ("d" * 32)
    full.mkdir()
    (full / "journal.jsonl").write_text('{"k":"metric","t":1.0,"s":0,"v":{"loss":2}}\n')
    for path in (ghost, aside, mine, empty, full, full / "journal.jsonl"):
        old(path)
    assert states(lab)["leftovers"] == "warning"
    said = fix_project(lab, lambda: [good.uid])
    assert len(said) == 6
    assert "is marked KILLED" in said[0]
    run = killed.folder.read()
    assert (run.status, run.metrics) == (RunStatus.KILLED, {"loss": 0.1})
    assert "printed" in killed.folder.paths.output.read_text()
    assert not any(path.exists() for path in (ghost, aside, empty))
    assert mine.exists()
    assert RunFolder(lab.run("d" * 32)).read().metrics == {"loss": 2.0}
    before = killed.folder.paths.run.read_bytes()
    assert fix_project(lab, list) == []
    assert killed.folder.paths.run.read_bytes() == before
    assert "leftovers" not in states(lab)


def test_a_run_whose_run_json_is_empty_is_listed_again(lab: LabPaths) -> None:
    recorded = Recorded(lab).log(5)
    recorded.journal.add("param", name="lr", value=0.1)
    recorded.journal.add("end", status="FINISHED")
    recorded.end()
    path = recorded.folder.paths.run
    path.write_bytes(b"")
    assert fix_project(lab, list) == []  # somebody may be at work
    old(path)
    assert len(fix_project(lab, list)) == 1
    run = recorded.folder.read()
    assert (run.status, run.metrics, run.params) == (RunStatus.FINISHED, {"loss": 0.2}, {"lr": 0.1})
    assert [note.code for note in run.notes] == ["rescued"]
    assert (path.parent / "run.json.broken").read_bytes() == b""
    assert fix_project(lab, list) == []
    assert states(lab)["runs"] == "ok"


def test_two_fixes_at_once(lab: LabPaths) -> None:
    killed = [dead(lab) for _ in range(10)]
    for number in range(20):
        path = lab.queue / f"{number:032x}"
        path.touch()
        old(path)
    code = (
        "import sys; from labnb.cli.main import main; sys.exit(main(['-C', sys.argv[1], 'doctor', '--fix', '--json']))"
    )
    command = [sys.executable, "-c", code, str(lab.root)]
    env = {**os.environ, "LABNB_PUBLISHER": "0"}
    both = [subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE) for _ in range(2)]
    answers = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert all(item["ok"] for answer in answers for item in answer["items"])
    for one in killed:
        run = one.folder.read()
        assert run.status is RunStatus.KILLED
        assert len(run.notes) == 1
    assert set(queue_state(lab)) == {one.uid for one in killed}


def test_the_command(lab: LabPaths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    recorded = dead(lab)
    assert main(["-C", str(lab.root), "doctor"]) == 1
    out = capsys.readouterr().out
    assert "FAILING  runs" in out
    assert "→ labnb doctor --fix" in out
    assert main(["-C", str(lab.root), "doctor", "--fix", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == 1
    assert {"check", "ok", "message", "hint"} <= set(data["items"][0])
    assert recorded.uid[:8] in data["fixed"][0]
    (lab.root / "labnb.toml").write_text("[trakcing]\n")
    assert main(["-C", str(lab.root), "doctor"]) == 1
    assert "Did you mean tracking?" in capsys.readouterr().out
    assert open_lab(lab.root).browse.run(recorded.uid).status is RunStatus.KILLED
    assert RunFolder(lab.run(recorded.uid)).stored()[1] is None


def test_targets_are_looked_at_without_asking_their_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labnb.toml").write_text(
        '[targets.here]\nexecutor = "process"\n[targets.queue]\nexecutor = "slurm"\n[targets.odd]\nexecutor = "slrum"\n'
        '[targets.far]\nexecutor = "slurm"\nhost = "ssh://nobody.example"\n'
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert main(["-C", str(tmp_path), "doctor", "--json"]) == 1
    items = json.loads(capsys.readouterr().out)["items"]
    found = {item["message"].partition(":")[0]: item for item in items if item["check"] == "target"}
    assert found["here"]["ok"]
    assert found["far"]["ok"]
    assert "sbatch, squeue, scancel not on PATH" in found["[targets.queue]"]["message"]
    assert found["[targets.odd]"]["hint"] == "Did you mean slurm?"
    assert [item["check"] for item in items if not item["ok"]] == ["target", "target"]
