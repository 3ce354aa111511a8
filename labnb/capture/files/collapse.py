"""Folders of many files as one entry, with the digest that DVC gives a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as _quoted
from typing import Final, NamedTuple

from labnb.model.dataset import FileUse

MANY: Final = 32
_DVC_SKIPS: Final = frozenset({".dvc", ".git", ".hg", ".dvcignore"})


class Entry(NamedTuple):
    """One file of a report: its key (absolute path), md5 in hex or None, size in bytes and how it was seen."""

    key: str
    md5: str | None
    size: int
    seen: str


@dataclass(slots=True)
class _Node:
    files: list[Entry] = field(default_factory=list)
    folders: dict[str, _Node] = field(default_factory=dict)
    count: int = 0


def collapse(
    entries: Iterable[Entry], root: str, shown: Callable[[str], str], parts: dict[str, dict[str, str]] | None = None
) -> tuple[FileUse, ...]:
    """Give the uses of files, sorted by path; `shown` turns a key into the path that a reader sees.

    Into `parts` goes, by its digest, what a folder that was used in part stands for: md5 by path inside it.

    A folder stands for its files where more than `MANY` of them were used: the folder that DVC tracks if there is
    one, else the top-most below which nothing else was used but files of the same kind of heap.
    """
    tree = _Node()
    # By folder first: there are far fewer of them than files.
    heaps: dict[str, list[Entry]] = {}
    for entry in entries:
        heaps.setdefault(entry.key[: entry.key.rfind("/")], []).append(entry)
    for folder, heap in heaps.items():
        node = tree
        node.count += len(heap)
        for part in folder.split("/")[1:]:
            node = node.folders.setdefault(part, _Node())
            node.count += len(heap)
        node.files.extend(heap)
    uses: list[FileUse] = []
    _visit(tree, "", root, shown, uses, parts)
    return tuple(sorted(uses, key=lambda use: use.path))


def folder_digest(files: Iterable[tuple[str, str]], *, complete: bool) -> str:
    """Give a folder's digest from pairs of relative POSIX path and md5.

    A complete folder gets DVC's own: the md5 of the JSON list of its files sorted by path, marked ".dir", so that a
    folder which DVC tracks has the very name that DVC gave it. Of a folder that was used in part, the digest is the
    same computation over that part, without the mark.
    """
    # As json.dumps writes it, which takes three times as long.
    text = ", ".join([f'{{"md5": "{md5}", "relpath": {_quoted(path)}}}' for path, md5 in sorted(files)])
    digest = hashlib.md5(f"[{text}]".encode(), usedforsecurity=False).hexdigest()
    return f"md5:{digest}.dir" if complete else f"md5:{digest}"


def _visit(
    node: _Node,
    path: str,
    root: str,
    shown: Callable[[str], str],
    uses: list[FileUse],
    parts: dict[str, dict[str, str]] | None,
) -> None:
    if node.count > MANY and _may_collapse(path, root) and _is_heap(node, path):
        uses.append(_folder_use(node, path, shown, parts))
        return
    for entry in node.files:
        digest = f"md5:{entry.md5}" if entry.md5 else None
        uses.append(FileUse(shown(entry.key), digest, entry.size, seen=entry.seen))
    for name, inner in node.folders.items():
        _visit(inner, f"{path}/{name}", root, shown, uses, parts)


def _may_collapse(path: str, root: str) -> bool:
    if path == root or root.startswith(path + "/"):
        return False
    return path.startswith(root + "/") or (path.count("/") >= 2 and path != os.path.expanduser("~"))


def _is_heap(node: _Node, path: str) -> bool:
    if os.path.exists(f"{path}.dvc"):
        return True
    if _tracks_below(node, path):
        return False
    if len(node.files) > MANY:
        return True
    if not node.files:
        return len(node.folders) > 1
    return not any(inner.count > MANY for inner in node.folders.values())


def _tracks_below(node: _Node, path: str) -> bool:
    """Whether DVC tracks a folder below this one by itself."""
    for name, inner in node.folders.items():
        below = f"{path}/{name}"
        if os.path.exists(f"{below}.dvc") or _tracks_below(inner, below):
            return True
    return False


def _folder_use(
    node: _Node, path: str, shown: Callable[[str], str], parts: dict[str, dict[str, str]] | None
) -> FileUse:
    entries = list(_entries(node))
    start = len(path) + 1
    digest = None
    if all(entry.md5 for entry in entries):
        listed = [(entry.key[start:], entry.md5 or "") for entry in entries]
        whole = _is_whole(path, {name for name, _ in listed})
        digest = folder_digest(listed, complete=whole)
        if parts is not None and not whole:
            parts[digest] = dict(listed)
    seen = "open" if all(entry.seen == "open" for entry in entries) else "watch"
    size = sum(entry.size for entry in entries)
    return FileUse(shown(path) + "/", digest, size, files=len(entries), seen=seen)


def _entries(node: _Node) -> Iterable[Entry]:
    yield from node.files
    for inner in node.folders.values():
        yield from _entries(inner)


def _is_whole(path: str, names: set[str]) -> bool:
    """Whether the named files are all files of a folder; looks no further than the first that is not among them."""
    pending = [path]
    counted = 0
    while pending:
        folder = pending.pop()
        inner = f"{folder[len(path) + 1 :]}/" if folder != path else ""
        try:
            with os.scandir(folder) as scan:
                for item in scan:
                    if item.name in _DVC_SKIPS:
                        continue
                    if inner + item.name in names and not item.is_dir():
                        counted += 1
                    elif item.is_dir():
                        pending.append(item.path)
                    else:
                        return False
        except OSError:
            return False
        if counted > len(names) or len(pending) > 100_000:
            return False
    return counted == len(names)
