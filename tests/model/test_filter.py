"""The filter grammar, alone; that it means what MLflow means is asked in tests/adapters/mlflow."""

from __future__ import annotations

import pytest

from labnb.model.dataset import FileUse
from labnb.model.errors import UsageError
from labnb.model.filter import parse_filter, sort_runs
from labnb.model.run import Run, RunStatus


def make(name: str, accuracy: float | None = None, **params: object) -> Run:
    return Run(
        uid=name * 4,
        name=name,
        status=RunStatus.FINISHED,
        started="2026-01-01T00:00:00.000Z",
        ended="2026-01-01T00:00:02.500Z",
        user="ann",
        notebook="work/train.ipynb",
        params=params,  # type: ignore[arg-type]
        metrics={} if accuracy is None else {"accuracy": accuracy, "val loss": 1 - accuracy},
        tags={"team": "biology", "mlflow.note": "it's fine"},
        inputs=(FileUse("data/a.csv", "md5:1", 1, dataset="data/a.csv", version="abc123"),),
    )


RUNS = [
    make("low", 0.5, lr=0.1, model="tree"),
    make("high", 0.9, lr=0.01, model="forest"),
    make("none", model="forest"),
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["low", "high", "none"]),
        ("metrics.accuracy > 0.6", ["high"]),
        ("metrics.accuracy >= 0.5 and metrics.accuracy<0.9", ["low"]),
        ("metric.accuracy != 0.5", ["high"]),
        ('metrics."val loss" < 0.2', ["high"]),
        ("metrics.`val loss` > 0.2", ["low"]),
        ("params.model = 'forest'", ["high", "none"]),
        ("params.model LIKE 'for%' AND params.lr = 0.01", ["high"]),
        ("params.model ilike 'FOR%'", ["high", "none"]),
        ("params.model not like 'for%'", ["low"]),
        ("params.lr < 0.05", ["high"]),
        ("params.lr = '0.1'", ["low"]),
        ("tags.team = 'biology' and attributes.run_name = 'low'", ["low"]),
        ("tags.mlflow.note = 'it''s fine'", ["low", "high", "none"]),
        ("run_name IN ('low', 'none')", ["low", "none"]),
        ("status = 'FINISHED' and duration > 2", ["low", "high", "none"]),
        ("params.lr is null", ["none"]),
        ("params.lr IS NOT NULL", ["low", "high"]),
        ("dataset.name = 'data/a.csv' and dataset.digest LIKE 'abc%'", ["low", "high", "none"]),
        ("forest", ["high", "none"]),
        ("forest train", ["high", "none"]),
        ("ann biology tree", ["low"]),
        ("no such thing anywhere", []),
    ],
)
def test_filter(text: str, names: list[str]) -> None:
    assert [run.name for run in RUNS if parse_filter(text)(run)] == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("metrics.accuracy >", "a value is missing"),
        ("metrics.accuracy > 0.5 or metrics.accuracy < 0.1", "joined by AND"),
        ("metrics.accuracy > 0.5 and", "joined by AND"),
        ("params.model = forest", "text stands in quotes: 'forest'"),
        ("metrik.accuracy > 1", "Did you mean metrics?"),
        ("attributes.statsu = 'FINISHED'", "Did you mean status"),
        ("params.a IN 'x'", "IN takes a list"),
        ("metrics.a LIKE 3", "takes text in quotes"),
        ("metrics.a > 'unclosed", "not understood"),
    ],
)
def test_wrong_filter_says_what_is_right(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_filter(text)
    assert said in str(raised.value)


def test_order() -> None:
    def names(order: str) -> list[str]:
        return [run.name for run in sort_runs(RUNS, order)]

    assert names("metrics.accuracy DESC") == ["high", "low", "none"]
    assert names("metrics.accuracy") == ["low", "high", "none"]
    assert names("params.lr desc") == ["low", "high", "none"]
    assert names("name ASC") == ["high", "low", "none"]
    with pytest.raises(UsageError, match="accuracy"):
        names("accuracy DESC")
