"""Runs put into the index and taken out of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from labnb.adapters.index.connection import Database
from labnb.adapters.index.item import facts_run
from labnb.adapters.index.rows import Fact, Row, facts, row_of
from labnb.model.plain import sound
from labnb.ports.run_index import Entry, Source

#: Runs per transaction: others can write in between.
BATCH = 250


class Writer:
    """Writes one index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self, source: Source) -> Mapping[str, str]:
        """Give the state of every run of a source, by uid; what a process left half loaded is made anew before."""
        self._database.recover()
        with self._database.reading() as connection:
            return dict(connection.execute("SELECT uid, state FROM run WHERE source = ?", (source,)))

    def put(self, entries: Iterable[Entry]) -> Sequence[str]:
        """Put runs in, over what is there of them, and give the uids of those that are new or changed."""
        rest, changed = iter(entries), []
        while batch := list(islice(rest, BATCH)):
            with self._database.writing() as connection:
                changed += Batch(connection).put(batch)
        return changed

    def load(self, entries: Iterable[Entry]) -> None:
        """Put very many runs in, of which few are there: twenty times as fast as `put`, found when all are in."""
        from labnb.adapters.index.load import load

        load(self._database, entries)

    def remove(self, uids: Iterable[str], source: Source) -> Sequence[str]:
        """Take runs of a source out, and give the uids of those that were there."""
        rest, gone = iter(uids), []
        while batch := list(islice(rest, BATCH)):
            with self._database.writing() as connection:
                gone += Batch(connection).remove(batch, source)
        return gone


class Batch:
    """One transaction: counts of keys are kept until its end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._keys: dict[tuple[str, str], int] = {}
        self._counts: dict[int, int] = {}
        self._adding: list[tuple[int, float | str | bytes, int, str | None]] = []
        self._taking: list[tuple[int, float | str | bytes, int]] = []
        connection.execute("UPDATE mark SET changed = changed + 1")
        self.mark = int(connection.execute("SELECT changed FROM mark").fetchone()[0])

    def put(self, entries: Sequence[Entry]) -> list[str]:
        changed = [entry.run.uid for entry in entries if self._put_one(entry)]
        self.write()
        return changed

    def remove(self, uids: Sequence[str], source: Source) -> list[str]:
        gone = []
        for uid in uids:
            found = self._connection.execute(
                "SELECT id, item FROM run WHERE uid = ? AND source = ?", (uid, source)
            ).fetchone()
            if found is not None:
                self._take_out(*found)
                self._connection.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (uid, self.mark))
                gone.append(uid)
        self.write()
        return gone

    def insert(self, row: Row, number: int, *, new: bool) -> None:
        """Write the row of a run under a number, without what is found by it."""
        self._connection.execute(
            "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, row.uid, row.source, row.state, row.archived, self.mark, row.item),
        )
        self._connection.execute("INSERT OR REPLACE INTO words VALUES (?, ?)", (number, row.words))
        if new:
            self._connection.execute("DELETE FROM gone WHERE uid = ?", (row.uid,))

    def free(self, number: int) -> int:
        """Give the first number from this one on that no run has."""
        while self._connection.execute("SELECT 1 FROM run WHERE id = ?", (number,)).fetchone():
            number -= 1
        return number

    def key(self, key: tuple[str, str]) -> int:
        """Give the number of a key, which is made where it has none."""
        number = self._keys.get(key)
        if number is None:
            words = (key[0], sound(key[1]))
            self._connection.execute("INSERT OR IGNORE INTO key (kind, name) VALUES (?, ?)", words)
            found = self._connection.execute("SELECT id FROM key WHERE kind = ? AND name = ?", words).fetchone()
            number = self._keys[key] = int(found[0])
        return number

    def count(self, key: int, more: int) -> None:
        """Say that so many more runs have the key."""
        self._counts[key] = self._counts.get(key, 0) + more

    def write(self) -> None:
        """Write what was gathered. In the order of keys: the pages of one key are touched together."""
        self._taking.sort(key=_key)
        self._adding.sort(key=_key)
        self._connection.executemany("DELETE FROM entry WHERE key = ? AND rank = ? AND id = ?", self._taking)
        self._connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", self._adding)
        self._connection.executemany(
            "UPDATE key SET runs = runs + ? WHERE id = ?", [(count, key) for key, count in self._counts.items()]
        )
        self._taking, self._adding, self._counts = [], [], {}

    def _put_one(self, entry: Entry) -> bool:
        found = self._connection.execute(
            "SELECT id, source, state, item FROM run WHERE uid = ?", (entry.run.uid,)
        ).fetchone()
        if found is not None and found[1] == "folder" and entry.source == "tracking":
            return False  # a copy of what is here already
        row = row_of(entry)
        if row is None:
            return False
        if found is not None and found[3] == row.item:
            if found[2] != entry.state:
                self._connection.execute("UPDATE run SET state = ? WHERE id = ?", (entry.state, found[0]))
            return False
        before: dict[int, Fact] = {}
        if found is not None and -found[0] >> 20 == -row.number >> 20:
            number = found[0]
            before = self._by_key(facts(facts_run(found[3])))
        else:
            if found is not None:
                self._take_out(found[0], found[3])
            number = self.free(row.number)
        self._change(number, before, self._by_key(row.facts))
        self.insert(row, number, new=found is None)
        return True

    def _take_out(self, number: int, item: str) -> None:
        self._change(number, self._by_key(facts(facts_run(item))), {})
        self.write()
        self._connection.execute("DELETE FROM run WHERE id = ?", (number,))
        self._connection.execute("DELETE FROM words WHERE id = ?", (number,))

    def _by_key(self, found: Iterable[Fact]) -> dict[int, Fact]:
        return {self.key(fact[0]): fact for fact in found}

    def _change(self, number: int, before: dict[int, Fact], after: dict[int, Fact]) -> None:
        for key, fact in before.items():
            if after.get(key) != fact:
                self._taking.append((key, fact[1], number))
                self.count(key, -1)
        for key, fact in after.items():
            if before.get(key) != fact:
                self._adding.append((key, fact[1], number, fact[2]))
                self.count(key, 1)


def _key(row: tuple[object, ...]) -> int:
    return row[0]  # type: ignore[return-value]  # the number of a key
