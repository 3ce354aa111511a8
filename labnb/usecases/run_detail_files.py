"""The files that a run kept: listed by path, found by id, never outside their folder."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from labnb.model.api_run_parts import Artifact, Artifacts
from labnb.model.errors import NotFound
from labnb.model.plain import sound
from labnb.model.run import time_text

#: A folder with more files is listed in part.
MOST = 200_000


def artifacts_of(folder: Path, text: str, limit: int, cursor: str) -> Artifacts:
    """Give a page of the files whose path contains the text, by path; `cursor` is the last path of the page before."""
    wanted = text.lower()
    paths = sorted(path for path in _files(folder) if wanted in path.lower())
    begin = bisect_right(paths, cursor) if cursor else 0
    page = paths[begin : begin + limit]
    items = [item for path in page if (item := _artifact(folder, path)) is not None]
    return Artifacts(items, sound(page[-1]) if begin + limit < len(paths) else None, len(paths))


def artifact_of(folder: Path, number: str) -> tuple[Path, Artifact]:
    """Give the file with this id; raises NotFound."""
    for path in _files(folder):
        if id_of(path) == number and (found := _artifact(folder, path)) is not None:
            return folder / path, found
    raise NotFound(f"This run kept no file {number!r}.", "Ask for its artifacts again: it may have been removed.")


def id_of(path: str) -> str:
    """Make the id of a file from its path below the folder."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:24]


def type_of(path: str) -> str:
    """Name the media type that a file's name suggests."""
    return mimetypes.guess_type(path, strict=False)[0] or "application/octet-stream"


def _files(folder: Path) -> Iterator[str]:
    """Give the paths of all plain files, following no links."""
    waiting, count = [""], 0
    while waiting:
        below = waiting.pop()
        try:
            entries = list(os.scandir(folder / below))
        except OSError:
            continue
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
                count += 1
                if count >= MOST:
                    return


def _artifact(folder: Path, path: str) -> Artifact | None:
    try:
        found = os.lstat(folder / path)
    except OSError:
        return None
    return Artifact(id_of(path), sound(path), found.st_size, time_text(found.st_mtime), type_of(path))
