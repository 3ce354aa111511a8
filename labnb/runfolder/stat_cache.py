"""A memory of digests, so that each state of a file is read once."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from labnb.runfolder.mounts import is_shared, mount_of

# As git's racy index: a file that changed less than this before it was hashed may change again without a new time.
RACY_NS = 2_000_000_000
_MAX_ROWS = 500_000
_BATCH = 400
_T = TypeVar("_T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (
    path BLOB PRIMARY KEY, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, hashed_ns INTEGER NOT NULL, md5 TEXT NOT NULL
)
"""


class Signature(NamedTuple):
    """What of a file's status changes when its content does. Times are nanoseconds since the epoch."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class StatCache:
    """Maps a file's state to its md5; many processes share one SQLite file.

    The change time is part of the state: it tells a rewritten file whose size and modification time were put back.
    A cache that cannot be opened, read or written is the same as an empty one: nothing here raises.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None and is_shared(mount_of(path)[1]):
            # The write-ahead log is memory shared by processes of one machine: each machine has its own file.
            machine = "".join(c if c.isalnum() else "-" for c in socket.gethostname())
            path = path.with_name(f"{path.stem}-{machine}{path.suffix}")
        self._path = path
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._broken = path is None
        self._pid = os.getpid()

    def get(self, files: Iterable[tuple[str, Signature]]) -> dict[str, str]:
        """Give the md5 (hex) of those files whose present state is known and was settled when it was hashed."""
        wanted = dict(files)
        return self._use(lambda db: _find(db, wanted)) or {} if wanted else {}

    def put(self, files: Iterable[tuple[str, Signature, str]], hashed_ns: int) -> None:
        """Keep md5 digests; `hashed_ns` is the time (nanoseconds since the epoch) at which reading began."""
        rows = [
            (os.fsencode(name), _signed(sign.inode), sign.size, sign.mtime_ns, sign.ctime_ns, hashed_ns, md5)
            for name, sign, md5 in files
            if _is_settled(sign, hashed_ns)  # a younger one would not be believed anyway
        ]
        if rows:
            self._use(lambda db: _keep(db, rows))

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._lock:
            if self._db is not None and self._pid == os.getpid():
                with suppress(sqlite3.Error):
                    self._db.close()
            self._db = None

    def _use(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        with self._lock:
            try:
                db = self._open()
                return None if db is None else work(db)
            except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
                # Busy is a passing state; anything else stays.
                if not isinstance(error, sqlite3.OperationalError) or "locked" not in str(error):
                    self._broken = True
                    self.close()
                return None

    def _open(self) -> sqlite3.Connection | None:
        if self._broken or self._path is None:
            return None
        if self._db is not None and self._pid == os.getpid():
            return self._db
        if not self._path.parent.is_dir():
            return None  # looking at files alone makes no folder in a project
        self._pid = os.getpid()
        try:
            self._db = self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            # Not a database (any more): it is only a cache, so begin a new one.
            self._path.rename(self._path.with_name(f"{self._path.name}.broken-{time.time_ns()}"))
            self._db = self._connect()
        return self._db

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(str(self._path), timeout=0.25, check_same_thread=False)
        try:
            with suppress(sqlite3.OperationalError):
                db.execute("PRAGMA journal_mode=WAL")  # refused while another process does the same
            db.execute("PRAGMA synchronous=OFF")  # a lost cache costs one more reading, a sync costs every run
            db.execute(_SCHEMA)
            oldest = "DELETE FROM digests WHERE rowid <= (SELECT max(rowid) FROM digests) - ?"
            with db:
                db.execute(oldest, (_MAX_ROWS,))
        except BaseException:
            db.close()
            raise
        return db


def signature(status: os.stat_result) -> Signature:
    """Take from a file's status what tells its states apart."""
    return Signature(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_settled(sign: Signature, hashed_ns: int) -> bool:
    return max(sign.mtime_ns, sign.ctime_ns) + RACY_NS < hashed_ns


def _find(db: sqlite3.Connection, wanted: dict[str, Signature]) -> dict[str, str]:
    """Look the files up; written out flat, because a run of a cell may ask for a hundred thousand."""
    found: dict[str, str] = {}
    encoding, errors = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    names = {name.encode(encoding, errors): name for name in wanted}  # os.fsencode, without a call for each
    keys = sorted(names)
    for start in range(0, len(keys), _BATCH):
        for raw, inode, size, mtime, ctime, hashed, md5 in _rows(db, keys[start : start + _BATCH]):
            name = names.get(raw, "")
            sign = wanted.get(name)
            if sign is None or mtime != sign[2] or ctime != sign[3] or size != sign[1]:
                continue
            settled = hashed - RACY_NS
            if mtime < settled and ctime < settled and (inode == sign[0] or inode == _signed(sign[0])):
                found[name] = md5
    return found


def _rows(db: sqlite3.Connection, keys: list[bytes]) -> list[tuple[bytes, int, int, int, int, int, str]]:
    """Give what is known of some paths, in order, perhaps of others between them too: neighbours are read faster."""
    if len(keys) == _BATCH:
        between = "SELECT * FROM digests WHERE path BETWEEN ? AND ? LIMIT ?"
        rows = db.execute(between, (keys[0], keys[-1], 2 * _BATCH)).fetchall()
        if len(rows) < 2 * _BATCH:
            return rows
    marks = ",".join("?" * len(keys))
    return db.execute(f"SELECT * FROM digests WHERE path IN ({marks})", keys).fetchall()  # noqa: S608 - only marks


def _keep(db: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    with db:
        db.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _signed(number: int) -> int:
    """Fold a 64-bit unsigned inode number into what SQLite can keep."""
    return number - (1 << 64) if number >= 1 << 63 else number
