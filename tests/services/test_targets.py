"""`labnb targets` on the four backends, and what it says of targets that cannot work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from labnb import plugins
from labnb.cli.main import main
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]
TARGETS = """
[targets.here]
cpus = 1
[targets.cluster]
executor = "slurm"
partition = "short"
[targets.box]
host = "ssh://lab"
setup = ["GREETING='it is $HOME'", "export GREETING"]
[targets.remote]
host = "ssh://lab"
executor = "slurm"
memory = "100M"
[targets.built]
environment = "uv"
python = "{python}"
[targets.greedy]
executor = "slurm"
partition = "shrt"
[targets.old]
python = "{old}"
[targets.none]
host = "ssh://lab"
python = "~/no/python"
[targets.away]
host = "ssh://127.0.0.1:1"
[targets.odd]
executor = "slrum"
[targets.sealed]
host = "ssh://lab"
folder = "/proc/labnb"
[targets.failing]
setup = ["echo no module named cuda/99; exit 3"]
"""


@pytest.fixture
def project(tmp_path: Path, sshd: Sshd, slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "a project's $(folder)"
    found.mkdir()
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho 3.8.10\n")
    old.chmod(0o755)
    (found / "labnb.toml").write_text(TARGETS.format(python=sys.executable, old=old))
    monkeypatch.chdir(found)
    plugins.host(Sshd.address).close()
    return found


@pytest.mark.parametrize("name", ["here", "cluster", "box", "remote", "built"])
def test_a_target_that_works(project: Path, name: str, sshd: Sshd, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["targets", "test", name, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 0, told
    assert [item["step"] for item in told["items"]] == ["host", "folder", "python", "resources", "job"]
    assert all(item["ok"] for item in told["items"])
    # Nothing is left behind.
    assert not list(sshd.far.rglob(".trial-*"))
    assert not list(project.rglob(".trial-*"))


@pytest.mark.parametrize(
    ("name", "code", "step", "said", "hint"),
    [
        ("greedy", 1, "resources", "There is no partition 'shrt'.", "Did you mean short?"),
        ("old", 1, "python", "is Python 3.8.10", "3.9 or later"),
        ("none", 1, "python", "no ~/no/python on the host", "setup"),
        ("away", 3, "host", "takes no connections", "SSH server"),
        ("sealed", 1, "folder", "/proc/labnb", ""),
        ("failing", 1, "python", "exit code 3", "module load"),
    ],
)
def test_a_target_that_does_not(
    project: Path, name: str, code: int, step: str, said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["targets", "test", name, "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    last = told["items"][-1]
    assert not told["ok"]
    assert last["step"] == step
    assert said in last["message"]
    assert hint in last["hint"]


def test_names_that_are_not_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "test", "clustr"]) == 2
    assert "Did you mean cluster?" in capsys.readouterr().err
    assert main(["targets", "test", "odd"]) == 2
    assert "There is no executor 'slrum'. Did you mean slurm?" in capsys.readouterr().err
    assert main(["targets", "test", "here", "--timeout", "soon"]) == 2
    assert "--timeout" in capsys.readouterr().err


def test_for_people(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "test", "here"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("ok ") for line in lines)
    assert main(["targets", "list"]) == 0
    assert "ssh://lab" in capsys.readouterr().out
    assert main(["targets", "list", "--json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert items[0] == {
        "name": "here",
        "host": "",
        "executor": "process",
        "resources": {"cpus": 1},
        "python": "",
        "setup": [],
        "environment": "",
        "image": "",
        "folder": "",
    }


def test_a_queue_that_is_too_long(project: Path, slurm: SlurmCluster, capsys: pytest.CaptureFixture[str]) -> None:
    slurm.run("scontrol", "update", "partitionname=short", "state=inactive")
    try:
        assert main(["targets", "test", "cluster"]) == 1
        assert "takes no jobs at present" in capsys.readouterr().out
        slurm.run("scontrol", "update", "partitionname=short", "state=up")
        slurm.run("scontrol", "update", "nodename=n2", "state=drain", "reason=test")
        assert main(["targets", "test", "cluster", "--timeout", "1s"]) == 1
        assert "did not start within 1.0 s" in capsys.readouterr().out
        assert slurm.run("squeue", "-h") == ""
    finally:
        slurm.run("scontrol", "update", "partitionname=short", "state=up")
        slurm.run("scontrol", "update", "nodename=n2", "state=resume")
