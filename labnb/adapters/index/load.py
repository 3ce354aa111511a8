"""Very many runs put into the index: rows first, and what they are found by sorted at the end.

One by one, each run touches a page for each of its params and metrics, and every page is written again for it.
Sorted, every page is written once.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from itertools import islice

from labnb.adapters.index.connection import Database
from labnb.adapters.index.rows import Row, row_of
from labnb.adapters.index.writer import Batch
from labnb.ports.run_index import Entry

#: Runs per transaction, and the pause after it (seconds): others come in between.
BATCH, PAUSE = 200, 0.002


def load(database: Database, entries: Iterable[Entry]) -> None:
    """Put in the runs of which the index knows nothing; those that it knows are passed over.

    A process that dies half-way leaves the index marked, and the next one makes it anew.
    """
    with database.loading() as place:
        loose = sqlite3.connect(place, isolation_level=None)
        try:
            loose.execute("PRAGMA journal_mode = OFF")
            loose.execute("PRAGMA synchronous = OFF")
            loose.execute("CREATE TABLE loose (key, rank, id, text)")
            _read(database, loose, entries)
        finally:
            loose.close()
        with database.writing(besides=place) as connection:
            connection.execute("DROP INDEX entry_run")
            connection.execute(
                "INSERT OR IGNORE INTO entry SELECT key, rank, id, text FROM besides.loose ORDER BY key, rank, id"
            )
            connection.execute("CREATE UNIQUE INDEX entry_run ON entry (key, id)")
            connection.execute("UPDATE key SET runs = (SELECT count(*) FROM entry WHERE entry.key = key.id)")
            connection.execute("UPDATE mark SET changed = changed + 1, loading = 0")


def _read(database: Database, loose: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    rest = iter(entries)
    while batch := list(islice(rest, BATCH)):
        rows = [row for entry in batch if (row := row_of(entry)) is not None]
        with database.writing() as connection:
            found = _insert(connection, rows)
        loose.execute("BEGIN")
        loose.executemany("INSERT INTO loose VALUES (?, ?, ?, ?)", found)
        loose.execute("COMMIT")
        time.sleep(PAUSE)


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> Sequence[tuple[int, object, int, str | None]]:
    batch, found = Batch(connection), []
    for row in rows:
        if connection.execute("SELECT 1 FROM run WHERE uid = ?", (row.uid,)).fetchone():
            continue
        number = batch.free(row.number)
        batch.insert(row, number, new=True)
        found += [(batch.key(key), rank, number, text) for key, rank, text in row.facts]
    return found
