"""Projects for tests of the Data Store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.dvc.command import Place, git


@pytest.fixture(autouse=True)
def no_common_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "no-global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "no-system"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site-cache"))


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
