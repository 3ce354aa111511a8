"""The environment probe on this interpreter, and on site folders made for the purpose."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from labnb.adapters.environment import ProcessEnvironment, hardware
from labnb.adapters.environment.distributions import distributions_in, normalised
from labnb.adapters.environment.variables import relevant
from tests.wheels import uv, wheel_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def install(
    site: Path,
    name: str,
    version: str = "1.0",
    *,
    files: tuple[str, ...] = (),
    direct_url: dict | None = None,
    top_level: str = "",
    installer: str = "pip",
) -> Path:
    """Write the metadata that an installer would."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n")
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in (*files, f"{info.name}/METADATA")))
    (info / "INSTALLER").write_text(f"{installer}\n")
    if top_level:
        (info / "top_level.txt").write_text(top_level)
    if direct_url is not None:
        (info / "direct_url.json").write_text(json.dumps(direct_url))
    return info


def lines(site: Path) -> list[str]:
    return [item.line for item in distributions_in(str(site))]


def test_the_lock_names_everything_that_is_installed(tmp_path: Path) -> None:
    environment = ProcessEnvironment(tmp_path).capture()
    expected = {normalised(item.metadata["Name"]) for item in importlib.metadata.distributions()}
    named = {normalised(line.split("==")[0]) for line in environment.lock if "==" in line}
    assert named <= expected
    editable = [line for line in environment.lock if line.startswith("-e ")]
    assert len(named) + len(editable) == len(environment.lock) == len(expected)
    assert environment.python == sys.version.split()[0]
    assert environment.platform.startswith(os.uname().sysname)
    assert environment.hardware["cpus"] >= 1
    assert environment.hardware["memory"] > 1_000_000
    assert f"pytest=={pytest.__version__}" in environment.lock
    assert environment.loaded["pytest"] == pytest.__version__


def test_editable_vcs_archive_and_local_installs_are_told_apart(tmp_path: Path) -> None:
    site, project = tmp_path / "site-packages", tmp_path / "my project"
    project.mkdir()
    wheel = tmp_path / "local-2.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    vcs = {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"}
    install(site, "a-editable", direct_url={"url": project.as_uri(), "dir_info": {"editable": True}})
    install(site, "b-folder", direct_url={"url": project.as_uri(), "dir_info": {}})
    install(site, "c-git", direct_url={"url": "https://me:tok@host.example/c.git", "vcs_info": vcs})
    install(site, "d-ssh", direct_url={"url": "ssh://git@host.example/d.git", "vcs_info": vcs, "subdirectory": "py"})
    install(site, "e-wheel", direct_url={"url": wheel.as_uri(), "archive_info": {"hashes": {"sha256": "a" * 64}}})
    install(site, "f-url", direct_url={"url": "https://host.example/f.zip", "archive_info": {}})
    install(site, "g-gone", direct_url={"url": "file:///gone/g.whl", "archive_info": {}})
    install(site, "h-conda", installer="conda", direct_url={"url": "file:///croot/h_1", "dir_info": {}})
    install(site, "i-index")
    install(site, "torch", "2.9.0+cu128")
    for line in lines(site)[1:]:
        Requirement(line.partition("  #")[0])
    assert lines(site) == [
        f"-e {project.as_uri()}",
        f"b-folder @ {project.as_uri()}",
        f"c-git @ git+https://host.example/c.git@{COMMIT}",
        f"d-ssh @ git+ssh://git@host.example/d.git@{COMMIT}#subdirectory=py",
        f"e-wheel @ {wheel.as_uri()}#sha256={'a' * 64}",
        "f-url @ https://host.example/f.zip",
        "g-gone==1.0  # was file:///gone/g.whl, which is gone",
        "h-conda==1.0",
        "i-index==1.0",
        "torch==2.9.0+cu128  # from https://download.pytorch.org/whl/cu128",
    ]


def test_damaged_metadata_is_passed_over(tmp_path: Path) -> None:
    install(tmp_path, "good")
    (tmp_path / "~ood-1.0.dist-info").mkdir()
    (tmp_path / "empty-1.0.dist-info").mkdir()
    (install(tmp_path, "nameless") / "METADATA").write_bytes(b"\xff\xfe\0")
    (install(tmp_path, "odd") / "direct_url.json").write_text("[1, 2")
    (tmp_path / "legacy-0.1-py3.11.egg-info").write_text("Metadata-Version: 1.1\nName: legacy\nVersion: 0.1\n")
    assert lines(tmp_path) == ["good==1.0", "legacy==0.1", "odd==1.0"]
    assert list(distributions_in(str(tmp_path / "missing"))) == []


def test_the_first_on_the_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "one", "Some.Thing", "1.0")
    install(tmp_path / "two", "some-thing", "2.0")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "one"), str(tmp_path / "two"), "", "/missing"])
    assert ProcessEnvironment(tmp_path / "cache").capture().lock == ("Some.Thing==1.0",)


def test_modules_lead_to_their_distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, source = tmp_path / "site", tmp_path / "source"
    install(site, "scikit-thing", files=("thing/__init__.py", "thing/core.py", "../../bin/thing"))
    install(site, "one-file", files=("onefile.py", "_fast.cpython-311-x86_64-linux-gnu.so"))
    install(site, "space-a", files=("space/a/__init__.py",))
    install(site, "space-b", files=("space/b.py",), top_level="space\n")
    install(site, "unused", files=("unused/__init__.py",))
    install(site, "mine", files=("__editable__.mine-1.0.pth",), direct_url=editable(source))
    monkeypatch.setattr(sys, "path", [str(site)])
    probe = ProcessEnvironment(tmp_path / "cache")
    names = ("thing", "thing.core", "_fast", "space", "space.b", "mine_module", "my_script", "json", "onefile_not")
    for name in names:
        module = ModuleType(name)
        module.__file__ = str(source / "pkg" / "mine_module.py") if name == "mine_module" else f"/elsewhere/{name}.py"
        monkeypatch.setitem(sys.modules, name, module)
    expected = {"mine": "1.0", "one-file": "1.0", "scikit-thing": "1.0", "space-b": "1.0"}
    assert probe.capture().loaded == expected
    assert ProcessEnvironment(tmp_path / "cache").capture().loaded == expected, "from the cache"


def editable(folder: Path) -> dict:
    return {"url": folder.as_uri(), "dir_info": {"editable": True}}


def test_what_is_installed_later_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    install(site, "one")
    monkeypatch.setattr(sys, "path", [str(site)])
    probe = ProcessEnvironment(tmp_path / "cache")
    assert probe.capture().lock == ("one==1.0",)
    time.sleep(0.02)
    install(site, "two")
    assert probe.capture().lock == ("one==1.0", "two==1.0")
    shutil.rmtree(site / "one-1.0.dist-info")
    assert ProcessEnvironment(tmp_path / "cache").capture().lock == ("two==1.0",)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "sites": {"x": {"changed": 1}}}'])
def test_a_damaged_cache_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    install(tmp_path / "site", "one")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    (tmp_path / "environment.json").write_text(text)
    assert ProcessEnvironment(tmp_path).capture().lock == ("one==1.0",)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", "one")
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    assert ProcessEnvironment(tmp_path / "file").capture().lock == ("one==1.0",)


def test_it_is_read_once_and_cheap_afterwards(tmp_path: Path) -> None:
    probe = ProcessEnvironment(tmp_path)
    started = time.process_time()
    probe.capture()
    cold = time.process_time() - started
    started = time.process_time()
    for _ in range(20):
        probe.capture()
    warm = (time.process_time() - started) / 20
    assert cold < 0.5, "200 ms on a quiet machine"
    assert warm < 0.01, "2 ms on a quiet machine"


@pytest.mark.slow
def test_uv_and_pip_accept_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    environment = ProcessEnvironment(tmp_path).capture()
    lock.write_text("\n".join(environment.lock) + "\n")
    # Offline and against what is installed: every line is understood and found to be satisfied.
    satisfied = tmp_path / "satisfied.txt"
    satisfied.write_text("".join(f"{line}\n" for line in environment.lock if not line.startswith("-e ")))
    for tool in (
        [uv(), "pip", "install", "--offline", "--python", sys.executable],
        [sys.executable, "-m", "pip", "install"],
    ):
        command = [*tool, "--dry-run", "--no-deps", "-r", str(satisfied)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        if "No module named pip" in done.stderr:
            continue
        assert done.returncode == 0, done.stderr
        assert "Would install" not in done.stdout + done.stderr
    compile_all = [uv(), "pip", "compile", "--offline", "--no-deps", "-q", str(lock), "-o", str(tmp_path / "out.txt")]
    made = subprocess.run(compile_all, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "error: Couldn't parse" not in made.stderr


@pytest.mark.slow
def test_an_environment_is_rebuilt_from_its_lock(tmp_path: Path) -> None:
    """Wheels of our own, installed by uv for real, locked, and installed again from the lock."""
    environ = {**os.environ, "UV_OFFLINE": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    environ.pop("VIRTUAL_ENV", None)

    def run(*command: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environ)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        run(uv(), "venv", "-q", "--python", sys.executable, str(folder))
    wheels = [wheel_of(tmp_path, name) for name in ("alpha_tool", "beta_tool")]
    run(uv(), "pip", "install", "-q", "--python", str(first / "bin/python"), *map(str, wheels))
    (site,) = first.glob("lib/python*/site-packages")
    lock = lines(site)
    told = {line.partition("#")[0].partition(" @ ")[2] for line in lock}
    assert told == {wheel.as_uri() for wheel in wheels}
    (tmp_path / "lock.txt").write_text("\n".join(lock))
    run(uv(), "pip", "install", "-q", "--python", str(second / "bin/python"), "-r", str(tmp_path / "lock.txt"))
    (rebuilt,) = second.glob("lib/python*/site-packages")
    assert lines(rebuilt) == lock


def test_variables_are_allowed_by_name_and_never_secrets() -> None:
    taken = {
        "CUDA_VISIBLE_DEVICES": "0,1",
        "OMP_NUM_THREADS": "4",
        "MKL_NUM_THREADS": "2",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": "/home/ada/lib:/opt/x",
        "SLURM_JOB_ID": "17",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "NCCL_DEBUG": "INFO",
        "XLA_FLAGS": "--xla_gpu_deterministic_ops=true",
        "TF_DETERMINISTIC_OPS": "1",
        "HF_HOME": "/data/hf",
        "CONDA_DEFAULT_ENV": "lab",
        "TOKENIZERS_PARALLELISM": "false",
        "MLFLOW_TRACKING_URI": "https://mlflow.example",
        "NVIDIA_VISIBLE_DEVICES": "GPU-8f3c7b5e-1f2d-4c3b-9a8e-0123456789ab",
    }
    never = {
        "HOME": "/home/ada",
        "AWS_SECRET_ACCESS_KEY": "x",
        "HF_TOKEN": "hf_abcdefghijklmnop",
        "MLFLOW_TRACKING_PASSWORD": "x",
        "JAX_API_KEY": "x",
        "TF_VAR_db_password": "x",
        "XLA_SECRET": "x",
        "NCCL_NET_AUTH": "x",
        "DVC_STUDIO_TOKEN": "x",
        "MLFLOW_EXPERIMENT_NAME": "ghp_" + "a1" * 18,
        "OMP_PLACES": "x" * 5000,
        "JAX_X": "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8",
    }
    assert relevant({**taken, **never}) == taken
    assert relevant({"MLFLOW_TRACKING_URI": "https://ada:pw@mlflow.example"}) == {}


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100, 80GB HBM3, 570.12, 81559'\necho 'NVIDIA T4, 570.12, [N/A]'\n")
    program.chmod(0o755)
    return program


def test_gpus_by_nvidia_smi(smi: Path) -> None:
    assert hardware.gpus() == [
        {"name": "NVIDIA H100, 80GB HBM3", "driver": "570.12", "memory": 81559 * 1024 * 1024},
        {"name": "NVIDIA T4", "driver": "570.12", "memory": None},
    ]


@pytest.mark.parametrize("script", ["exit 9", "sleep 30", "printf '\\377'", ""])
def test_a_driver_that_does_not_answer(smi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(hardware, "GPU_SECONDS", 0.3)
    smi.write_text(f"#!/bin/sh\nexec {script}\n" if script.startswith("sleep") else f"#!/bin/sh\n{script}\n")
    assert hardware.gpus(tmp_path / "proc") == []
    card = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    card.parent.mkdir(parents=True)
    card.write_text("Model: \t\t NVIDIA A100\nIRQ: 1\n")
    (tmp_path / "proc/driver/nvidia/version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.12  Thu\n"
    )
    assert hardware.gpus(tmp_path / "proc") == [{"name": "NVIDIA A100", "driver": "570.12", "memory": None}]
