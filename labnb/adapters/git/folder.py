"""Takes the snapshot of a folder that has no repository: its code-like files, in a repository of labnb's own."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labnb.adapters.git import own
from labnb.adapters.git.private import Private, Redacted, State, stat_key
from labnb.adapters.git.process import Git, GitFailed
from labnb.adapters.git.screen import Screen
from labnb.adapters.git.selection import Limits, Selection, looks_like_code, select, shown
from labnb.model.errors import CodeStoreError
from labnb.model.run import Note
from labnb.model.snapshot import CodeVersion
from labnb.ports.secret_scanner import SecretScanner

MAX_FILES = 2_000
WALK_SECONDS = 1.0
WALK_ENTRIES = 50_000
# Text of these kinds is code when it is small, and data when it is not.
MAYBE_DATA = (b".json", b".txt", b".md")
MAYBE_DATA_BYTES = 1_000_000
SKIPPED = frozenset({b"__pycache__", b"node_modules", b"site-packages", b"mlruns", b"lightning_logs", b"wandb"})
MESSAGE = "labnb: the code in a folder"


@dataclass
class Walk:
    """What was found below a folder, nearest first, within a budget of files, entries and seconds."""

    files: list[bytes] = field(default_factory=list)
    nested: list[bytes] = field(default_factory=list)
    stopped: str = ""


def walk(top: bytes, max_files: int = MAX_FILES, seconds: float = WALK_SECONDS) -> Walk:
    """Find the code-like files below `top`; hidden folders, environments and caches are passed over."""
    found, seen, give_up = Walk(), 0, time.monotonic() + seconds
    for folder, entries in _folders(top, found.nested):
        for entry in entries:
            seen += 1
            if len(found.files) >= max_files:
                found.stopped = f"more than {max_files:,} code files"
            elif seen > WALK_ENTRIES:
                found.stopped = f"more than {WALK_ENTRIES:,} files and folders"
            elif seen % 100 == 0 and time.monotonic() > give_up:
                found.stopped = f"looking took more than {seconds:g} s"
            if found.stopped:
                return found
            if looks_like_code(entry.name) and entry.is_file() and not entry.name.startswith(b"."):
                found.files.append(os.path.join(folder, entry.name))
    return found


def _folders(top: bytes, nested: list[bytes]) -> Iterator[tuple[bytes, list[os.DirEntry[bytes]]]]:
    waiting = deque([b""])
    while waiting:
        folder = waiting.popleft()
        try:
            with os.scandir(os.path.join(top, folder)) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            continue
        names = {entry.name for entry in entries}
        if folder and b".git" in names:
            nested.append(folder + b"/")
            continue
        if b"pyvenv.cfg" in names or b"conda-meta" in names:
            continue
        # What DVC tracks is data: its pointer is kept. Without git no .gitignore says so.
        entries = [entry for entry in entries if entry.name + b".dvc" not in names]
        yield folder, entries
        for entry in entries:
            hidden = entry.name.startswith(b".") or entry.name in SKIPPED
            if not hidden and entry.is_dir(follow_symlinks=False):
                waiting.append(os.path.join(folder, entry.name))


@dataclass
class Folder:
    """A folder without a repository; `kept` is the bare repository that takes its snapshots."""

    root: Path
    private: Private
    kept: Path
    limits: Limits
    scanner: SecretScanner | None
    excluded: bytes

    def take(self, ref: str) -> tuple[CodeVersion, tuple[Note, ...]]:
        """Keep the folder's code on `ref` in the private repository; raises CodeStoreError when that fails."""
        try:
            try:
                return self._attempt(ref, self.private.load())
            except GitFailed:
                self._start_anew()
                return self._attempt(ref, State())
        except (GitFailed, OSError) as failure:
            raise CodeStoreError(
                f"The code was not kept: {self.kept} cannot be used ({failure}).",
                "Make the project's .labnb folder writable, with room on the disk.",
            ) from failure

    def _start_anew(self) -> None:
        """Forget the private index, and put the private repository aside when it is damaged."""
        self.private.forget_index()
        own.put_aside_if_damaged(self.kept)

    def _attempt(self, ref: str, state: State) -> tuple[CodeVersion, tuple[Note, ...]]:
        git = self._git()
        top = os.fsencode(self.root)
        found = walk(top)
        paths = [path for path in found.files if not (self.excluded and path.startswith(self.excluded))]
        chosen = select(top, paths, self.limits)
        for path in [p for p in chosen.held if _is_data(p, chosen.held[p].st_size)]:
            del chosen.held[path]
            chosen.refuse(path, "more than 1 MB, taken for data")
        screen = Screen(self.scanner, git, top, state)
        now = {os.fsdecode(path): stat_key(stat) for path, stat in chosen.held.items()}
        if state.snapshot is None or now != state.files:
            self._update(git, state, chosen, screen, now)
        assert state.snapshot is not None
        git.run("update-ref", ref, state.snapshot)
        screen.close(chosen.held)
        self.private.save(state)
        left_out = [*chosen.left_out, *([f"others: {found.stopped}"] if found.stopped else [])]
        code = CodeVersion(ref=ref, snapshot=state.snapshot, left_out=tuple(left_out))
        return code, (*_nested(found.nested), *screen.notes())

    def _git(self) -> Git:
        own.make(self.kept)
        places = {"GIT_DIR": str(self.kept), "GIT_WORK_TREE": str(self.root)}
        git = Git(self.root, lock=self.private.lock).under("-c", "core.autocrlf=false", **places)
        return git.under(GIT_INDEX_FILE=str(self.private.index))

    def _update(self, git: Git, state: State, chosen: Selection, screen: Screen, now: dict[str, list[int]]) -> None:
        before = state.files if state.snapshot is not None and self.private.index.exists() else {}
        if not before:
            self.private.forget_index()
        state.snapshot = None
        self.private.save(state)
        changed = [path for path in chosen.held if before.get(os.fsdecode(path)) != now[os.fsdecode(path)]]
        masked: dict[bytes, Redacted] = {}
        for path in changed:
            redacted = screen.check(path, chosen.held[path])
            if redacted is not None:
                masked[path] = redacted
        gone = [os.fsencode(path) for path in before if path not in now]
        take = b"".join(path + b"\0" for path in changed if path not in masked)
        if gone:
            git.run("update-index", "--force-remove", "-z", "--stdin", stdin=b"\0".join(gone) + b"\0")
        if take:
            git.run("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=take)
        if masked:
            lines = (b"100644 %b\t%b\0" % (item.blob.encode(), path) for path, item in masked.items())
            git.run("update-index", "--add", "--replace", "-z", "--index-info", stdin=b"".join(lines))
        tree = git.line("write-tree")
        state.snapshot = git.line("commit-tree", "--no-gpg-sign", tree, "-m", MESSAGE)
        state.files = now


def _is_data(path: bytes, size: int) -> bool:
    return size > MAYBE_DATA_BYTES and path.lower().endswith(MAYBE_DATA)


def _nested(paths: list[bytes]) -> tuple[Note, ...]:
    if not paths:
        return ()
    listed = ", ".join(shown(path) for path in paths[:5]) + (" …" if len(paths) > 5 else "")
    message = f"Not kept, being git repositories of their own: {listed}."
    return (Note("nested_repository", message, "Make the project a git repository with them as submodules."),)
