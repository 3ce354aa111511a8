"""Reads `git status --porcelain=v2 -z --branch`."""

from __future__ import annotations

from dataclasses import dataclass, field

ARGUMENTS = (
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-renames",
    "--no-ahead-behind",
    "--ignore-submodules=none",
)

GITLINK = b"160000"
SYMLINK = b"120000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path that differs from HEAD, from the index, or is untracked.

    `staged` and `unstaged` are git's letters ("." for no difference); an untracked path has "?" in both, an
    unmerged one "U". `blob` is the object in the index. `submodule` is git's four letters ("N..." for a plain file).
    """

    path: bytes
    staged: str
    unstaged: str
    mode: bytes = b"100644"
    blob: str = ""
    submodule: str = "N..."

    @property
    def untracked(self) -> bool:
        """Whether the index does not know the path."""
        return self.staged == "?"


@dataclass(slots=True)
class Status:
    """HEAD (None before the first commit), branch (None when detached), and what differs."""

    head: str | None = None
    branch: str | None = None
    entries: list[Entry] = field(default_factory=list)


def parse(output: bytes) -> Status:
    """Read git's answer."""
    status = Status()
    for record in output.split(b"\0"):
        kind = record[:2]
        if kind == b"1 ":
            _, xy, sub, _, mode, _, _, blob, path = record.split(b" ", 8)
            status.entries.append(Entry(path, chr(xy[0]), chr(xy[1]), mode, blob.decode(), sub.decode()))
        elif kind == b"u ":
            _, _, sub, _, _, _, mode, _, _, _, path = record.split(b" ", 10)
            status.entries.append(Entry(path, "U", "U", mode, "", sub.decode()))
        elif kind == b"? ":
            status.entries.append(Entry(record[2:], "?", "?"))
        elif kind == b"# ":
            _header(status, record[2:].decode("utf-8", "surrogateescape"))
    return status


def _header(status: Status, text: str) -> None:
    name, _, value = text.partition(" ")
    if name == "branch.oid" and value != "(initial)":
        status.head = value
    elif name == "branch.head" and value != "(detached)":
        status.branch = value
