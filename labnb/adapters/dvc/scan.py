"""Lists the files of a dataset as DVC sees it, and says what it cannot take before anything is written."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from labnb.adapters.dvc.ignore import FILE, Ignore
from labnb.adapters.dvc.wording import counted, from_os, some
from labnb.model.errors import DataStoreError, NotFound
from labnb.runfolder.stat_cache import Signature, signature

_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$', re.IGNORECASE)


@dataclass(frozen=True)
class Scan:
    """The files of a dataset: each by its path inside it ("" for a file) with its state.

    `executable` tells whether a file may be run. `left_out` are the entries that DVC passes over (ignored ones, linked
    folders), relative. `notes` are warnings.
    """

    path: str
    folder: bool
    files: dict[str, Signature]
    executable: bool = False
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def full(self, name: str) -> str:
        """Give the path of a file."""
        return f"{self.path}{os.sep}{name}" if name else self.path

    @property
    def size(self) -> int:
        return sum(sign.size for sign in self.files.values())


@dataclass
class _Walk:
    ignore: Ignore
    files: dict[str, Signature] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


def scan(path: str, top: str) -> Scan:
    """List the files of a dataset at `path` in the DVC project `top`.

    Raises NotFound where nothing is there; DataStoreError, naming the file, for what DVC cannot take: names that are
    no UTF-8, links that lead nowhere or to themselves, sockets and the like, a `.dvcignore` inside.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR) and not os.path.islink(path):
            raise NotFound(f"There is no file or folder {path}.") from None
        raise _unreadable(path, error) from error
    if stat.S_ISREG(status.st_mode):
        _check_name(os.path.basename(path), path)
        notes = _notes([os.path.basename(path)] if _FORBIDDEN.search(os.path.basename(path)) else [], [])
        return Scan(path, False, {"": signature(status)}, bool(status.st_mode & 0o111), notes=notes)
    if not stat.S_ISDIR(status.st_mode):
        raise DataStoreError(f"{path} is neither a file nor a folder: it cannot be versioned.")
    if os.path.islink(path):
        raise DataStoreError(
            f"{path} is a link to a folder, which DVC does not version.", f"Add {os.path.realpath(path)} itself."
        )
    _check_name(os.path.basename(path), path)
    walk = _Walk(Ignore(top, path))
    _walk(path, "", walk)
    return Scan(
        path, True, walk.files, left_out=tuple(walk.left_out + walk.linked), notes=_notes(walk.odd, walk.linked)
    )


def _walk(folder: str, inner: str, walk: _Walk) -> None:
    below: list[tuple[str, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                _take(entry, inner, walk, below)
    except OSError as error:
        raise _unreadable(folder, error) from error
    for path, name in below:
        _walk(path, f"{name}/", walk)


def _take(entry: os.DirEntry[str], inner: str, walk: _Walk, below: list[tuple[str, str]]) -> None:
    name = f"{inner}{entry.name}"
    if not entry.name.isascii():
        _check_name(entry.name, entry.path)
    try:
        folder = entry.is_dir()
    except OSError as error:
        raise _unreadable(entry.path, error) from error
    if folder:
        if entry.is_symlink():
            walk.linked.append(name)
        elif walk.ignore.folder(entry.path):
            walk.left_out.append(name)
        else:
            below.append((entry.path, name))
        return
    if entry.name == ".git" or (not walk.ignore.plain and walk.ignore.file(entry.path)):
        walk.left_out.append(name)
        return
    if entry.name == FILE:
        raise DataStoreError(f"{entry.path} lies inside the data, where DVC allows none.", "Move it above the folder.")
    try:
        status = entry.stat()
    except OSError as error:
        raise _unreadable(entry.path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise DataStoreError(f"{entry.path} is no file but a socket, pipe or device: it cannot be versioned.")
    if _FORBIDDEN.search(entry.name):
        walk.odd.append(name)
    walk.files[name] = signature(status)


def _check_name(name: str, path: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise DataStoreError(
            f"The name of {shown} is not UTF-8, and DVC can version no such name; nothing was changed.",
            "Rename it, for example with convmv -f latin1 -t utf8.",
        ) from None


def _unreadable(path: str, error: OSError) -> DataStoreError | NotFound:
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    if error.errno == errno.ELOOP:
        return DataStoreError(f"{shown} is a symbolic link that leads to itself.", "Remove the link.")
    if error.errno == errno.ENOENT and os.path.islink(path):
        to = os.readlink(path)
        return DataStoreError(f"{shown} is a symbolic link to {to}, which is not there.", "Remove or mend the link.")
    if error.errno == errno.ENOENT:
        return NotFound(f"{shown} was there a moment ago and is gone: something else works on the data.", "Try again.")
    return from_os(error, f"{shown} cannot be read")


def _notes(odd: list[str], linked: list[str]) -> tuple[str, ...]:
    found = []
    if odd:
        found.append(f"Windows cannot hold {counted(len(odd), 'name')}: {some(sorted(odd))}.")
    if linked:
        found.append(f"Links to folders are left out, as DVC does: {some(sorted(linked))}.")
    return tuple(found)


def changed_since(before: Scan, top: str, *, linked: bool = False) -> Iterator[str]:
    """Name the files that are not as the scan saw them: changed, gone or new.

    `linked` tells that files were given another name meanwhile, which changes the time of their last change.
    """
    now = scan(before.path, top)
    if now.folder != before.folder:
        yield ""
        return
    for name in before.files.keys() | now.files.keys():
        old, new = before.files.get(name), now.files.get(name)
        if old is None or new is None or (old[:3] != new[:3] if linked else old != new):
            yield name
