"""Errors of the operating system in the words of the Data Store."""

from __future__ import annotations

import errno

from labnb.model.errors import DataStoreError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def from_os(error: OSError, doing: str) -> DataStoreError:
    """Say what could not be done, and what would help; `doing` continues "… cannot be"."""
    path = error.filename2 or error.filename
    at = f" ({path})" if path and str(path) not in doing else ""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return DataStoreError(
            f"{doing}: there is no room{at}: {reason}.",
            "Nothing was changed. Free some room, or put the cache elsewhere: dvc cache dir PATH.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DataStoreError(f"{doing}: {reason}{at}.", "Nothing was changed. Ask the owner of that file or folder.")
    if error.errno == errno.ELOOP:
        return DataStoreError(f"{doing}: a symbolic link leads to itself{at}.", "Remove the link.")
    return DataStoreError(f"{doing}: {reason}{at}.")


def counted(number: int, noun: str) -> str:
    """Give a number with its noun.

    >>> counted(1, "file"), counted(2, "file")
    ('1 file', '2 files')
    """
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(names: list[str], limit: int = 5) -> str:
    """List the first few of many names."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
