"""The content of datasets: what lies in the cache, and what lies in the work tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from labnb.adapters.dvc.ignore import Ignore
from labnb.adapters.dvc.revision import is_digest

_LAYOUTS = (("files", "md5"), ())


def cached(cache: str, md5: str) -> Path | None:
    """Find an object in a cache (the layout of DVC 3, then that before it); None where it is not there."""
    if not is_digest(md5):
        return None
    for layout in _LAYOUTS:
        place = Path(cache, *layout, md5[:2], md5[2:])
        if place.is_file():
            return place
    return None


def missing_of(cache: str, wanted: Iterable[str]) -> set[str]:
    """Give those digests that a cache does not hold; reads folders of it instead of asking for each file."""
    rest: dict[str, set[str]] = {}
    for md5 in wanted:
        if is_digest(md5):
            rest.setdefault(md5[:2], set()).add(md5[2:])
    for layout in _LAYOUTS:
        for start in [start for start, names in rest.items() if names]:
            names = rest[start]
            folder = os.path.join(cache, *layout, start)
            if len(names) < 50:
                names.difference_update([name for name in names if os.path.isfile(os.path.join(folder, name))])
                continue
            try:
                names.difference_update(os.listdir(folder))
            except OSError:
                continue
    return {start + name for start, names in rest.items() for name in names}


def files_below(folder: str, ignore: Ignore) -> Iterator[tuple[str, int]]:
    """Give the files of a dataset's folder with their sizes, as DVC sees them: links to folders are not followed.

    What `.dvcignore` names is passed over.
    Paths are relative to the folder, with "/".
    """
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        try:
            with os.scandir(os.path.join(folder, inner)) as listing:
                entries = list(listing)
        except OSError:
            continue
        for entry in entries:
            path = f"{inner}/{entry.name}" if inner else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not ignore.folder(entry.path):
                        waiting.append(path)
                elif entry.is_file() and (ignore.plain or not ignore.file(entry.path)):
                    yield path, entry.stat().st_size
            except OSError:
                continue  # it went away, or a link that leads nowhere
