"""One question to the index, answered at one state of it."""
# ruff: noqa: S608 - the words of the questions are our own; what people write goes in as parameters.

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from labnb.adapters.index.item import unpacked
from labnb.adapters.index.questions import Condition, Place, Search, condition_of, order_of, search_sql
from labnb.model.errors import Stale
from labnb.model.facts import Key
from labnb.model.filter import Comparison, Words, parse
from labnb.ports.run_index import Found, Question

#: So few runs are sorted by looking up what each has; more are read in the order of the key.
FEW = 5_000
#: Searches for free text whose answers are kept, each of at most a few MB.
SEARCHES = 10
#: So many changes are told one by one; whoever missed more begins anew.
CHANGES = 1_000
_ARCHIVED = {
    "without": "{} NOT IN (SELECT id FROM run WHERE archived)",
    "only": "{} IN (SELECT id FROM run WHERE archived)",
}


@dataclass
class Kept:
    """What was found out at a mark of the index, and holds while that is the same."""

    totals: dict[tuple[object, ...], tuple[int, int]] = field(default_factory=dict)
    searches: dict[tuple[str, ...], tuple[int, Search]] = field(default_factory=dict)


@dataclass
class Answer:
    """One question, at one state of the index."""

    connection: sqlite3.Connection
    question: Question
    kept: Kept

    def __post_init__(self) -> None:
        parts = list(parse(self.question.filter))
        if words := tuple(self.question.search.lower().split()):
            parts.append(Words(words))
        if self.question.notebooks:
            parts.append(Comparison(Key("attributes", "notebook"), "in", frozenset(self.question.notebooks)))
        self.mark = int(self.connection.execute("SELECT changed FROM mark").fetchone()[0])
        self.conditions = [
            self._search(part.words) if isinstance(part, Words) else condition_of(part, self.key) for part in parts
        ]
        some = self.connection.execute("SELECT 1 FROM run WHERE archived LIMIT 1").fetchone()
        self.archived = some is not None or self.question.archived == "only"
        self.driver: tuple[int, Condition | Search] | None = None

    def key(self, key: Key) -> int:
        row = self.connection.execute("SELECT id FROM key WHERE kind = ? AND name = ?", (key.kind, key.name)).fetchone()
        return int(row[0]) if row else -1

    def _search(self, words: tuple[str, ...]) -> Search:
        """Go through the text of all runs, which takes longest of all; the answer is kept while nothing changes."""
        found = self.kept.searches.get(words)
        if found is None or found[0] != self.mark:
            ids = [number for (number,) in self.connection.execute(*search_sql(words))]
            if len(self.kept.searches) >= SEARCHES:
                self.kept.searches.clear()
            found = self.kept.searches[words] = self.mark, Search(json.dumps(ids), len(ids))
        return found[1]

    def holds(self, outer: str, *, besides: Condition | Search | None = None, ever: bool = False) -> str:
        """Say of the run whose id is `outer` that it fits; `ever` also where it did not change since."""
        said = [part.exists(outer) for part in self.conditions if part is not besides]
        if self.question.archived in _ARCHIVED and self.archived:
            said.append(_ARCHIVED[self.question.archived].format(outer))
        if self.question.since is not None and not ever:
            said.append(f"{outer} IN (SELECT id FROM run WHERE changed > {int(self.question.since)})")
        return " AND ".join(said) or "1"

    def values(self, *, besides: Condition | Search | None = None) -> list[object]:
        return [value for part in self.conditions if part is not besides for value in part.values]

    def page(self, place: Place | None) -> Found:
        total = self._total()
        key, descending = order_of(self.question.order_by)
        ids: list[Place] = []
        if total:
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
        positive = [part for part in self.conditions if not part.negated]
        counts = [(self._size(part), part) for part in positive]
        self.driver = min(counts, key=lambda pair: pair[0], default=None)
        asked = self.question.about
        kept = self.kept.totals.get(asked)
        if kept is not None and kept[0] == self.mark:
            return kept[1]
        total = self._count()
        if len(self.kept.totals) > 200:
            self.kept.totals.clear()
        self.kept.totals[asked] = self.mark, total
        return total

    def _count(self) -> int:
        if not self.archived and len(self.conditions) < 2:
            runs = int(self.connection.execute("SELECT count(*) FROM run").fetchone()[0])
            for part in self.conditions:
                return runs - self._size(part) if part.negated else self._size(part)
            return runs
        source, first, besides = self._source()
        said = f"SELECT count(*) FROM {source} AS d WHERE {self.holds('d.id', besides=besides, ever=True)}"
        return int(self.connection.execute(said, [*first, *self.values(besides=besides)]).fetchone()[0])

    def _size(self, part: Condition | Search) -> int:
        if isinstance(part, Search):
            return part.size
        return int(self.connection.execute(part.count(), part.values).fetchone()[0])

    def _source(self) -> tuple[str, Sequence[object], Condition | Search | None]:
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
