"""The history of files in git: branches, tags, and the hidden snapshots of runs (`ports.file_history`)."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labnb.adapters.git.process import IDENTITY, Git, GitFailed
from labnb.adapters.git.repository import find
from labnb.model.errors import CodeStoreError
from labnb.ports.file_history import Change

SECONDS = 60.0
NAMES = 500
_FORMAT = "--format=%x01%H%x02%an%x02%ae%x02%at%x02%s"
_OURS = IDENTITY["GIT_AUTHOR_EMAIL"]


@dataclass(frozen=True)
class _Place:
    """A repository, and the folder that its paths are relative to."""

    git: Git
    top: str


class GitFileHistory:
    """The history of one project: of the repository around it, and of labnb's own ones below `private`."""

    def __init__(self, root: Path, private: Path) -> None:
        self._root = str(root.resolve())
        self._private = private
        self._found: list[_Place] | None = None

    def changes(self, paths: Iterable[str]) -> tuple[Change, ...]:
        """Give the commits of these files, newest first; see the port."""
        wanted = list(paths)
        found: dict[tuple[str, str], Change] = {}
        for place in self._places():
            for change in self._log(place, wanted):
                found.setdefault((change.commit, change.path), change)
        return tuple(sorted(found.values(), key=lambda change: -change.time))

    def blobs(self, names: Iterable[str]) -> dict[str, bytes]:
        """Read contents by their names."""
        return self._batch(list(dict.fromkeys(names)))

    def commit(self, revision: str) -> str | None:
        """Give the commit that a revision stands for; None where there is none, and for what is no revision at all."""
        if not revision or revision.startswith("-") or re.search(r"[\s\0:]", revision):
            return None
        for place in self._places():
            try:
                return place.git.line("rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{commit}}")
            except GitFailed:
                continue
        return None

    def read(self, files: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """Read files as commits have them."""
        asked = list(files)
        found: dict[tuple[str, str], bytes] = {}
        for place in self._places():
            named = {}
            for commit, path in asked:
                inside = os.path.relpath(os.path.join(self._root, path), place.top)
                if (commit, path) not in found and not inside.startswith("../"):
                    named[f"{commit}:{inside}"] = (commit, path)
            found.update({named[name]: content for name, content in _contents(place.git, list(named)).items()})
        return found

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """List the tags and the branches, newest first, at most some hundreds."""
        tags: list[str] = []
        branches: list[str] = []
        for place in self._places()[:1]:
            options = ("--sort=-creatordate", f"--count={NAMES}", "--format=%(refname:lstrip=2)")
            for kind, into in (("refs/tags", tags), ("refs/heads", branches)):
                try:
                    into.extend(place.git.line("for-each-ref", *options, kind).splitlines())
                except GitFailed:
                    continue
        return tuple(tags), tuple(branches)

    def _places(self) -> list[_Place]:
        if self._found is None:
            self._found = []
            try:
                repository = find(Path(self._root))
                if repository is not None:
                    git = Git(Path(self._root)).under("-c", "core.quotePath=false", GIT_LITERAL_PATHSPECS="1")
                    self._found.append(_Place(git, str(repository.top)))
            except CodeStoreError:
                pass  # no history that can be read; runs and labnb's own list still tell of versions
            top = self._found[0].top if self._found else self._root
            for own in (self._private / "folder.git", *sorted(self._private.glob("kept-*.git"))):
                if (own / "HEAD").exists():
                    base = self._root if own.name == "folder.git" else top
                    git = Git(own).under(f"--git-dir={own}", GIT_LITERAL_PATHSPECS="1")
                    self._found.append(_Place(git, base))
        return self._found

    def _log(self, place: _Place, paths: list[str]) -> Iterator[Change]:
        inside = [os.path.relpath(os.path.join(self._root, path), place.top) for path in paths]
        inside = [path for path in inside if not path.startswith("../")]
        if not inside:
            return
        given = [os.path.join(place.top, path) if place.git.folder == Path(self._root) else path for path in inside]
        options = ("--all", "--full-history", "--no-renames", "--raw", "--no-abbrev", "-z", _FORMAT)
        try:
            output = place.git.run("log", *options, "--", *given, timeout=SECONDS)
        except GitFailed:
            return
        for chunk in output.decode("utf-8", "surrogateescape").split("\x01")[1:]:
            head, *rest = chunk.split("\0")
            fields = head.split("\x02", 4)
            if len(fields) < 5:
                continue
            commit, author, mail, time, subject = fields
            # After the head: ":mode mode blob blob letter", path, and so on.
            for item, path in itertools.pairwise(rest):
                words = item.lstrip("\n").split(" ")
                if not item.lstrip("\n").startswith(":") or len(words) != 5:
                    continue
                blob = "" if set(words[3]) == {"0"} else words[3]
                shown = os.path.relpath(os.path.join(place.top, path), self._root)
                yield Change(commit, author, float(time or 0), subject.strip(), shown, blob, mail == _OURS)

    def _batch(self, names: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for place in self._places():
            found.update(_contents(place.git, [name for name in names if name not in found]))
        return found


def _contents(git: Git, names: list[str]) -> dict[str, bytes]:
    """Read objects by name; what is not there, or is no file, is left out."""
    names = [name for name in names if "\n" not in name]
    if not names:
        return {}
    asked = b"".join(os.fsencode(name) + b"\n" for name in names)
    try:
        output = git.run("cat-file", "--batch", stdin=asked, timeout=SECONDS)
    except GitFailed:
        return {}
    found, at = {}, 0
    for name in names:
        end = output.find(b"\n", at)
        if end < 0:
            break
        words = output[at:end].rsplit(b" ", 2)
        at = end + 1
        if len(words) == 3 and words[2].isdigit() and words[1] in (b"blob", b"tree", b"commit", b"tag"):
            size = int(words[2])
            if words[1] == b"blob":
                found[name] = output[at : at + size]
            at += size + 1
    return found
