"""Keeps the state of the code: in the researcher's repository where there is one, in a private one elsewhere."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from labnb.adapters.git import follow as completion
from labnb.adapters.git import restore
from labnb.adapters.git.difference import difference
from labnb.adapters.git.folder import Folder
from labnb.adapters.git.private import hold
from labnb.adapters.git.process import GitFailed, program
from labnb.adapters.git.repository import Repository, find, nearest_marker
from labnb.adapters.git.selection import Limits
from labnb.adapters.git.worktree import WorkTree
from labnb.model.errors import CodeStoreError, UsageError
from labnb.model.run import Note
from labnb.model.snapshot import CodeVersion
from labnb.ports.secret_scanner import SecretScanner

LEFT_OUT = 200


class GitCodeStore:
    """The code store of one project (`ports.code_store.CodeStore`).

    `root` is the project, `private` a folder of labnb's own (it holds the private index, and the private
    repositories, which are no cache: snapshots lie in them). `max_file` and `max_total` are bytes: larger files,
    and what goes over the total, are left out and told.
    """

    def __init__(
        self,
        root: Path,
        scanner: SecretScanner | None,
        *,
        private: Path,
        max_file: int = 10_000_000,
        max_total: int = 200_000_000,
    ) -> None:
        self._root = root.resolve()
        self._private = private.resolve()
        self._scanner = scanner
        self._limits = Limits(max_file, max_total)
        self._repository: Repository | None = None
        self._found_at: tuple[str, int] | None = None
        self._slow = False

    def snapshot(self, uid: str) -> tuple[CodeVersion, tuple[Note, ...]]:
        """Keep the work tree now, on `refs/labnb/<uid>`; see the port.

        Where a repository is there but cannot be used, the code-like files are kept in a private one and a note
        says why. Raises CodeStoreError where git is missing or nothing can be written, UsageError for a bad uid.
        """
        if not re.fullmatch(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.|lock$|$))*", uid):
            raise UsageError(f"{uid!r} cannot name a run.", "Use letters, digits, '-', '_' and single dots.")
        program()
        ref = f"refs/labnb/{uid}"
        trouble: tuple[Note, ...] = ()
        try:
            repository = self._locate()
            if repository is not None:
                code, notes = self._take_work_tree(repository, ref)
                return _told(code, notes)
        except CodeStoreError as error:
            self._found_at = None
            message = f"{error.message} The code files of {self._root.name}/ were kept without it."
            trouble = (Note("git_unusable", message, error.hint),)
        with hold(self._private / "folder") as private:
            folder = Folder(
                root=self._root,
                private=private,
                kept=self._private / "folder.git",
                limits=self._limits,
                scanner=self._scanner,
                excluded=self._below(self._root),
            )
            code, notes = folder.take(ref)
        return _told(code, (*trouble, *notes))

    def follow(self, code: CodeVersion, files: Mapping[str, str]) -> CodeVersion:
        """Put files (text by absolute path) into the snapshot on `code.ref`, and give it as it is then.

        Nothing of the researcher's is touched. What lies outside the repository stays out. Raises CodeStoreError.
        """
        own = self._private / "folder.git"
        for place, top in [(own, self._root), *self._tops()]:
            if (place / "HEAD").exists() and completion.holds_ref(place, code):
                inside = {os.path.relpath(path, top): text for path, text in files.items()}
                inside = {path: text for path, text in inside.items() if not path.startswith("../")}
                return completion.follow(place, code, inside) if inside else code
        raise CodeStoreError(f"The snapshot {str(code.snapshot)[:12]} is not in this project.")

    def _tops(self) -> list[tuple[Path, Path]]:
        try:
            repository = self._locate()
        except CodeStoreError:
            repository = None
        if repository is None:
            return []
        kept = [(place, repository.top) for place in sorted(self._private.glob("kept-*.git"))]
        return [(repository.common, repository.top), *kept]

    def recorded_files(self, snapshot: str) -> dict[str, str]:
        """Map the paths that a snapshot holds to their blobs; raises CodeStoreError where it is gone."""
        return restore.recorded_files(self._home(snapshot), snapshot)

    def checkout(self, snapshot: str, destination: Path) -> None:
        """Rebuild recorded code in a new or empty folder; raises CodeStoreError where that cannot be."""
        restore.checkout(self._home(snapshot), snapshot, destination)

    def difference(self, before: str, after: str, limit: int) -> str:
        """Give the unified diff between two commits, at most `limit` characters; raises CodeStoreError."""
        return difference(self._home(after), before, after, limit)

    def inside(self, snapshot: str) -> str:
        """Say where in a snapshot the project lies: a repository may begin above it. Raises CodeStoreError."""
        repository = None if self._home(snapshot).name == "folder.git" else self._locate()
        if repository is None or not self._root.is_relative_to(repository.top):
            return ""
        inner = self._root.relative_to(repository.top).as_posix()
        return "" if inner == "." else inner

    def _home(self, snapshot: str) -> Path:
        places = [self._private / "folder.git", *sorted(self._private.glob("kept-*.git"))]
        try:
            repository = self._locate()
        except CodeStoreError:
            repository = None
        if repository is not None:
            places.insert(0, repository.common)
        for place in places:
            if (place / "HEAD").exists() and restore.holds(place, snapshot):
                return place
        raise CodeStoreError(
            f"The recorded code {snapshot[:12]} is not in this project.",
            "It lies in the repository in which the run was made (refs/labnb/…); fetch it from there.",
        )

    def _locate(self) -> Repository | None:
        """Find the repository; asked of git again only when another `.git` leads there."""
        marker = nearest_marker(self._root)
        if marker is None:
            return None
        try:
            at = (str(marker), os.stat(marker).st_ino)
        except OSError:
            at = (str(marker), -1)
        if self._found_at != at:
            self._repository = find(self._root)
            self._found_at = at
        return self._repository

    def _take_work_tree(self, repository: Repository, ref: str) -> tuple[CodeVersion, tuple[Note, ...]]:
        name = hashlib.sha256(os.fsencode(repository.git_dir)).hexdigest()[:12]
        with hold(self._private / f"tree-{name}") as private:
            try:
                tree = WorkTree(
                    repository=repository,
                    private=private,
                    kept=self._private / f"kept-{name}.git",
                    limits=self._limits,
                    scanner=self._scanner,
                    excluded=self._below(repository.top),
                    untracked=not self._slow,
                )
                code, notes = tree.take(ref)
            except (OSError, GitFailed) as error:
                raise CodeStoreError(f"The code was not kept: {error}.", "Is there room on the disk?") from error
            self._slow = not tree.untracked
        return code, notes

    def _below(self, top: Path) -> bytes:
        """Give the private folder relative to `top`, as a prefix; empty where it lies elsewhere."""
        if self._private.is_relative_to(top):
            return os.fsencode(self._private.relative_to(top)) + b"/"
        return b""


def _told(code: CodeVersion, notes: tuple[Note, ...]) -> tuple[CodeVersion, tuple[Note, ...]]:
    """Add the note on what was left out, and keep the list readable."""
    count = len(code.left_out)
    if not count:
        return code, notes
    if count > LEFT_OUT:
        code = replace(code, left_out=(*code.left_out[:LEFT_OUT], f"… and {count - LEFT_OUT:,} more"))
    first = "; ".join(code.left_out[:3]) + ("; …" if count > 3 else "")
    things = "1 file is" if count == 1 else f"{count:,} files are"
    hint = "Put data under DVC (dvc add FILE) or into .gitignore; small code files are kept by themselves."
    return code, (*notes, Note("left_out", f"{things} not in the recorded code: {first}.", hint))
