"""Runs put into the index and taken out of it."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from labnb.adapters.index.connection import Database
from labnb.adapters.index.item import facts_run, packed
from labnb.adapters.index.questions import NAN
from labnb.model.facts import Key, as_text, facts_of, rank, search_text
from labnb.model.plain import sound
from labnb.model.run import Run, parse_time
from labnb.model.tags import ARCHIVED
from labnb.ports.run_index import Entry, Source

#: Runs per transaction: others can write in between.
BATCH = 250

Fact = tuple[int, float | str | bytes, str | None]


class Writer:
    """Writes one index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self, source: Source) -> Mapping[str, str]:
        """Give the state of every run of a source, by uid."""
        with self._database.reading() as connection:
            return dict(connection.execute("SELECT uid, state FROM run WHERE source = ?", (source,)))

    def put(self, entries: Iterable[Entry]) -> Sequence[str]:
        """Put runs in, over what is there of them, and give the uids of those that are new or changed."""
        rest, changed = iter(entries), []
        while batch := list(islice(rest, BATCH)):
            with self._database.writing() as connection:
                changed += _Batch(connection).put(batch)
        return changed

    def remove(self, uids: Iterable[str], source: Source) -> Sequence[str]:
        """Take runs of a source out, and give the uids of those that were there."""
        rest, gone = iter(uids), []
        while batch := list(islice(rest, BATCH)):
            with self._database.writing() as connection:
                gone += _Batch(connection).remove(batch, source)
        return gone


class _Batch:
    """One transaction: counts of keys are kept until its end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._keys: dict[Key, int] = {}
        self._counts: dict[int, int] = {}
        self._adding: list[tuple[int, float | str | bytes, int, str | None]] = []
        self._taking: list[tuple[int, float | str | bytes, int]] = []

    def put(self, entries: Sequence[Entry]) -> list[str]:
        mark = self._mark()
        changed = [entry.run.uid for entry in entries if self._put_one(entry, mark)]
        self._write()
        return changed

    def remove(self, uids: Sequence[str], source: Source) -> list[str]:
        mark, gone = self._mark(), []
        for uid in uids:
            found = self._connection.execute(
                "SELECT id, item FROM run WHERE uid = ? AND source = ?", (uid, source)
            ).fetchone()
            if found is not None:
                self._take_out(uid, *found)
                self._connection.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (uid, mark))
                gone.append(uid)
        self._write()
        return gone

    def _put_one(self, entry: Entry, mark: int) -> bool:
        run = entry.run
        found = self._connection.execute("SELECT id, source, state, item FROM run WHERE uid = ?", (run.uid,)).fetchone()
        if found is not None and found[1] == "folder" and entry.source == "tracking":
            return False  # a copy of what is here already
        try:
            text = packed(run, entry.source)
            number = self._number(run)
            facts = {fact[0]: fact for fact in self._facts(run)}
            words = sound(search_text(run))
        except (ValueError, TypeError, OverflowError, AttributeError):
            return False  # a record of somebody else's making; opening it says what is wrong
        if found is not None and found[3] == text:
            if found[2] != entry.state:
                self._connection.execute("UPDATE run SET state = ? WHERE id = ?", (entry.state, found[0]))
            return False
        archived = run.tags.get(ARCHIVED) == "true"
        if found is not None and -found[0] >> 20 == -number >> 20:
            number = found[0]
            before = {fact[0]: fact for fact in self._facts(facts_run(found[3]))}
        else:
            before = {}
            if found is not None:
                self._take_out(run.uid, found[0], found[3])
            while self._connection.execute("SELECT 1 FROM run WHERE id = ?", (number,)).fetchone():
                number -= 1
        self._change(number, before, facts)
        self._connection.execute(
            "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, run.uid, entry.source, entry.state, archived, mark, text),
        )
        self._connection.execute("INSERT OR REPLACE INTO words VALUES (?, ?)", (number, words))
        if found is None:
            self._connection.execute("DELETE FROM gone WHERE uid = ?", (run.uid,))
        return True

    def _take_out(self, uid: str, number: int, item: str) -> None:
        self._change(number, {fact[0]: fact for fact in self._facts(facts_run(item))}, {})
        self._write()
        self._connection.execute("DELETE FROM run WHERE id = ?", (number,))
        self._connection.execute("DELETE FROM words WHERE id = ?", (number,))

    def _change(self, number: int, before: dict[int, Fact], after: dict[int, Fact]) -> None:
        for key, fact in before.items():
            if after.get(key) != fact:
                self._taking.append((key, fact[1], number))
                self._counts[key] = self._counts.get(key, 0) - 1
        for key, fact in after.items():
            if before.get(key) != fact:
                self._adding.append((key, fact[1], number, fact[2]))
                self._counts[key] = self._counts.get(key, 0) + 1

    def _facts(self, run: Run) -> Iterable[Fact]:
        for key, value in facts_of(run):
            found = rank(value)
            if isinstance(found, str):
                found = sound(found)
            text = None if key.kind == "metrics" or found == value else sound(as_text(value))
            yield self._key(key), NAN if found is None else found, text

    def _key(self, key: Key) -> int:
        number = self._keys.get(key)
        if number is None:
            words = (key.kind, sound(key.name))
            self._connection.execute("INSERT OR IGNORE INTO key (kind, name) VALUES (?, ?)", words)
            row = self._connection.execute("SELECT id FROM key WHERE kind = ? AND name = ?", words).fetchone()
            number = self._keys[key] = int(row[0])
        return number

    def _number(self, run: Run) -> int:
        start = max(0, min(int(parse_time(run.started).timestamp() * 1000), (1 << 42) - 1))
        return -(start << 20 | zlib.crc32(run.uid.encode("utf-8", "replace")) & 0xFFFFF)

    def _mark(self) -> int:
        self._connection.execute("UPDATE mark SET changed = changed + 1")
        return int(self._connection.execute("SELECT changed FROM mark").fetchone()[0])

    def _write(self) -> None:
        # In the order of the table: the pages of one key are touched together.
        self._taking.sort(key=_place)
        self._adding.sort(key=_place)
        self._connection.executemany("DELETE FROM entry WHERE key = ? AND rank = ? AND id = ?", self._taking)
        self._connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", self._adding)
        self._connection.executemany(
            "UPDATE key SET runs = runs + ? WHERE id = ?", [(count, key) for key, count in self._counts.items()]
        )
        self._taking, self._adding, self._counts = [], [], {}


def _place(
    row: tuple[int, float | str | bytes, int] | tuple[int, float | str | bytes, int, str | None],
) -> tuple[int, int, float, str]:
    found = row[1]
    if isinstance(found, str):
        return row[0], 1, 0.0, found
    return (row[0], 2, 0.0, "") if isinstance(found, bytes) else (row[0], 0, found, "")
