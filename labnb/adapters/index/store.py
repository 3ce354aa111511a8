"""The index of runs in SQLite: questions."""
# ruff: noqa: S608 - the words of the questions are our own; what people write goes in as parameters.

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from labnb.adapters.index.answer import Answer, Kept
from labnb.adapters.index.connection import Database
from labnb.adapters.index.item import link_of, unpacked
from labnb.adapters.index.questions import place_of
from labnb.adapters.index.writer import Writer
from labnb.model.api_runs import Column, Group, Kind, RunItem
from labnb.model.facts import key_of
from labnb.model.run import MlflowLink, time_text
from labnb.ports.run_index import Found, Question, Source

#: Bytes: some thousand runs.
LARGE = 20_000_000


class SqliteRunIndex(Writer):
    """The index of one project, in a folder for caches. See the ports RunIndex and RunIndexWriter."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder)
        super().__init__(self.database)
        self._kept = Kept()

    def close(self) -> None:
        """Let the file go."""
        self.database.close()

    @property
    def large(self) -> bool:
        """Whether there are so many runs in it that comparing them with their folders takes a while."""
        try:
            return self.database.path.stat().st_size > LARGE
        except OSError:
            return False

    def ask(self, question: Question) -> Found:
        """Give a page of runs."""
        place = place_of(question.cursor, question.order_by)
        with self.database.reading() as connection:
            return Answer(connection, question, self._kept).page(place)

    def columns(self) -> Sequence[Column]:
        """Give every key that runs have, the most frequent of each kind first."""
        found = []
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, kind, name, runs FROM key WHERE runs > 0 ORDER BY kind, runs DESC, name"
            )
            for number, kind, name, runs in rows.fetchall():
                least, most = _reach(connection, number)
                found.append(Column(f"{kind}.{_quoted(name)}", _kind(kind), name, runs, least, most))
        return found

    def groups(self, by: str, filter_text: str, limit: int, skip: int) -> Sequence[Group]:
        """Count the runs that pass the filter by the value of a key, the largest group first."""
        key = key_of(by, by)
        with self.database.reading() as connection:
            answer = Answer(connection, Question(filter=filter_text), self._kept)
            rows = connection.execute(
                "SELECT coalesce(text, rank), count(*), min(id) FROM entry AS e "
                f"WHERE key = ? AND {answer.holds('e.id')} "
                "GROUP BY rank, text ORDER BY 2 DESC, 1 LIMIT ? OFFSET ?",
                (answer.key(key), *answer.values(), limit, skip),
            ).fetchall()
        return [
            Group("NaN" if isinstance(value, bytes) else value, count, time_text((-number >> 20) / 1000))
            for value, count, number in rows
        ]

    def item(self, uid: str) -> RunItem | None:
        """Give one run; None where it is not in the index."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT item FROM run WHERE uid = ?", (uid,)).fetchone()
        return unpacked(row[0]) if row else None

    def link(self, uid: str) -> MlflowLink | None:
        """Say where MLflow shows a run of the lab's server; None of any other run."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT item FROM run WHERE uid = ?", (uid,)).fetchone()
        return link_of(row[0]) if row else None

    def count(self, source: Source | None = None) -> int:
        """Count the runs."""
        with self.database.reading() as connection:
            if source is None:
                row = connection.execute("SELECT count(*) FROM run").fetchone()
            else:
                row = connection.execute("SELECT count(*) FROM run WHERE source = ?", (source,)).fetchone()
        return int(row[0])

    def mark(self) -> int:
        """Give the mark of the index as it is now."""
        with self.database.reading() as connection:
            return int(connection.execute("SELECT changed FROM mark").fetchone()[0])


def _reach(connection: sqlite3.Connection, key: int) -> tuple[float | None, float | None]:
    (least,) = connection.execute("SELECT min(rank) FROM entry WHERE key = ? AND rank < ''", (key,)).fetchone()
    (most,) = connection.execute("SELECT max(rank) FROM entry WHERE key = ? AND rank < ''", (key,)).fetchone()
    return _finite(least), _finite(most)


def _finite(value: object) -> float | None:
    return value if isinstance(value, float) and abs(value) != float("inf") else None


def _quoted(name: str) -> str:
    return name if name.replace("_", "").replace(".", "").isalnum() else f"`{name}`"


def _kind(word: str) -> Kind:
    return word  # type: ignore[return-value]  # the table holds no other
