"""The SQLite file of the index: opened, made, and made again where it is damaged."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labnb.adapters.index.questions import NAN
from labnb.model.errors import StoreCorrupt, StoreError, StoreLocked
from labnb.model.filter import like

#: Another number makes the index anew: the tables, or what is put into them, changed.
TABLES = 1
#: Seconds for which one process waits while another writes.
PATIENCE = 10.0
CACHE_KB, MAPPED = 65_536, 1 << 30

_log = logging.getLogger("labnb")


class Database:
    """Connections to one index, one a thread. A damaged file is thrown away and made again, once."""

    def __init__(self, folder: Path) -> None:
        # The write-ahead log of SQLite is memory shared by processes of one machine: each machine has its own file.
        self.path = folder / f"runs-{TABLES}-{_machine()}.sqlite"
        self._threads = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state of the index throughout. Raises StoreError."""
        with self._translated():
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, besides: Path | None = None) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are all kept or none; `besides` is a file to read from. Raises StoreError."""
        with self._translated():
            connection = self._connection()
            if besides is not None:
                connection.execute("ATTACH ? AS besides", (str(besides),))
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            finally:
                if besides is not None:
                    connection.execute("DETACH besides")

    @contextmanager
    def loading(self) -> Iterator[Path]:
        """Mark the index as one that is being loaded, and give a place for what is sorted later.

        Raises StoreLocked while another process loads it.
        """
        with self._alone(), tempfile.TemporaryDirectory(prefix="labnb-index-", dir=self.path.parent) as folder:
            with self.writing() as connection:
                connection.execute("UPDATE mark SET loading = 1")
            yield Path(folder) / "loose.sqlite"

    def recover(self) -> None:
        """Make an index anew that a process left half loaded. Raises StoreLocked while another process loads it."""
        with self.reading() as connection:
            (loading,) = connection.execute("SELECT loading FROM mark").fetchone()
        if loading:
            with self._alone():
                self.throw_away()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._translated():
            fd = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise StoreLocked(
                "Another process reads the runs of this project.", "They are found when it is done."
            ) from None
        finally:
            os.close(fd)

    def throw_away(self) -> None:
        """Remove the file: the next connection makes a new one."""
        with self._lock:
            connections, self._all = self._all, []
            self._threads = threading.local()
        for connection in connections:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).unlink()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._closed = True
            connections, self._all = self._all, []
        for connection in connections:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if found is not None and self._threads.file == self._file():
            return found
        try:
            made = self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            _log.warning("labnb: the index of runs is damaged (%s) and is made again", error)
            self.throw_away()
            made = self._open()
        with self._lock:
            if self._closed:
                made.close()
                raise StoreError("The index of runs is closed.")
            self._all.append(made)
        self._threads.connection, self._threads.file = made, self._file()
        return made

    def _file(self) -> int:
        """Tell the file from one that another process made anew; -1 while there is not even a folder for it."""
        try:
            return os.stat(self.path).st_ino
        except OSError:
            return 0 if self.path.parent.is_dir() else -1

    def _open(self) -> sqlite3.Connection:
        place = os.fspath(self.path)
        if self.path.parent.is_dir():
            os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        else:
            place = ":memory:"  # nothing was ever recorded here, and nothing is made
        made = sqlite3.connect(place, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            _share(made)
            # What a power cut takes can be made again; a crash of the process takes nothing.
            made.execute("PRAGMA synchronous = OFF")
            made.execute(f"PRAGMA cache_size = -{CACHE_KB}")
            made.execute(f"PRAGMA mmap_size = {MAPPED}")
            made.execute("PRAGMA temp_store = MEMORY")
            made.create_function("number_text", 1, number_text, deterministic=True)
            for sign in ("like", "ilike"):
                made.create_function(f"labnb_{sign}", 2, _Like(sign), deterministic=True)
            _make(made)
        except BaseException:
            made.close()
            raise
        return made

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise StoreLocked("The index of runs is being written by another process.", "Ask again.") from error
            raise StoreError(f"The index of runs at {self.path} cannot be used: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise StoreCorrupt(f"The index of runs at {self.path} is damaged: {error}.", "It is made again.") from error
        except OSError as error:
            raise StoreError(f"The index of runs cannot be kept at {self.path}: {error.strerror}.") from error


def number_text(value: object) -> str | None:
    """Write a rank as Python writes the number."""
    if isinstance(value, bytes):
        return "nan" if value == NAN else None
    return None if value is None else str(value)


class _Like:
    """LIKE with patterns kept: one pattern meets many texts."""

    def __init__(self, sign: str) -> None:
        self._sign = sign
        self._pattern: str | None = None
        self._test = like("", sign)

    def __call__(self, pattern: str, text: str | None) -> bool:
        if pattern != self._pattern:
            self._test, self._pattern = like(pattern, self._sign), pattern
        return text is not None and self._test(text)


def _share(connection: sqlite3.Connection) -> None:
    """Have readers and one writer not wait for each other; of two that ask a new file for that, one is refused."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _make(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == TABLES:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != TABLES:
            text = Path(__file__).with_name("tables.sql").read_text(encoding="utf-8")
            for statement in _statements(text):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {TABLES}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(text: str) -> Iterator[str]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return (statement for part in lines.split(";") if (statement := part.strip()))


def _machine() -> str:
    return "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:60] or "here"
