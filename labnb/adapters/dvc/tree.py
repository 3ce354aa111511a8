"""The listing of a folder dataset: written as DVC writes it, and believed only where it stays inside the folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping

from labnb.adapters.dvc.cache import listing_digest
from labnb.model.errors import StoreCorrupt

__all__ = ["check_digest", "is_digest", "listing_bytes", "listing_digest", "parse_listing"]
_DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")


def listing_bytes(files: Mapping[str, str]) -> bytes:
    """Give the object of a folder whose files have these md5: the JSON whose md5 names it."""
    return json.dumps([{"md5": files[name], "relpath": name} for name in sorted(files)], sort_keys=True).encode()


def parse_listing(content: bytes, where: str) -> dict[str, str]:
    """Map the files of a listing to their md5.

    Raises StoreCorrupt where it is none, or where a name leads out of the folder.
    """
    try:
        entries = json.loads(content)
        files = {str(entry["relpath"]): str(entry["md5"]) for entry in entries}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreCorrupt(
            f"{where} is no listing of a folder: {error}.", "Remove it; labnb data pull fetches it again."
        ) from error
    for name, md5 in files.items():
        if not _stays_inside(name):
            raise StoreCorrupt(
                f"{where} names the file {name!r}, which would lie outside the dataset: nothing of it is used.",
                "Somebody made this listing by hand; do not trust where it comes from.",
            )
        if not is_digest(md5) or md5.endswith(".dir"):
            raise StoreCorrupt(f"{where} gives {name!r} the digest {md5[:40]!r}, which is none.")
    _check_folders(files, where)
    return files


def is_digest(text: str) -> bool:
    """Whether it is the digest of a file or (".dir") a folder."""
    return _DIGEST.fullmatch(text) is not None


def check_digest(version: str, dataset: str) -> None:
    """Raise StoreCorrupt where a version is no digest: it becomes part of paths."""
    if not is_digest(version):
        raise StoreCorrupt(
            f"{dataset}@{version[:40]} is no version: its digest is not an md5.", "labnb data log lists the versions."
        )


def _stays_inside(name: str) -> bool:
    parts = name.split("/")
    return not (
        "\0" in name
        or any(part in ("", ".", "..") for part in parts)
        or os.path.isabs(name)
        or (os.sep != "/" and (os.sep in name or ":" in name))
    )


def _check_folders(files: Iterable[str], where: str) -> None:
    names = set(files)
    for name in names:
        above = name.rpartition("/")[0]
        while above:
            if above in names:
                raise StoreCorrupt(f"{where} names {above!r} both as a file and as a folder.")
            above = above.rpartition("/")[0]
