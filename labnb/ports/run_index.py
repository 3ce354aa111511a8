"""The index of runs: a copy of what runs say, made for questions. It can be thrown away and made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from labnb.model.api_runs import Column, Group, RunItem
from labnb.model.run import MetricPoint, MlflowLink, Run

Source = Literal["folder", "tracking"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A run to be put in; `state` names what it was read from, so that the same is not read twice."""

    run: Run
    source: Source
    state: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `since` is a mark of the index, None for everything; `notebooks` are names of one notebook."""

    filter: str = ""
    search: str = ""
    notebooks: tuple[str, ...] = ()
    order_by: str = "started DESC"
    limit: int = 50
    cursor: str = ""
    archived: Literal["without", "with", "only"] = "without"
    since: int | None = None

    @property
    def about(self) -> tuple[object, ...]:
        """What decides which runs fit, whatever the order and the page."""
        return self.filter, self.search, self.notebooks, self.archived


@dataclass(frozen=True, slots=True)
class Found:
    """A page: `total` fit; `next` is the cursor of the page after it, None at the end; `mark` is of when it was asked.

    `gone` are runs that are not there any more, or do not fit any more, since the asked mark.
    """

    items: tuple[RunItem, ...]
    next: str | None
    total: int
    mark: int
    gone: tuple[str, ...] = ()


class RunIndex(Protocol):
    """Answers questions about many runs. All calls are safe from any thread, and raise StoreError or UsageError."""

    def ask(self, question: Question) -> Found:
        """Give a page of runs. Raises UsageError for a filter, order or cursor that is not understood."""
        ...

    def columns(self) -> Sequence[Column]:
        """Give every key that runs have, the most frequent of each kind first."""
        ...

    def groups(self, by: str, filter_text: str, limit: int, skip: int) -> Sequence[Group]:
        """Count the runs that pass the filter by the value of a key, the largest group first."""
        ...

    def item(self, uid: str) -> RunItem | None:
        """Give one run; None where it is not in the index."""
        ...

    def link(self, uid: str) -> MlflowLink | None:
        """Say where MLflow shows a run of the lab's server; None of any other run."""
        ...

    def count(self, source: Source | None = None) -> int:
        """Count the runs."""
        ...

    def mark(self) -> int:
        """Give the mark of the index as it is now: a higher one whenever anything was put in or taken out."""
        ...


class RunIndexWriter(Protocol):
    """Keeps an index. Several processes may; each call is whole or not at all."""

    def states(self, source: Source) -> Mapping[str, str]:
        """Give the state of every run of a source, by uid."""
        ...

    def put(self, entries: Iterable[Entry]) -> Sequence[str]:
        """Put runs in, over what is there of them, and give the uids of those that are new or changed.

        A run of the lab's MLflow server never goes over the run folder that it is a copy of.
        """
        ...

    def load(self, entries: Iterable[Entry]) -> None:
        """Put very many runs in, of which few are there; they are found when all of them are in.

        Raises StoreLocked while another process does the same.
        """
        ...

    def remove(self, uids: Iterable[str], source: Source) -> Sequence[str]:
        """Take runs of a source out, and give the uids of those that were there."""
        ...


class RunSource(Protocol):
    """Runs that are kept elsewhere. All calls raise StoreUnreachable, StoreRefused or another StoreError."""

    @property
    def name(self) -> str:
        """The address, without secrets."""
        ...

    def runs(self, known: Mapping[str, str], *, whole: bool = False) -> Iterator[Sequence[Entry]]:
        """Give the runs in batches, newest first; unless `whole`, batches in which nothing is news may end it."""
        ...

    def points(self, run_id: str, names: Sequence[str]) -> Iterator[MetricPoint]:
        """Give the points of some metrics of a run."""
        ...
