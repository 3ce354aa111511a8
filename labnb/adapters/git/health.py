"""What the doctor wants to know of git."""

from __future__ import annotations

from pathlib import Path

from labnb.adapters.git.process import Git, GitFailed
from labnb.adapters.git.repository import nearest_marker
from labnb.model.errors import CodeStoreError
from labnb.model.health import GitFacts


def git_facts(root: Path) -> GitFacts:
    """Ask git about itself and about the repository around a project; changes nothing."""
    git = Git(root)
    try:
        version = git.line("--version").removeprefix("git version ").strip()
    except CodeStoreError:
        return GitFacts(None)
    except GitFailed as error:
        return GitFacts(None, problem=error.reason)
    marker = nearest_marker(root)
    if marker is None:
        return GitFacts(version)
    try:
        git.run("rev-parse", "--git-dir")
    except GitFailed as error:
        return GitFacts(version, str(marker), problem=error.reason)
    try:
        head = git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except GitFailed:
        head = None  # no commit yet, or one that is damaged
        problem = _damage(git)
        if problem:
            return GitFacts(version, str(marker), problem=problem)
    return GitFacts(version, str(marker), head, _ignores(git, root))


def _damage(git: Git) -> str:
    try:
        git.run("status", "--porcelain", "--untracked-files=no")
    except GitFailed as error:
        return error.reason
    return ""


def _ignores(git: Git, root: Path) -> bool | None:
    if not (root / ".labnb").is_dir():
        return None
    try:
        git.run("check-ignore", "--quiet", ".labnb/runs")
    except GitFailed as error:
        return False if error.status == 1 else None
    return True
