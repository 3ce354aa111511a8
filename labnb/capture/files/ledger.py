"""What is known so far of the files of one cell: first readings, writings, and states before they change."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from types import FrameType
from typing import Final

from labnb.capture.files.digest import Hasher
from labnb.capture.files.rules import Rules
from labnb.runfolder.stat_cache import Signature, signature

# An old content is hashed while the user's code waits, so not without end. Bytes.
OLD_CONTENT_LIMIT: Final = 256 << 20
OLD_CONTENT_TOTAL: Final = 1 << 30

_WRITING: Final = os.O_WRONLY | os.O_RDWR
_NO_FILE: Final = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0)

# Who opens a .py file to run or to show it, rather than to read it as data.
_CODE_READERS: Final = ("linecache.py", "tokenize.py", "inspect.py", "pkgutil.py", "runpy.py", "ast.py")
# IPython's %run; user code's own open passes through a function of the same module.
_RUNNERS: Final = frozenset({"execfile", "safe_execfile", "safe_execfile_ipy"})


@dataclass(slots=True)
class Reading:
    """A file's state when it was first read; `md5` once it had to be taken before a change."""

    sign: Signature
    md5: str | None = None
    seen: str = "open"


@dataclass(slots=True)
class Writing:
    """A file opened for writing. `before` is its state then, None where there was none.

    `surely` says that opening alone changes it (truncation); otherwise only a changed state makes it an output.
    """

    before: Signature | None
    surely: bool
    seen: str = "open"


class Ledger:
    """Takes evidence from any thread without a lock: every step is one dictionary operation.

    Keys are absolute paths whose folder is free of symbolic links, so that one file has one key however it was
    reached; the last part stays as it was used.
    """

    def __init__(self, rules: Rules, hasher: Hasher) -> None:
        self.rules = rules
        self.reads: dict[str, Reading] = {}
        self.writes: dict[str, Writing] = {}
        self.aside: set[str] = set()
        self.names: dict[str, str] = {}
        self.too_big: dict[str, int] = {}
        self._hasher = hasher
        self._real: dict[str, str] = {}
        self._raw: set[str] = set()
        self._old_bytes = 0

    def opened(self, path: object, flags: int) -> None:
        """Note an `open` in this process, with the flags of open(2)."""
        text = absolute(path)
        if text is None or flags & _NO_FILE:
            return
        writing = flags & (_WRITING | os.O_TRUNC)
        if not writing:
            if text in self._raw:
                return
            self._read(text)
        else:
            self._raw.discard(text)
            self._write(text, flags)

    def _read(self, text: str, seen: str = "open") -> None:
        split = self.split(text)
        if split is None:
            return
        folder, name = split
        key = f"{folder}/{name}"
        if not self.rules.wants(folder, name) or (name.endswith(".py") and is_code_reader()):
            self._raw.add(text)
            return
        if key in self.writes or key in self.reads:
            self._raw.add(text)
            return
        sign = regular(key)
        if sign is not None:
            self.reads.setdefault(key, Reading(sign, seen=seen))
            self._raw.add(text)

    def _write(self, text: str, flags: int) -> None:
        key = self.key(text)
        if key is None or key in self.writes:
            return
        before = regular(key)
        if before is not None:
            if flags & os.O_EXCL and flags & os.O_CREAT:
                return  # this open fails
            updates = flags & os.O_RDWR and not flags & (os.O_TRUNC | os.O_APPEND)
            if updates and before.size:
                self.reads.setdefault(key, Reading(before))
            self.before_change(key)
        self.writes[key] = Writing(before, bool(before is None or flags & os.O_TRUNC))

    def connected(self, database: object) -> None:
        """Note a database file of SQLite: read, and perhaps changed."""
        text = absolute(database_path(database))
        key = self.key(text) if text else None
        if key is None or key in self.writes:
            return
        before = regular(key)
        if before is not None and before.size:
            self.reads.setdefault(key, Reading(before))
            self.before_change(key)
        self.writes[key] = Writing(before, False)

    def renamed(self, source: object, target: object) -> None:
        """Note a rename, about to happen: the target's content becomes the source's."""
        old, new = absolute(source), absolute(target)
        if old is None or new is None:
            return
        if os.path.isdir(old):
            self._renamed_folder(old, new)
            return
        old_key, new_key = self.key(old), self.key(new)
        if old_key is not None:
            self.before_change(old_key)
        if new_key is not None:
            self.replaced(new_key)
        self._raw.clear()

    def _renamed_folder(self, old: str, new: str) -> None:
        old_real, new_split = os.path.realpath(old), self.split(new)
        if new_split is None:
            return
        new_real = "/".join(new_split)
        for key in [key for key in list(self.reads) if key.startswith(old_real + "/")]:
            self.before_change(key)
        for key in [key for key in list(self.writes) if key.startswith(old_real + "/")]:
            self.writes.setdefault(new_real + key[len(old_real) :], Writing(None, False))
        self._raw.clear()
        self._real.clear()

    def replaced(self, key: str) -> None:
        """Note that a file is about to be another one (rename, link): only a changed state makes it an output."""
        self.before_change(key)
        if key not in self.writes:
            self.writes[key] = Writing(regular(key), False)

    def written_elsewhere(self, text: str, seen: str = "open") -> None:
        """Note a file that another process of this cell wrote, at a time that is not known."""
        key = self.key(text)
        if key is not None and key not in self.writes:
            reading = self.reads.get(key)
            self.writes[key] = Writing(reading.sign if reading else None, reading is None, seen)

    def linked(self, target: object) -> None:
        """Note a link that is about to be made under this name."""
        text = absolute(target)
        key = self.key(text) if text else None
        if key is not None:
            self.replaced(key)

    def named_to_child(self, text: str) -> None:
        """Note a file that a command names, where no file system tells whether it was read."""
        self._read(text, seen="args")

    def removed(self, path: object) -> None:
        """Note a file that is about to be removed."""
        text = absolute(path)
        key = self.key(text) if text else None
        if key is not None:
            self.before_change(key)
            self._raw.clear()

    def before_change(self, key: str) -> None:
        """Take the digest of a file that was read in this cell and is now about to change."""
        reading = self.reads.get(key)
        if reading is None or reading.md5 is not None or key in self.too_big:
            return
        limit = min(OLD_CONTENT_LIMIT, OLD_CONTENT_TOTAL - self._old_bytes)
        reading.md5 = self._hasher.now(key, reading.sign, limit)
        self._old_bytes += reading.sign.size
        if reading.md5 is None and reading.sign.size > limit:
            self.too_big[key] = reading.sign.size

    def key(self, text: str) -> str | None:
        """Give a path's key where the file counts, else None."""
        split = self.split(text)
        if split is None or not self.rules.wants(*split):
            return None
        return f"{split[0]}/{split[1]}"

    def split(self, text: str) -> tuple[str, str] | None:
        """Give a path's folder without symbolic links, and its last part."""
        folder, _, name = text.rpartition("/")
        if name in ("", ".", ".."):
            return None
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = "" if not folder else os.path.realpath(folder).rstrip("/")
            if real != folder and self.rules.is_inside(os.path.normpath(folder) + "/"):
                # Reached through a link in the project: that is the name its people know.
                self.names.setdefault(real, os.path.normpath(folder))
        return real, name

    def in_aside(self, path: object) -> None:
        """Note a file that labnb itself opened: the file system's news of it is none."""
        text = absolute(path)
        split = self.split(text) if text else None
        if split is not None:
            self.aside.add("/".join(split))


def absolute(path: object) -> str | None:
    """Give the absolute form of what was passed to open, by the working directory of this moment."""
    if type(path) is not str:
        if isinstance(path, int):
            try:
                path = os.readlink(f"/proc/self/fd/{path}")
            except OSError:
                return None
        elif isinstance(path, bytes):
            path = os.fsdecode(path)
        elif isinstance(path, os.PathLike):
            path = os.fsdecode(os.fspath(path))
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    path = path.replace(os.sep, "/")
    if path[0] != "/" and not os.path.isabs(path):
        path = f"{os.getcwd()}/{path}"
    return path


def regular(path: str) -> Signature | None:
    """Give the state of a regular file, None for anything else."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return signature(status) if stat.S_ISREG(status.st_mode) else None


def database_path(database: object) -> object:
    """Give the file in what was passed to `sqlite3.connect`."""
    if isinstance(database, str) and database.startswith("file:"):
        from urllib.parse import unquote, urlsplit

        parts = urlsplit(database)
        return None if "mode=memory" in parts.query else unquote(parts.path)
    return None if database in (":memory:", b":memory:", "", b"") else database


def is_code_reader() -> bool:
    """Whether the open that is under way loads or shows code: the nearest frames outside labnb say."""
    frame: FrameType | None = sys._getframe(1)
    here = os.path.dirname(__file__)
    outside = 0
    while frame is not None and outside < 2:
        file = frame.f_code.co_filename
        if not file.startswith(here):
            if file.startswith("<frozen importlib") or file.endswith(_CODE_READERS):
                return True
            if frame.f_code.co_name in _RUNNERS and file.endswith("interactiveshell.py"):
                return True
            outside += 1
        frame = frame.f_back
    return False
