"""What DVC leaves out of a folder: by its own rules, and by `.dvcignore` files (https://dvc.org/doc/user-guide)."""

from __future__ import annotations

import os
from typing import Any

FILE = ".dvcignore"
_ALWAYS = {".dvc", ".git", ".hg"}


class Ignore:
    """The rules for one folder dataset: those of the `.dvcignore` files from the top of the DVC project down to it."""

    def __init__(self, top: str, path: str) -> None:
        self._top = top
        self._spec = _spec(top, path)

    def folder(self, path: str) -> bool:
        """Whether a folder is left out: by a rule, or because it is a DVC project of its own."""
        name = os.path.basename(path)
        return name in _ALWAYS or os.path.isdir(os.path.join(path, ".dvc")) or self._matches(f"{self._inner(path)}/")

    def file(self, path: str) -> bool:
        """Whether a file is left out."""
        return os.path.basename(path) == ".git" or self._matches(self._inner(path))

    @property
    def plain(self) -> bool:
        """Whether no `.dvcignore` says anything: files need not be asked about then."""
        return self._spec is None

    def _inner(self, path: str) -> str:
        return os.path.relpath(path, self._top).replace(os.sep, "/") if self._spec is not None else ""

    def _matches(self, inner: str) -> bool:
        return self._spec is not None and bool(self._spec.match_file(inner))


def _spec(top: str, path: str) -> Any:
    lines: list[str] = []
    folder = top
    for part in ("", *os.path.relpath(path, top).split(os.sep)):
        folder = os.path.join(folder, part) if part else folder
        if folder == path and folder != top:
            break
        below = os.path.relpath(folder, top).replace(os.sep, "/")
        lines += [_moved(line, "" if below == "." else below) for line in _read(os.path.join(folder, FILE))]
    if not lines:
        return None
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return [line for line in file.read().splitlines() if line.strip() and not line.startswith("#")]
    except OSError:
        return []


def _moved(line: str, below: str) -> str:
    """Write a rule of a folder so that it means the same at the top."""
    if not below:
        return line
    no, rule = ("!", line[1:]) if line.startswith("!") else ("", line)
    if "/" in rule.rstrip("/"):
        return f"{no}/{below}/{rule.removeprefix('/')}"
    return f"{no}/{below}/**/{rule}"
