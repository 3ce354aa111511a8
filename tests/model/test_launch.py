"""How a runner is started on its target: the words, and the environment that is built once."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from labnb.model.errors import ConfigError
from labnb.model.launch import environment_lines, launch
from labnb.model.resources import Resources
from labnb.model.target import Target


def test_the_same_interpreter() -> None:
    found = launch(Target("here"), "/r.pyz", "/job", interpreter="/usr/bin/python3")
    assert (found.setup, found.command) == ((), ("/usr/bin/python3", "/r.pyz", "/job"))


def test_a_python_and_lines_of_the_owner() -> None:
    target = Target("x", python="~/env/bin/python", setup=("module load cuda",))
    found = launch(target, "~/r.pyz", "~/job", interpreter="/usr/bin/python3")
    assert (found.setup, found.command) == (("module load cuda",), ("~/env/bin/python", "~/r.pyz", "~/job"))


def test_an_image() -> None:
    target = Target("x", image="/images/torch.sif", resources=Resources(gpus=1))
    found = launch(target, "/r.pyz", "/job", interpreter="/usr/bin/python3", binds=("/store", "/job"))
    assert found.command[:2] == ("sh", "-c")
    assert found.command[4:] == (
        "exec", "--nv", "--bind", "/job", "--bind", "/store", "/images/torch.sif", "python3", "/r.pyz", "/job",
    )  # fmt: skip
    with pytest.raises(ConfigError, match="image and an environment"):
        launch(Target("x", image="/i.sif", environment="uv"), "/r.pyz", "/job")


def test_an_environment_has_its_place_by_its_digest() -> None:
    found = launch(
        Target("x", environment="uv", setup=("module load uv",)),
        "~/r.pyz",
        "~/job",
        environments="~/envs",
        lock="~/job/lock 1.txt",
        digest="sha256:" + "ab" * 32,
        version="3.11.7",
    )
    assert found.command == (f"~/envs/{'ab' * 16}/bin/python", "~/r.pyz", "~/job")
    assert found.setup[0] == "module load uv"
    assert found.setup[1] == f'labnb_env="$HOME"/envs/{"ab" * 16}'
    assert found.setup[2] == "labnb_lock=\"$HOME\"/'job/lock 1.txt'"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package, so that nothing is asked of the network."""
    path = tmp_path / "labnb_demo_part-1.0-py3-none-any.whl"
    files = {
        "labnb_demo_part.py": "VALUE = 42\n",
        "labnb_demo_part-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: labnb-demo-part\nVersion: 1.0\n",
        "labnb_demo_part-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "labnb_demo_part-1.0.dist-info/RECORD"
    with zipfile.ZipFile(path, "w") as archive:
        lines = []
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(text)}\n")
        archive.writestr(record, "".join(lines) + f"{record},,\n")
    return path


def script(environment: Path, lock: Path) -> list[str]:
    lines = environment_lines(str(environment), str(lock), "", sys.executable)
    use = 'exec "$labnb_env/bin/python" -c "import labnb_demo_part as part; print(part.VALUE)"'
    return ["sh", "-c", "\n".join([*lines, use])]


def test_jobs_that_start_together_build_one_environment(tmp_path: Path, wheel: Path) -> None:
    if shutil.which("uv") is None:
        pytest.skip("uv is missing: pip install uv")
    lock = tmp_path / "a lock's $(name).txt"
    lock.write_text(f"-e file:///not/here\nlabnb-demo-part @ {wheel.as_uri()}\n")
    environment = tmp_path / "my envs" / "abc"
    jobs = [subprocess.Popen(script(environment, lock), stdout=-1, stderr=-1, text=True) for _ in range(3)]
    told = [job.communicate(timeout=120) for job in jobs]
    assert [out for out, _ in told] == ["42\n"] * 3, told
    assert sum("building the environment" in err for _, err in told) == 1
    again = subprocess.run(script(environment, lock), capture_output=True, text=True, check=True)
    assert (again.stdout, again.stderr) == ("42\n", "")
    assert not environment.with_name("abc.lock").is_symlink()


def test_an_environment_that_cannot_be_built_is_not_used(tmp_path: Path, wheel: Path) -> None:
    if shutil.which("uv") is None:
        pytest.skip("uv is missing: pip install uv")
    lock, environment = tmp_path / "lock.txt", tmp_path / "env"
    lock.write_text(f"labnb-demo-part @ file://{tmp_path}/nothing.whl\n")
    failed = subprocess.run(script(environment, lock), capture_output=True, text=True, check=False)
    assert failed.returncode == 78
    assert "cannot be built" in failed.stderr
    # A build that was killed leaves its lock and half a folder: the next one sees that nobody is at it.
    environment.with_name("env.lock").symlink_to(f"{os.uname().nodename}:999999")
    lock.write_text(f"labnb-demo-part @ {wheel.as_uri()}\n")
    done = subprocess.run(script(environment, lock), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
