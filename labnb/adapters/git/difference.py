"""The difference between two commits, as text."""

from __future__ import annotations

from pathlib import Path

from labnb.adapters.git.process import Git, GitFailed
from labnb.model.errors import CodeStoreError

# Of a large binary file or a forgotten data file only the fact is told; labels and mode changes stay short.
_OPTIONS = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--unified=3")


def difference(git_dir: Path, before: str, after: str, limit: int) -> str:
    """Give the unified diff from one commit to another, at most `limit` characters of it. Raises CodeStoreError."""
    try:
        data = Git(git_dir).under(f"--git-dir={git_dir}").run("diff", *_OPTIONS, before, after, "--")
    except GitFailed as failure:
        raise CodeStoreError(
            f"The difference between {before[:12]} and {after[:12]} cannot be made: {failure.reason}",
            "Both lie in the repository in which the run was made; fetch them from there.",
        ) from failure
    return data[: limit * 4].decode("utf-8", "replace")[:limit]
