"""Takes the snapshot of a work tree that belongs to a repository."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from labnb.adapters.git import own
from labnb.adapters.git import status as porcelain
from labnb.adapters.git.private import Private, State, stat_or_nothing
from labnb.adapters.git.process import Git, GitFailed, GitSlow
from labnb.adapters.git.repository import Repository, unusable
from labnb.adapters.git.screen import Screen
from labnb.adapters.git.selection import Limits, Selection, select, shown
from labnb.adapters.git.status import Entry, Status
from labnb.model.run import Note
from labnb.model.snapshot import CodeVersion
from labnb.ports.secret_scanner import SecretScanner

ATTEMPTS = 8
FILTER_TROUBLE = re.compile(r"clean filter '.*' failed|external filter|the remote end hung up|for subprocess '")
MESSAGE = "labnb: the work tree of a run"


@dataclass
class WorkTree:
    """One look at a work tree. It learns from git's refusals: each of them is met at most once.

    `kept` is the bare repository that takes objects and refs where the researcher's own cannot be written.
    """

    repository: Repository
    private: Private
    kept: Path
    limits: Limits
    scanner: SecretScanner | None
    excluded: bytes
    untracked: bool = True
    aside: bool = False
    rebuilt: bool = False
    unfiltered: bool = False
    notes: list[Note] = field(default_factory=list)
    unreadable: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Set up git for this work tree and the private index."""
        self.top = os.fsencode(self.repository.top)
        git = Git(self.repository.top, lock=self.private.lock)
        self.git = self.refs = git.under(GIT_INDEX_FILE=str(self.private.index))
        if not self.repository.writable():
            self._go_aside()

    def take(self, ref: str) -> tuple[CodeVersion, tuple[Note, ...]]:
        """Keep the work tree on `ref`; raises CodeStoreError where the repository cannot be read."""
        fresh = False
        for _ in range(ATTEMPTS):
            try:
                return self._attempt(ref, fresh)
            except GitFailed as failure:
                if not self._learn(failure):
                    if self.rebuilt:
                        raise unusable(self.repository.marker, failure) from failure
                    # First the private index is suspected, then the researcher's own.
                    self.rebuilt, fresh = fresh, True
        raise unusable(self.repository.marker, GitFailed("status", -1, "it fails in a new way each time"))

    def _attempt(self, ref: str, fresh: bool) -> tuple[CodeVersion, tuple[Note, ...]]:
        state = self.private.load()
        if fresh or state.source is None or state.source != stat_or_nothing(self.repository.index):
            self._refill(state)
            fresh = True
        status = self._look(state)
        if not fresh and any(e.unstaged != "." and e.path.endswith(b".gitignore") for e in status.entries):
            # What is ignored now may lie in the private index from before.
            self._refill(state)
            status = self._look(state)
        entries = [entry for entry in status.entries if not self._excluded(entry.path)]
        screen = Screen(self.scanner, self.git, self.top, state, self.repository.object_format)
        left_out = self._update(state, status, entries, screen)
        state.head, state.snapshot = status.head, self._commit(state, status, entries)
        self.refs.run("update-ref", ref, state.snapshot)
        screen.close(entry.path for entry in entries)
        self.private.save(state)
        code = CodeVersion(
            commit=status.head,
            ref=ref,
            snapshot=state.snapshot,
            branch=status.branch,
            remote=self.repository.remote(self.git, status.branch),
            dirty=bool(entries),
            left_out=tuple(left_out),
            submodules=dict(state.submodules),
        )
        if not self.untracked:
            message = "New files were not kept: looking for them took too long."
            self._note("untracked_skipped", message, "Put folders with many files into .gitignore.")
        said = (*self.repository.in_progress(), *self.notes, *_nested(entries), *_changed_submodules(entries))
        return code, (*said, *screen.notes())

    def _look(self, state: State) -> Status:
        # A submodule is looked at by a git of its own, which must not refresh the submodule's index.
        git = self.git.under(GIT_OPTIONAL_LOCKS="0") if state.submodules else self.git
        wanted = f"--untracked-files={'all' if self.untracked else 'no'}"
        return porcelain.parse(git.run("status", *porcelain.ARGUMENTS, wanted))

    def _refill(self, state: State) -> None:
        """Start the private index anew from the researcher's, or from HEAD where that one is damaged."""
        state.source = state.head = state.snapshot = None
        state.sizes = {}
        self.private.save(state)
        if self.rebuilt:
            source = stat_or_nothing(self.repository.index)
            self.private.forget_index()
            self.git.run("read-tree", "HEAD")
        else:
            source = self.private.copy_index(self.repository.index)
        try:
            self.git.run("update-index", "-q", "--unmerged", "--refresh")
        except GitFailed as failure:
            if failure.status != 1:  # 1: some files differ, as is to be expected
                raise
        state.submodules = self._submodules()
        state.source = source

    def _submodules(self, *paths: bytes) -> dict[str, str]:
        found = {}
        for line in self.git.run("ls-files", "-s", "-z", "--", *paths).split(b"\0"):
            if line.startswith(porcelain.GITLINK):
                head, _, path = line.partition(b"\t")
                found[shown(path)] = head.split(b" ")[1].decode()
        return found

    def _excluded(self, path: bytes) -> bool:
        # Jupyter's copies of notebooks are no change of the researcher's, though few projects ignore them.
        below = b"/" + path
        ours = b"/.labnb/" in below or b"/.ipynb_checkpoints/" in below
        return ours or bool(self.excluded and path.startswith(self.excluded))

    def _update(self, state: State, status: Status, entries: list[Entry], screen: Screen) -> list[str]:
        """Bring the private index to the state of the work tree; give what it does not hold."""
        plain = [e for e in entries if e.submodule[0] != "S" and not e.path.endswith(b"/")]
        moved = [e.path for e in entries if e.submodule.startswith("SC") and e.unstaged not in ".D"]
        moved = [path for path in moved if path not in self.unreadable]
        changed = {e.path: e for e in plain if e.unstaged not in ".D" and e.path not in self.unreadable}
        used = sum(size for path, size in state.sizes.items() if os.fsencode(path) not in changed)
        chosen = select(self.top, changed, self.limits, used)
        for path in self.unreadable:
            chosen.refuse(path, "git cannot read it")
        masked = self._mask(plain, chosen, screen)
        take = [path for path in chosen.held if path not in masked] + moved
        drop = [e.path for e in entries if e.unstaged == "D"] + [
            path for path in chosen.gone if not changed[path].untracked
        ]
        refused = set(chosen.refused)  # what the private index lacks already is told as staged
        refuse = [e.path for e in plain if e.path in refused and not e.untracked and e.unstaged != "."]
        redacted = {path: new for path, (new, old) in masked.items() if new[1] != old}
        if take or drop or refuse or redacted:
            self._open(state)
            for path, found in chosen.held.items():
                state.sizes[os.fsdecode(path)] = found.st_size
            for path in (*drop, *refuse):
                state.sizes.pop(os.fsdecode(path), None)
            self._write_index(take, drop, refuse, redacted)
            if moved or drop:
                gone = {shown(path) for path in drop}
                kept = {path: commit for path, commit in state.submodules.items() if path not in gone}
                state.submodules = kept | (self._submodules(*moved) if moved else {})
        return chosen.left_out

    def _mask(
        self, plain: list[Entry], chosen: Selection, screen: Screen
    ) -> dict[bytes, tuple[tuple[bytes, str], str]]:
        """Scan what differs from HEAD; map each file with secrets to (mode, redacted blob) and the index's blob."""
        masked = {}
        for entry in plain:
            if entry.unstaged == "." and entry.staged not in ".D":
                if entry.mode == porcelain.SYMLINK or self.scanner is None or screen.known_clean(entry.blob):
                    continue
                try:
                    found = os.lstat(os.path.join(self.top, entry.path))
                except OSError:
                    continue
                redacted = screen.check(entry.path, found, entry.blob)
            elif entry.path in chosen.held:
                found = chosen.held[entry.path]
                redacted = screen.check(entry.path, found)
            else:
                continue
            if redacted is not None:
                mode = b"100755" if found.st_mode & 0o100 else b"100644"
                masked[entry.path] = ((mode, redacted.blob), entry.blob)
        return masked

    def _open(self, state: State) -> None:
        """Say that the index is being changed: who finds this knows no commit of it."""
        if state.snapshot is not None:
            state.snapshot = None
            self.private.save(state)

    def _write_index(
        self, take: list[bytes], drop: list[bytes], refuse: list[bytes], redacted: dict[bytes, tuple[bytes, str]]
    ) -> None:
        if take or drop:
            names = b"".join(path + b"\0" for path in (*drop, *take))
            self.git.run("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=names)
        if refuse:
            names = b"".join(path + b"\0" for path in refuse)
            self.git.run("update-index", "--force-remove", "-z", "--stdin", stdin=names)
        if redacted:
            lines = (b"%b %b\t%b\0" % (mode, blob.encode(), path) for path, (mode, blob) in redacted.items())
            self.git.run("update-index", "--add", "--replace", "-z", "--index-info", stdin=b"".join(lines))

    def _commit(self, state: State, status: Status, entries: list[Entry]) -> str:
        """Give the commit that holds the private index: HEAD when nothing differs, the last one when it still does."""
        if status.head is not None and not entries:
            return status.head
        if state.snapshot is not None and state.head == status.head:
            return state.snapshot
        tree = self.git.line("write-tree")
        parent = () if status.head is None else ("-p", status.head)
        return self.git.line("commit-tree", "--no-gpg-sign", tree, *parent, "-m", MESSAGE)

    def _learn(self, failure: GitFailed) -> bool:
        """Change what git objected to; False when there is nothing to change."""
        if isinstance(failure, GitSlow):
            if failure.command == "status" and self.untracked:
                self.untracked = False
                return True
            return False
        if FILTER_TROUBLE.search(failure.stderr) and not self.unfiltered:
            self._pass_over_filters()
            return True
        unreadable = re.search(r"Unable to process path (.*)", failure.stderr)
        if unreadable:
            path = unreadable[1].encode("utf-8", "surrogateescape")
            known = path in self.unreadable
            self.unreadable.add(path)
            return not known
        if failure.read_only and not self.aside:
            self._go_aside()
            return True
        return False

    def _pass_over_filters(self) -> None:
        self.unfiltered = True
        try:
            listed = self.git.run("config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$")
        except GitFailed:
            return
        names = sorted({name.split(".", 1)[1].rpartition(".")[0] for name in listed.decode().split("\0") if name})
        for name in names:
            off = (f"filter.{name}.{what}" for what in ("clean=", "process=", "required=false"))
            self.git = self.git.under(*(word for setting in off for word in ("-c", setting)))
        self._note("git_filter", f"A git filter failed ({', '.join(names)}); changed files were kept unfiltered.",
                   "Install what the filter needs (for lfs: git lfs install).")  # fmt: skip

    def _note(self, code: str, message: str, hint: str) -> None:
        self.notes.append(Note(code, message, hint))

    def _go_aside(self) -> None:
        """Put objects and refs into a repository of our own that borrows the researcher's objects."""
        self.aside = True
        objects = self.repository.common / "objects"
        own.make(self.kept, self.repository.object_format, alternate=objects)
        self.git = self.git.under(
            GIT_OBJECT_DIRECTORY=str(self.kept / "objects"),
            GIT_ALTERNATE_OBJECT_DIRECTORIES='"' + str(objects).replace("\\", "\\\\").replace('"', '\\"') + '"',
        )
        self.refs = Git(self.kept, lock=self.private.lock).under(f"--git-dir={self.kept}")
        self._note("git_read_only", f"{self.repository.common} cannot be written; the code was kept in .labnb.",
                   "Ask its owner for write permission if others shall find the code of your runs.")  # fmt: skip


def _nested(entries: list[Entry]) -> tuple[Note, ...]:
    names = [shown(entry.path) for entry in entries if entry.untracked and entry.path.endswith(b"/")]
    if not names:
        return ()
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    message = f"Not kept, being git repositories of their own: {listed}."
    return (Note("nested_repository", message, "Make them submodules, or install them as packages."),)


def _changed_submodules(entries: list[Entry]) -> tuple[Note, ...]:
    return tuple(
        Note(
            "submodule_dirty",
            f"The submodule {shown(entry.path)} has changes of its own; only its commit was recorded.",
            "Commit them inside the submodule.",
        )
        for entry in entries
        if entry.submodule[0] == "S" and (entry.submodule[2] == "M" or entry.submodule[3] == "U")
    )
