"""The index answers as the filters do over the runs themselves, whatever is put in, changed and taken out."""

from __future__ import annotations

import dataclasses
import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labnb.adapters.index import SqliteRunIndex
from labnb.model.dataset import FileUse
from labnb.model.errors import UsageError
from labnb.model.filter import parse_filter, sort_runs
from labnb.model.run import Run, RunStatus, time_text
from labnb.model.tags import ARCHIVED
from labnb.ports.run_index import Entry, Question

START = 1_700_000_000


def run(number: int, **fields: Any) -> Run:
    base = {"name": f"run {number}", "user": "ann", "notebook": "study.ipynb", "status": RunStatus.FINISHED}
    started = time_text(START + number)
    return Run(
        **{**base, "uid": f"{number:032x}", "started": started, "ended": time_text(START + 2 * number), **fields}
    )


def entry(one: Run) -> Entry:
    return Entry(one, "folder", "state")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteRunIndex]:
    made = SqliteRunIndex(tmp_path)
    yield made
    made.close()


RUNS = [
    run(1, params={"lr": 0.1, "model": "tree", "on": True}, metrics={"acc": 0.5, "loss": float("nan")}),
    run(2, params={"lr": "0.10", "model": "Forest"}, metrics={"acc": 0.9}, tags={"team": "bio", "x y": "it's"}),
    run(3, params={"lr": 1e-3, "model": "forest", "on": False}, metrics={"acc": float("inf"), "loss": 0.25}),
    run(4, params={"model": "a*b?[c]%_"}, metrics={"acc": -2}, status=RunStatus.FAILED, user="bob"),
    run(5, params={"lr": None, "huge": 10**400, "model": "nan"}, name="Ünï 🦆 '\"<b>", notebook=None),
    run(6, ended=None, status=RunStatus.RUNNING, tags={"team": "Bio%", "empty": ""}),
    run(7, params={"lr": "1e999", "text": "10"}, inputs=(FileUse("d/a.csv", "md5:1", 3, 1, "d/a.csv", "abc"),)),
    run(8, params={"text": "x" * 5000, "lr": "tree"}, metrics={"loss": float("-inf")}),
]  # fmt: skip
KEYS = ["params.lr", "params.model", "params.on", "params.text", "params.huge", "params.nothing", "metrics.acc",
        "metrics.loss", "tags.team", "tags.`x y`", "tags.empty", "name", "status", "user", "notebook", "duration",
        "start_time", "end_time", "datasets.name", "datasets.digest", "uid", "published", "fingerprint"]  # fmt: skip
TEXTS = ["0.1", "0.10", "tree", "forest", "nan", "inf", "True", "False", "", "a*b?[c]%_", "it''s", "10", "bio",
         "FINISHED", "Ünï 🦆 ''\"<b>", "ann", "d/a.csv", "study.ipynb"]  # fmt: skip
PATTERNS = [
    *TEXTS,
    "%",
    "for%",
    "%est",
    "f_rest",
    "%e%",
    "a*b?[c]%",
    "%[%",
    "%?%",
    "_",
    "%ÜNÏ%",
    "%🦆%",
    "BIO%",
    "%0%1%",
]
NUMBERS = ["0", "0.1", "0.5", "-2", "1e999", "1e-3", "2"]

comparisons = st.one_of(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(NUMBERS)),
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.sampled_from(TEXTS).map(lambda text: f"'{text}'"),
    ),
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE"]),
        st.sampled_from(PATTERNS).map(lambda text: f"'{text}'"),
    ),
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["IN", "NOT IN"]),
        st.lists(st.sampled_from(TEXTS), max_size=3).map(lambda texts: "(" + ", ".join(f"'{t}'" for t in texts) + ")"),
    ),
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["IS NULL", "IS NOT NULL"]), st.just("")),
).map(" ".join)
filters = st.one_of(
    st.lists(comparisons, max_size=3).map(" AND ".join),
    st.lists(st.sampled_from(["tree", "ann", "bio", "0.1", "acc", "ünï", "🦆", "study", "1", "%"]), max_size=2).map(
        " ".join
    ),
)
orders = st.tuples(st.sampled_from(KEYS), st.sampled_from(["", " ASC", " DESC"])).map("".join)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteRunIndex]:
    made = SqliteRunIndex(tmp_path_factory.mktemp("filled"))
    made.put(map(entry, RUNS))
    yield made
    made.close()


def expected(runs: list[Run], filter_text: str, order: str) -> list[str]:
    test = parse_filter(filter_text)
    newest = sort_runs([one for one in runs if test(one)], "start_time DESC")
    return [one.uid for one in sort_runs(newest, order)]


def pages(index: SqliteRunIndex, **words: Any) -> list[str]:
    """Every page of an answer, one behind the other."""
    uids, cursor, totals = [], "", set()
    while True:
        found = index.ask(Question(**words, cursor=cursor))
        uids += [item.uid for item in found.items]
        totals.add(found.total)
        if found.next is None:
            assert totals == {len(uids)}
            return uids
        cursor = found.next


@given(filter_text=filters, order=orders, limit=st.sampled_from([1, 3, 50]))
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
def test_same_answers_as_the_filters(filled: SqliteRunIndex, filter_text: str, order: str, limit: int) -> None:
    assert pages(filled, filter=filter_text, order_by=order, limit=limit) == expected(RUNS, filter_text, order)


def test_changes_are_followed_and_leave_nothing(index: SqliteRunIndex) -> None:
    index.put(map(entry, RUNS))
    mark = index.ask(Question()).mark
    changed = dataclasses.replace(RUNS[0], params={"lr": 7}, metrics={"acc": 0.1}, tags={"new": "tag"})
    assert index.put([entry(changed), entry(RUNS[1])]) == [changed.uid]
    assert index.remove([RUNS[3].uid, "unknown"], "folder") == [RUNS[3].uid]
    now = [changed, RUNS[1], RUNS[2], *RUNS[4:]]
    for order in KEYS:
        assert pages(index, order_by=order, limit=2) == expected(now, "", order)
    news = index.ask(Question(since=mark))
    assert [item.uid for item in news.items] == [changed.uid]
    assert news.gone == (RUNS[3].uid,)
    assert news.total == 7
    assert index.ask(Question(since=mark, filter="metrics.acc > 0.4")).gone == (RUNS[3].uid, changed.uid)
    index.remove([one.uid for one in RUNS], "folder")
    with index.database.reading() as connection:
        for table in ("run", "entry", "words"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM key WHERE runs <> 0").fetchone() == (0,)


def test_loaded_is_as_put(index: SqliteRunIndex, filled: SqliteRunIndex) -> None:
    index.put([entry(RUNS[0])])
    index.load(map(entry, RUNS))
    assert index.columns() == filled.columns()
    for order in KEYS:
        assert pages(index, order_by=order) == pages(filled, order_by=order)


def test_archived_runs_are_shown_when_asked(index: SqliteRunIndex) -> None:
    index.put([entry(run(1)), entry(run(2, tags={ARCHIVED: "true"}))])
    assert pages(index) == [run(1).uid]
    assert pages(index, archived="with") == [run(2).uid, run(1).uid]
    assert pages(index, archived="only") == [run(2).uid]


def test_a_copy_in_mlflow_never_hides_the_folder(index: SqliteRunIndex) -> None:
    index.put([entry(run(1))])
    assert index.put([Entry(run(1, name="copy"), "tracking", "s"), Entry(run(2), "tracking", "s")]) == [run(2).uid]
    assert {item.name: item.source for item in index.ask(Question()).items} == {"run 1": "folder", "run 2": "tracking"}
    assert index.put([entry(run(2, name="mine"))]) == [run(2).uid]
    assert index.item(run(2).uid).source == "folder"  # type: ignore[union-attr]


def test_columns_and_groups(filled: SqliteRunIndex) -> None:
    columns = {column.key: column for column in filled.columns()}
    assert columns["metrics.acc"].runs == 4
    assert (columns["metrics.acc"].least, columns["metrics.acc"].most) == (-2, None)
    assert "tags.`x y`" in columns
    groups = filled.groups("user", "", 10, 0)
    assert [(group.value, group.runs) for group in groups] == [("ann", 7), ("bob", 1)]
    assert [group.runs for group in filled.groups("user", "status = 'FAILED'", 10, 0)] == [1]


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "!!!", "é", "W1tbW1tbW1tbW1tb"])
def test_a_cursor_that_is_none_is_refused(filled: SqliteRunIndex, cursor: str) -> None:
    with pytest.raises(UsageError, match="cursor"):
        filled.ask(Question(cursor=cursor))


@pytest.mark.parametrize("damage", [b"", b"not a database at all, but longer than its head" * 40])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: bytes) -> None:
    index = SqliteRunIndex(tmp_path)
    index.put([entry(run(1))])
    index.close()
    index.database.path.write_bytes(damage)
    again = SqliteRunIndex(tmp_path)
    assert again.count() == 0
    again.put([entry(run(1))])
    assert again.count() == 1
    again.close()


def test_half_loaded_is_made_anew(tmp_path: Path) -> None:
    index = SqliteRunIndex(tmp_path)
    with index.database.loading(), index.database.writing() as connection:
        connection.execute("INSERT INTO run VALUES (-1, 'half', 'folder', '', 0, 1, '{}')")
    index.close()  # as a process that is killed leaves it: the mark is still there
    again = SqliteRunIndex(tmp_path)
    assert again.states("folder") == {}
    again.close()


def _put_many(folder: Path, first: int) -> None:
    index = SqliteRunIndex(folder)
    for number in range(first, first + 40):
        index.put([entry(run(number % 50, metrics={"acc": number}))])
    index.close()


def test_two_processes_write_one_index(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_put_many, args=(tmp_path, first)) for first in (0, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    index = SqliteRunIndex(tmp_path)
    assert index.count() == 50
    assert len(pages(index, order_by="metrics.acc")) == 50
    with index.database.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        wrong = "SELECT count(*) FROM key WHERE runs <> (SELECT count(*) FROM entry WHERE entry.key = key.id)"
        assert connection.execute(wrong).fetchone() == (0,)
    index.close()


def test_no_folder_no_file(tmp_path: Path) -> None:
    """A project in which nothing was ever recorded stays as it is."""
    index = SqliteRunIndex(tmp_path / "cache")
    assert index.ask(Question()).items == ()
    assert list(tmp_path.iterdir()) == []
    index.close()


def test_unknown_words_are_refused(filled: SqliteRunIndex) -> None:
    for words in ({"filter": "metrik.a > 1"}, {"order_by": "accuracy"}, {"filter": "params.a >"}):
        with pytest.raises(UsageError):
            filled.ask(Question(**words))


def test_sqlite_is_recent_enough() -> None:
    assert sqlite3.sqlite_version_info >= (3, 35)
