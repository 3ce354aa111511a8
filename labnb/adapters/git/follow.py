"""Puts a few files into a hidden snapshot that is there already: a commit that follows it on the run's ref."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from labnb.adapters.git.process import Git, GitFailed
from labnb.model.errors import CodeStoreError
from labnb.model.snapshot import CodeVersion

MESSAGE = "labnb: pointers of data that a run read"


def follow(git_dir: Path, code: CodeVersion, files: Mapping[str, str]) -> CodeVersion:
    """Write a commit behind `code.snapshot` that also holds `files` (paths in the repository), and move the ref on.

    Only objects and the hidden ref are written, through an index of its own. Raises CodeStoreError.
    """
    if code.snapshot is None or code.ref is None:
        raise CodeStoreError("There is no snapshot of the code.")
    with tempfile.TemporaryDirectory(prefix="labnb-index-") as folder:
        git = Git(git_dir).under(f"--git-dir={git_dir}", GIT_INDEX_FILE=os.path.join(folder, "index"))
        try:
            git.run("read-tree", code.snapshot)
            lines = []
            for path, text in files.items():
                blob = git.line("hash-object", "-w", "--no-filters", "--stdin", stdin=text.encode())
                lines.append(b"100644 %b\t%b\0" % (blob.encode(), os.fsencode(path)))
            git.run("update-index", "--add", "--replace", "-z", "--index-info", stdin=b"".join(lines))
            commit = git.line(
                "commit-tree", "--no-gpg-sign", git.line("write-tree"), "-p", code.snapshot, "-m", MESSAGE
            )
            git.run("update-ref", code.ref, commit, code.snapshot)
        except GitFailed as failure:
            raise CodeStoreError(f"The snapshot could not be completed: {failure.reason}") from failure
    return replace(code, snapshot=commit)


def holds_ref(git_dir: Path, code: CodeVersion) -> bool:
    """Whether this is where the snapshot's ref lies."""
    try:
        return (
            Git(git_dir).under(f"--git-dir={git_dir}").line("rev-parse", "-q", "--verify", str(code.ref))
            == code.snapshot
        )
    except GitFailed:
        return False
