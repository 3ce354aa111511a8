"""Projects for tests of the Data Store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.adapters.dvc.command import Place, git


@pytest.fixture(autouse=True)
def no_common_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "no-global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "no-system"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site-cache"))


_T = TypeVar("_T")
Prepared = Callable[[Place, str, Callable[[Place], _T]], _T]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared[object]:
    """Gives a place what was made once: the first dataset of a project costs a second and more."""
    made: dict[str, tuple[Path, object]] = {}

    def get(place: Place, name: str, make: Callable[[Place], object]) -> object:
        if name not in made:
            first = Place(tmp_path_factory.mktemp("prepared") / "project")
            made[name] = (first.path, make(first))
        shutil.copytree(made[name][0], place.path, symlinks=True, dirs_exist_ok=True)
        place.again()
        return made[name][1]

    return get


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A project with neither git nor DVC yet."""
    return Place(tmp_path / "project")


@pytest.fixture
def in_git(tmp_path: Path) -> Place:
    """A git repository with one commit, no DVC yet."""
    made = Place(tmp_path / "project")
    git(made.path, "init", "-q", "-b", "main")
    made.write("readme.md", "a project\n")
    made.write(".gitignore", ".labnb/\n")
    git(made.path, "add", ".")
    git(made.path, "commit", "-qm", "begin")
    return made
