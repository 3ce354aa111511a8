"""Rebuilds recorded code in another folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from labnb.adapters.git.process import Git, GitFailed
from labnb.adapters.git.status import GITLINK
from labnb.model.errors import CodeStoreError


def holds(git_dir: Path, commit: str) -> bool:
    """Whether a git folder has the commit."""
    try:
        _git(git_dir).run("cat-file", "-e", f"{commit}^{{commit}}")
    except GitFailed:
        return False
    return True


def recorded_files(git_dir: Path, commit: str) -> dict[str, str]:
    """Map each recorded file's path (POSIX, bytes that are not UTF-8 as surrogates) to its blob."""
    files = {}
    try:
        listing = _git(git_dir).run("ls-tree", "-r", "-z", "--full-tree", commit)
    except GitFailed as failure:
        raise _gone(commit, failure) from failure
    for line in listing.split(b"\0"):
        head, _, path = line.partition(b"\t")
        if path and not head.startswith(GITLINK):
            files[os.fsdecode(path)] = head.split(b" ")[2].decode()
    return files


def checkout(git_dir: Path, commit: str, destination: Path) -> None:
    """Write the recorded files into a folder that is empty or not there yet.

    Line ends are converted as git would on checkout, other filters fetch nothing; submodules stay empty folders.
    Raises CodeStoreError where the folder holds something or the commit is gone.
    """
    destination.mkdir(parents=True, exist_ok=True)
    if any(destination.iterdir()):
        raise CodeStoreError(f"{destination} is not empty.", "Give a new folder for the recorded code.")
    with tempfile.TemporaryDirectory(prefix="labnb-index-") as folder:
        git = _git(git_dir).under(
            f"--work-tree={destination.resolve()}",
            *("-c", "core.bare=false", "-c", "core.sparseCheckout=false", "-c", "core.untrackedCache=keep"),
            GIT_INDEX_FILE=os.path.join(folder, "index"),
        )
        try:
            git.run("read-tree", "--reset", "-u", commit, timeout=600)
        except GitFailed as failure:
            raise _gone(commit, failure) from failure


def _git(git_dir: Path) -> Git:
    return Git(git_dir).under(f"--git-dir={git_dir}")


def _gone(commit: str, failure: GitFailed) -> CodeStoreError:
    return CodeStoreError(
        f"The recorded code {commit[:12]} cannot be read: {failure.reason}",
        "It lies in the repository in which the run was made (refs/labnb/…); fetch it from there.",
    )
