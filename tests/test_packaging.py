"""What a user installs: wheel and sdist carry the built labextension and need no Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = "share/jupyter/labextensions/labnb"
LANDS = (
    f"{EXTENSION}/package.json",
    f"{EXTENSION}/install.json",
    f"{EXTENSION}/static/style.js",
    f"{EXTENSION}/schemas/labnb/card.json",
    "etc/jupyter/jupyter_server_config.d/labnb.json",
)


def without_node() -> dict[str, str]:
    """The environment with a PATH on which no Node and no jlpm are to be found."""
    kept = [
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not any((Path(folder) / name).exists() for name in ("node", "npm", "jlpm"))
    ]
    return {**os.environ, "PATH": os.pathsep.join(kept)}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=without_node(),
        text=True,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist of this checkout and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    installer = "uv" if find_spec("uv") else "pip"
    # Building writes into what it builds, where other tests are at work.
    source = folder / "source"
    left = shutil.ignore_patterns(".venv", ".git", "node_modules", "__pycache__", "artifacts", ".*_cache", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=left, symlinks=True)
    run(sys.executable, "-m", "build", "--installer", installer, "--outdir", folder, source, cwd=folder)
    return folder


@pytest.mark.slow
def test_wheel_and_sdist_carry_the_labextension(built: Path) -> None:
    [wheel], [sdist] = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    data = [name.partition(".data/data/")[2] for name in names if ".data/data/" in name]
    assert set(LANDS) <= set(data)
    assert "labnb/py.typed" in names
    assert not [name for name in names if name.startswith(("labnb/labextension", "tests", "labextension"))]
    with tarfile.open(sdist) as packed_source:
        inside = {name.partition("/")[2] for name in packed_source.getnames()}
    assert {"labextension/src/index.ts", "labextension/yarn.lock", "labnb/labextension/package.json"} <= inside
    assert not [name for name in inside if "node_modules" in name]


@pytest.mark.slow
def test_wheel_installs_where_both_lists_find_it(built: Path, tmp_path: Path) -> None:
    [wheel] = built.glob("*.whl")
    home = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=tmp_path)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    assert [name for name in LANDS if not (home / name).is_file()] == []
    assert "labnb = labnb.cli.main:main" in next(home.glob("lib/*/site-packages/labnb-*/entry_points.txt")).read_text()


def test_jupyter_lists_the_extensions() -> None:
    for kind in ("labextension", "server extension"):
        done = subprocess.run(
            [sys.executable, "-m", "jupyter", *kind.split(), "list"],
            text=True,
            check=True,
            capture_output=True,
        )
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "labnb" in line and "OK" in line]
        assert len(lines) == 1, done.stdout + done.stderr
