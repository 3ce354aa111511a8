"""How a runner is started on its target: the words, and the environment that is built once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labnb.model.errors import ConfigError
from labnb.model.launch import environment_lines, launch
from labnb.model.resources import Resources
from labnb.model.target import Target
from tests.wheels import source_of, uv, wheel_of


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
    inner = launch(target, "/lab/r.pyz", "/lab/runs/job", binds=("/lab/store", "/lab", "/labour"))
    assert [word for word in inner.command if word.startswith("/l")][:2] == ["/lab", "/labour"]
    with pytest.raises(ConfigError, match="comma or a colon"):
        launch(target, "/r.pyz", "/jobs: mine", interpreter="/usr/bin/python3")
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
    assert found.command == (f"~/envs/{'ab' * 16}-3.11.7/bin/python", "~/r.pyz", "~/job")
    assert found.setup[0] == "module load uv"
    assert found.setup[1] == f'labnb_env="$HOME"/envs/{"ab" * 16}-3.11.7'
    assert found.setup[2] == "labnb_lock=\"$HOME\"/'job/lock 1.txt'"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return wheel_of(tmp_path, "labnb_demo_part", "VALUE = 42\n")


def script(environment: Path, lock: Path) -> list[str]:
    lines = environment_lines(str(environment), str(lock), "", sys.executable)
    use = 'exec "$labnb_env/bin/python" -c "import labnb_demo_part as part; print(part.VALUE)"'
    offline = f"export UV_OFFLINE=1 PATH={Path(uv()).parent}:$PATH"
    return ["sh", "-c", "\n".join([offline, *lines, use])]


def test_jobs_that_start_together_build_one_environment(tmp_path: Path, wheel: Path) -> None:
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


@pytest.mark.parametrize("node", ["this node", "another node"])
def test_an_environment_that_cannot_be_built_is_not_used(tmp_path: Path, wheel: Path, node: str) -> None:
    lock, environment = tmp_path / "lock.txt", tmp_path / "env"
    lock.write_text(f"labnb-demo-part @ file://{tmp_path}/nothing.whl\n")
    failed = subprocess.run(script(environment, lock), capture_output=True, text=True, check=False)
    assert failed.returncode == 78
    assert failed.stderr.splitlines()[-1].startswith("labnb: the environment cannot be built: ")
    assert "nothing.whl" in failed.stderr.splitlines()[-1]
    # A build that was killed leaves its lock and half a folder: the next one sees that nobody is at it.
    place, minutes = ("elsewhere", 3) if node == "another node" else (os.uname().nodename, 0)
    left = environment.with_name("env.lock")
    left.symlink_to(f"{place}:999999")
    os.utime(left, (time.time() - 60 * minutes,) * 2, follow_symlinks=False)
    lock.write_text(f"labnb-demo-part @ {wheel.as_uri()}\n")
    done = subprocess.run(script(environment, lock), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr


def test_a_warning_that_time_is_nearly_over_does_not_end_a_build(tmp_path: Path) -> None:
    owner = f"os.readlink({str(tmp_path / 'env.lock')!r}).partition(':')[2]"
    source = source_of(tmp_path / "src", "labnb_demo_part", f"import os\nos.kill(int({owner}), {int(signal.SIGUSR2)})")
    lock = tmp_path / "lock.txt"
    lock.write_text(f"labnb-demo-part @ {source.as_uri()}\n")
    done = subprocess.run(script(tmp_path / "env", lock), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


@pytest.mark.soak
def test_where_there_is_no_uv_pip_builds_it(tmp_path: Path, wheel: Path) -> None:
    base = tmp_path / "bin" / "python3"
    base.parent.mkdir()
    base.symlink_to(sys._base_executable)  # uv is looked for beside it
    lock, environment = tmp_path / "lock.txt", tmp_path / "env"
    use = '"$labnb_env/bin/python" -c "import labnb_demo_part as part; print(part.VALUE)"'
    words = ["sh", "-c", "\n".join([*environment_lines(str(environment), str(lock), "", str(base)), use])]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1"}
    lock.write_text("labnb-no-such-part==9.9\n")
    failed = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    assert failed.returncode == 78
    assert "No matching distribution found for labnb-no-such-part==9.9" in failed.stderr.splitlines()[-1]
    lock.write_text(f"labnb-demo-part @ {wheel.as_uri()}\n")
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    assert done.stdout == "42\n", done.stderr
