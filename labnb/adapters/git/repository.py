"""Finds the repository around a folder and tells what can be known of it without looking at its files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from labnb.adapters.git.process import Git, GitFailed
from labnb.model.errors import CodeStoreError
from labnb.model.run import Note

# What lies in a git folder while an operation waits for the researcher.
IN_PROGRESS = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
}


@dataclass
class Repository:
    """A work tree and its git folders; `marker` is the `.git` that leads there."""

    top: Path
    git_dir: Path
    common: Path
    object_format: str
    marker: Path
    _remote: tuple[tuple[int, int, str | None], str | None] | None = field(default=None, repr=False)

    @property
    def index(self) -> Path:
        """The researcher's own index; read, never written."""
        return self.git_dir / "index"

    def writable(self) -> bool:
        """Whether objects and refs can be put into the repository."""
        refs = self.common / "refs" / "labnb"
        places = [self.common / "objects", refs if refs.exists() else self.common / "refs"]
        return all(os.access(place, os.W_OK | os.X_OK) for place in places)

    def in_progress(self) -> tuple[Note, ...]:
        """Tell a merge, rebase or the like that is not finished."""
        for name, what in IN_PROGRESS.items():
            if (self.git_dir / name).exists():
                message = f"The repository is in the middle of {what}; the files were kept as they are now."
                return (Note("git_in_progress", message, "Finish or abort it for a state that has a name."),)
        return ()

    def remote(self, git: Git, branch: str | None) -> str | None:
        """Give the address that the branch, or the repository, was cloned from, without credentials."""
        try:
            stat = os.stat(self.common / "config")
        except OSError:
            return None
        key = (stat.st_mtime_ns, stat.st_size, branch)
        if self._remote is None or self._remote[0] != key:
            self._remote = (key, _read_remote(git, branch))
        return self._remote[1]


def nearest_marker(root: Path) -> Path | None:
    """Find the `.git` (folder, file or link) nearest above a folder, or a bare repository that the folder is."""
    for folder in (root, *root.parents):
        marker = folder / ".git"
        if os.path.lexists(marker):
            return marker
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir():
            return folder
    return None


def find(root: Path) -> Repository | None:
    """Give the repository around `root`, None where there is none.

    Raises CodeStoreError where one is there that cannot be used, saying why.
    """
    marker = nearest_marker(root)
    if marker is None:
        return None
    git = Git(root)
    asked = ("--is-bare-repository", "--absolute-git-dir", "--git-common-dir", "--show-object-format")
    try:
        bare, git_dir, common, object_format = git.line("rev-parse", *asked).split("\n")
        inside = git.line("rev-parse", "--is-inside-work-tree")
        if bare == "true" or inside != "true":
            raise CodeStoreError(
                f"{git_dir} is a bare repository: it has no work tree.", "Open the notebook in a clone of it."
            )
        top = Path(git.line("rev-parse", "--show-toplevel"))
    except GitFailed as failure:
        raise unusable(marker, failure) from failure
    except ValueError as error:
        raise CodeStoreError(f"The path of the repository at {marker} cannot be read: {error}") from error
    if not os.path.samefile(top, marker.parent) and not _leads_here(marker, Path(git_dir)):
        # Git passed over a damaged .git and found another repository further up, which is not the one meant.
        raise CodeStoreError(f"{marker} is not a git repository.", f"Repair or remove {marker}.")
    repository = Repository(top, Path(git_dir), (root / common).resolve(), object_format, marker)
    if root.resolve() != top.resolve() and _ignored(git, root):
        raise CodeStoreError(
            f"{root} is ignored by the repository at {top}.",
            "Make a repository of its own there (git init), or take the folder out of .gitignore.",
        )
    return repository


def unusable(marker: Path, failure: GitFailed) -> CodeStoreError:
    """Say what is wrong with a repository, and what would help."""
    said = failure.stderr
    if "dubious ownership" in said:
        top = marker.parent if marker.name == ".git" else marker
        return CodeStoreError(
            f"Git does not trust {top}: it belongs to another user.",
            f"If you trust it: git config --global --add safe.directory {top}",
        )
    if "not a git repository" in said or "bad config" in said or "unknown repository extension" in said:
        return CodeStoreError(f"{marker} cannot be read by git: {failure.reason}", "git fsck says more.")
    return CodeStoreError(f"The repository at {marker} cannot be read: {failure.reason}", "git fsck says more.")


def without_credentials(address: str) -> str:
    """Take user and password out of an address; `git@host:path` stays.

    >>> without_credentials("https://me:token@host/x.git")
    'https://host/x.git'
    """
    return re.sub(r"^([a-z][a-z0-9+.-]*://)(?:[^/@]*@)+", r"\1", address, flags=re.IGNORECASE)


def _leads_here(marker: Path, git_dir: Path) -> bool:
    """Whether a `.git` is the found one although the top differs (core.worktree points elsewhere)."""
    if marker.is_dir():
        return os.path.samefile(marker, git_dir)
    try:
        return os.path.samefile(marker.parent / marker.read_text().partition(":")[2].strip(), git_dir)
    except (OSError, ValueError):
        return False


def _ignored(git: Git, root: Path) -> bool:
    try:
        git.run("check-ignore", "-q", "--no-index", "--", str(root))
    except GitFailed:
        return False
    return not git.run("ls-files", "-z", "--", ".")


def _read_remote(git: Git, branch: str | None) -> str | None:
    try:
        output = git.run("config", "-z", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")
    except GitFailed:
        return None
    found: dict[str, str] = {}
    for item in output.decode("utf-8", "replace").split("\0"):
        name, _, value = item.partition("\n")
        found.setdefault(name, value)
    urls = {key[len("remote.") : -len(".url")]: url for key, url in found.items() if key.startswith("remote.")}
    for name in (found.get(f"branch.{branch}.remote", ""), "origin", *sorted(urls)):
        if name in urls:
            return without_credentials(urls[name])
    return None
