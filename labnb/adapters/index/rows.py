"""What the index holds of one run: its row, and what it is found by."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from labnb.adapters.index.item import packed
from labnb.adapters.index.questions import NAN
from labnb.model.facts import as_text, facts_of, rank, search_text
from labnb.model.plain import sound
from labnb.model.run import Run, parse_time
from labnb.model.tags import ARCHIVED
from labnb.ports.run_index import Entry

#: (kind, name), rank, and the value as text where that is not the rank itself.
Fact = tuple[tuple[str, str], float | str | bytes, str | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A run as it is written; `number` is its id unless another run has that."""

    number: int
    uid: str
    source: str
    state: str
    archived: bool
    item: str
    words: str
    facts: list[Fact]


def row_of(entry: Entry) -> Row | None:
    """Give the row of a run; None of one that somebody else made so that it cannot be written."""
    run = entry.run
    try:
        return Row(
            _number(run),
            run.uid,
            entry.source,
            entry.state,
            run.tags.get(ARCHIVED) == "true",
            packed(run, entry.source),
            sound(search_text(run)),
            list(facts(run)),
        )
    except (ValueError, TypeError, OverflowError, AttributeError):
        return None


def facts(run: Run) -> Iterator[Fact]:
    """Give what a run is found by."""
    for key, value in facts_of(run):
        found = rank(value)
        if type(found) is str:
            found = sound(found)
            text = None if found == value else sound(as_text(value))
        else:
            text = None if key[0] == "metrics" or type(value) is float else sound(as_text(value))
        yield key, NAN if found is None else found, text


def _number(run: Run) -> int:
    start = max(0, min(int(parse_time(run.started).timestamp() * 1000), (1 << 42) - 1))
    return -(start << 20 | zlib.crc32(run.uid.encode("utf-8", "replace")) & 0xFFFFF)
