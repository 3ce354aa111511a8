"""Packages of our own, built by hand: neither a build backend nor a registry is asked for anything."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest


def uv() -> str:
    """The uv that the project's development extra brings."""
    found = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.fail("uv is missing: pip install -e .[dev]")
    return found


def wheel_of(folder: Path, name: str, code: str = "VALUE = 1\n", *, version: str = "1.0", needs: str = "") -> Path:
    """Write a wheel of one module; `needs` is a requirement."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        lines = []
        for place, text in files.items():
            archive.writestr(place, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{place},sha256={digest},{len(text)}\n")
        archive.writestr(f"{info}/RECORD", "".join(lines) + f"{info}/RECORD,,\n")
    return path


_BACKEND = """\
import pathlib, zipfile
def build_wheel(folder, *more, **options):
{body}
    path = pathlib.Path(folder, "{name}-1.0-py3-none-any.whl")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("{name}.py", "VALUE = 1\\n")
        archive.writestr("{name}-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        archive.writestr(
            "{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        )
        archive.writestr("{name}-1.0.dist-info/RECORD", "")
    return path.name
"""


def source_of(folder: Path, name: str, building: str) -> Path:
    """Write the source of a package; `building` is Python that runs whenever a wheel of it is built."""
    folder.mkdir(parents=True)
    body = "".join(f"    {line}\n" for line in building.splitlines())
    (folder / "backend.py").write_text(_BACKEND.format(body=body, name=name))
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n'
    )
    return folder
