"""The index of runs in SQLite: questions."""
# ruff: noqa: S608 - the words of the questions are our own; what people write goes in as parameters.

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labnb.adapters.index.connection import Database
from labnb.adapters.index.item import link_of, unpacked
from labnb.adapters.index.questions import Condition, Place, condition_of, order_of, place_of
from labnb.adapters.index.writer import Writer
from labnb.model.api_runs import Column, Group, Kind, RunItem
from labnb.model.errors import Stale
from labnb.model.facts import Key, key_of
from labnb.model.filter import Comparison, Words, parse
from labnb.model.run import MlflowLink, time_text
from labnb.ports.run_index import Found, Question, Source

#: So few runs are sorted by looking up what each has; more are read in the order of the key.
FEW = 5_000
#: So many changes are told one by one; whoever missed more begins anew.
CHANGES = 1_000
_ARCHIVED = {
    "without": "{} NOT IN (SELECT id FROM run WHERE archived)",
    "only": "{} IN (SELECT id FROM run WHERE archived)",
}


class SqliteRunIndex(Writer):
    """The index of one project, in a folder for caches. See the ports RunIndex and RunIndexWriter."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder)
        super().__init__(self.database)
        self._totals: dict[tuple[object, ...], tuple[int, int]] = {}

    def close(self) -> None:
        """Let the file go."""
        self.database.close()

    def ask(self, question: Question) -> Found:
        """Give a page of runs."""
        place = place_of(question.cursor, question.order_by)
        with self.database.reading() as connection:
            return _Answer(connection, question, self._totals).page(place)

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
            answer = _Answer(connection, Question(filter=filter_text), self._totals)
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


@dataclass
class _Answer:
    """One question, at one state of the index."""

    connection: sqlite3.Connection
    question: Question
    totals: dict[tuple[object, ...], tuple[int, int]]

    def __post_init__(self) -> None:
        parts = list(parse(self.question.filter))
        if words := tuple(self.question.search.lower().split()):
            parts.append(Words(words))
        if self.question.notebooks:
            parts.append(Comparison(Key("attributes", "notebook"), "in", frozenset(self.question.notebooks)))
        self.conditions = [condition_of(part, self.key) for part in parts]
        self.mark = int(self.connection.execute("SELECT changed FROM mark").fetchone()[0])
        some = self.connection.execute("SELECT 1 FROM run WHERE archived LIMIT 1").fetchone()
        self.archived = some is not None or self.question.archived == "only"
        self.driver: tuple[int, Condition] | None = None

    def key(self, key: Key) -> int:
        row = self.connection.execute("SELECT id FROM key WHERE kind = ? AND name = ?", (key.kind, key.name)).fetchone()
        return int(row[0]) if row else -1

    def holds(self, outer: str, *, besides: Condition | None = None, ever: bool = False) -> str:
        """Say of the run whose id is `outer` that it fits; `ever` also where it did not change since."""
        said = [part.exists(outer) for part in self.conditions if part is not besides]
        if self.question.archived in _ARCHIVED and self.archived:
            said.append(_ARCHIVED[self.question.archived].format(outer))
        if self.question.since is not None and not ever:
            said.append(f"{outer} IN (SELECT id FROM run WHERE changed > {int(self.question.since)})")
        return " AND ".join(said) or "1"

    def values(self, *, besides: Condition | None = None) -> list[object]:
        return [value for part in self.conditions if part is not besides for value in part.values]

    def page(self, place: Place | None) -> Found:
        total = self._total()
        key, descending = order_of(self.question.order_by)
        ids = self._by_start(descending, place) if key is None else self._by_key(self.key(key), descending, place)
        more = len(ids) > self.question.limit
        ids = ids[: self.question.limit]
        places = {found.id: found for found in ids}
        marks = ", ".join("?" for _ in ids)
        rows = self.connection.execute(f"SELECT id, item FROM run WHERE id IN ({marks})", list(places)).fetchall()
        items = dict(rows)
        return Found(
            tuple(unpacked(items[found.id]) for found in ids),
            ids[-1].text(self.question.order_by) if more and ids else None,
            total,
            self.mark,
            self._gone(),
        )

    def _total(self) -> int:
        """Count what fits, and find the condition that the fewest runs have."""
        positive = [part for part in self.conditions if isinstance(part, Condition) and not part.negated]
        counts = [(int(self.connection.execute(part.count(), part.values).fetchone()[0]), part) for part in positive]
        self.driver = min(counts, key=lambda pair: pair[0], default=None)
        asked = self.question.about
        kept = self.totals.get(asked)
        if kept is not None and kept[0] == self.mark:
            return kept[1]
        total = self._count()
        if len(self.totals) > 200:
            self.totals.clear()
        self.totals[asked] = self.mark, total
        return total

    def _count(self) -> int:
        (part,) = self.conditions if len(self.conditions) == 1 else (None,)
        if not self.archived and (part is None or isinstance(part, Condition)) and len(self.conditions) < 2:
            (runs,) = self.connection.execute("SELECT count(*) FROM run").fetchone()
            if part is None:
                return int(runs)
            (having,) = self.connection.execute(part.count(), part.values).fetchone()
            return int(runs - having if part.negated else having)
        source, first, besides = self._source()
        said = f"SELECT count(*) FROM {source} AS d WHERE {self.holds('d.id', besides=besides, ever=True)}"
        return int(self.connection.execute(said, [*first, *self.values(besides=besides)]).fetchone()[0])

    def _source(self) -> tuple[str, Sequence[object], Condition | None]:
        """Give the runs to go through: those of the rarest condition, else all."""
        if self.driver is None:
            return "run", (), None
        return f"({self.driver[1].runs})", self.driver[1].values, self.driver[1]

    def _by_start(self, descending: bool, place: Place | None) -> list[Place]:
        # Of most runs the newest that fit are soon found; of few all are taken and sorted.
        few = self.driver is not None and self.driver[0] <= FEW
        source, first, besides = self._source() if few else ("run", (), None)
        after = "" if place is None else f" AND d.id {'>' if descending else '<'} {place.id}"
        rows = self.connection.execute(
            f"SELECT d.id FROM {source} AS d WHERE {self.holds('d.id', besides=besides)}{after} "
            f"ORDER BY d.id {'ASC' if descending else 'DESC'} LIMIT ?",
            [*first, *self.values(besides=besides), self.question.limit + 1],
        )
        return [Place(False, None, number) for (number,) in rows]

    def _by_key(self, key: int, descending: bool, place: Place | None) -> list[Place]:
        wanted = self.question.limit + 1
        found = [] if place is not None and place.lacking else self._having(key, descending, place, wanted)
        if len(found) < wanted:
            found += self._lacking(key, place if place is not None and place.lacking else None, wanted - len(found))
        return found

    def _having(self, key: int, descending: bool, place: Place | None, wanted: int) -> list[Place]:
        after, values = "", []
        if place is not None:
            sign = "<" if descending else ">"
            after = f" AND e.rank {sign}= ? AND (e.rank {sign} ? OR e.id > ?)"
            values = [place.rank, place.rank, place.id]
        order = f"ORDER BY e.rank {'DESC' if descending else 'ASC'}, e.id LIMIT ?"
        few = (self.driver is not None and self.driver[0] <= FEW) or self.question.since is not None
        source, first, besides = self._source() if few else ("", (), None)
        # CROSS JOIN keeps SQLite from turning the two around.
        join = f"{source} AS d CROSS JOIN entry AS e INDEXED BY entry_run ON e.id = d.id" if few else "entry AS e"
        rows = self.connection.execute(
            f"SELECT e.id, e.rank FROM {join} WHERE e.key = ? AND e.rank < x''{after} "
            f"AND {self.holds('e.id', besides=besides)} {order}",
            [*first, key, *values, *self.values(besides=besides), wanted],
        )
        return [Place(False, rank, number) for number, rank in rows]

    def _lacking(self, key: int, place: Place | None, wanted: int) -> list[Place]:
        if self._all_have(key):
            return []
        few = self.driver is not None and self.driver[0] <= FEW
        source, first, besides = self._source() if few else ("run", (), None)
        after = "" if place is None else f" AND d.id > {place.id}"
        rows = self.connection.execute(
            f"SELECT d.id FROM {source} AS d WHERE {self.holds('d.id', besides=besides)}{after} "
            f"AND NOT EXISTS (SELECT 1 FROM entry AS e WHERE e.key = ? AND e.id = d.id AND e.rank < x'') "
            "ORDER BY d.id LIMIT ?",
            [*first, *self.values(besides=besides), key, wanted],
        )
        return [Place(True, None, number) for (number,) in rows]

    def _all_have(self, key: int) -> bool:
        having = self.connection.execute("SELECT runs FROM key WHERE id = ?", (key,)).fetchone()
        no_numbers = self.connection.execute("SELECT 1 FROM entry WHERE key = ? AND rank >= x'' LIMIT 1", (key,))
        (runs,) = self.connection.execute("SELECT count(*) FROM run").fetchone()
        return having is not None and having[0] >= runs and no_numbers.fetchone() is None

    def _gone(self) -> tuple[str, ...]:
        """Name the runs that went, or changed and do not fit (any more), since the asked mark."""
        since = self.question.since
        if since is None:
            return ()
        rows = self.connection.execute(
            "SELECT uid FROM gone WHERE changed > ? UNION ALL "
            f"SELECT uid FROM run AS r WHERE changed > ? AND NOT ({self.holds('r.id', ever=True)}) LIMIT ?",
            [since, since, *self.values(), CHANGES + 1],
        ).fetchall()
        if len(rows) > CHANGES or since > self.mark:
            raise Stale("Too much has changed since then.", "Ask without `since`.")
        return tuple(uid for (uid,) in rows)


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
