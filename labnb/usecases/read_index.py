"""Questions about many runs, answered from the index."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from labnb.model.api import Freshness, Tracking
from labnb.model.api_runs import Columns, Group, Groups, GroupsQuery, RunItem, RunPage, RunsQuery
from labnb.model.errors import UsageError
from labnb.model.facts import key_of, own_metrics
from labnb.model.run import time_text
from labnb.ports.run_index import Question, RunIndex
from labnb.usecases.read_index_keeper import IndexKeeper

_MARK = re.compile(r"[0-9]{1,15}")


class ReadIndex:
    """Answers from the index, and has it kept from the first question on."""

    def __init__(
        self, index: RunIndex, keeper: IndexKeeper, tracking: Callable[[], Tracking | None], close: Callable[[], None]
    ) -> None:
        self._index, self._keeper, self._tracking, self._close = index, keeper, tracking, close

    def page(self, query: RunsQuery, notebooks: tuple[str, ...] = ()) -> RunPage:
        """Give a page of runs, of a notebook by any of its names where some are given. Raises UsageError."""
        self._asked()
        if query.since and not _MARK.fullmatch(query.since):
            raise UsageError("`since` is none.", "Take it from `since` of an answer before.")
        found = self._index.ask(
            Question(
                filter=query.filter,
                search=query.search,
                notebooks=notebooks,
                order_by=query.order_by,
                limit=query.limit,
                cursor=query.cursor,
                archived=query.archived,
                since=int(query.since) if query.since else None,
            )
        )
        items = list(found.items)
        if query.columns or query.few:
            wanted = Wanted.of(query.columns, query.few)
            items = [wanted.only(item) for item in items]
        return RunPage(items, found.next, found.total, str(found.mark), list(found.gone), self.freshness())

    def columns(self) -> Columns:
        """Give every key that runs have."""
        self._asked()
        return Columns(list(self._index.columns()), None)

    def groups(self, query: GroupsQuery) -> Groups:
        """Count runs by the value of a key. Raises UsageError."""
        self._asked()
        if query.cursor and not _MARK.fullmatch(query.cursor):
            raise UsageError("The cursor is none.", "Take it from `next` of the page before.")
        skip = int(query.cursor or 0)
        found: Sequence[Group] = self._index.groups(query.by, query.filter, query.limit + 1, skip)
        more = len(found) > query.limit
        return Groups(list(found[: query.limit]), str(skip + query.limit) if more else None)

    def item(self, uid: str) -> RunItem | None:
        """Give one run as the index has it; None where it has none."""
        return self._index.item(uid)

    def freshness(self) -> Freshness:
        """Say how far the index is behind."""
        self._asked()
        state = self._keeper.state
        word = "stopped" if state.stopped else "current" if state.waiting == 0 else "reading"
        return Freshness(
            word,  # type: ignore[arg-type]  # one of the three
            time_text(state.checked) if state.checked else None,
            state.waiting,
            self._keeper.live,
            self._index.count(),
            state.stopped,
            self._tracking(),
            str(self._index.mark()),
        )

    def look_at(self, uid: str) -> None:
        """Read one run now: the next question sees it as it is."""
        self._keeper.look_at(uid)

    def close(self) -> None:
        """End what keeps the index."""
        self._keeper.close()
        self._close()

    def _asked(self) -> None:
        self._keeper.start()
        self._keeper.asked()


@dataclass(frozen=True)
class Wanted:
    """What rows need: named params, metrics and tags, and `few` of each run's own besides."""

    params: tuple[str, ...]
    metrics: tuple[str, ...]
    tags: tuple[str, ...]
    few: int

    @staticmethod
    def of(columns: Sequence[str], few: int) -> Wanted:
        """Read the names of columns. Raises UsageError."""
        keys = [key_of(name, name) for name in columns if name != "-"]
        params, metrics, tags = (
            tuple(key.name for key in keys if key.kind == kind) for kind in ("params", "metrics", "tags")
        )
        return Wanted(params, metrics, tags, few)

    def only(self, item: RunItem) -> RunItem:
        """Give the row with nothing else."""
        params = (*self.params, *islice(item.params, self.few))
        metrics = (*self.metrics, *(own_metrics(item.metrics)[: self.few] if self.few else ()))
        return replace(
            item,
            params={name: item.params[name] for name in params if name in item.params},
            metrics={name: item.metrics[name] for name in metrics if name in item.metrics},
            tags={name: item.tags[name] for name in self.tags if name in item.tags},
        )
