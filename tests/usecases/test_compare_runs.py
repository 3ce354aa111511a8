"""Runs side by side: the use case, the command and the magic's answer."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from labnb.cli.main import main
from labnb.lab import Lab, open_lab
from labnb.magics.comparing import labcompare
from labnb.model.dataset import FileUse
from labnb.model.errors import NotFound, UsageError
from tests.runs import Recorded

HOSTILE = "<script>alert(1)</script> \x1b[31m ‮RTL 🦆"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    (tmp_path / "labnb.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return open_lab(tmp_path)


def recorded(lab: Lab, name: str, lr: float, version: str, **fields: Any) -> Recorded:
    run = Recorded(
        lab.paths,
        name=name,
        params={"lr": lr, "trees": 10},
        source=f"lr = {lr}",
        inputs=(FileUse("d.csv", f"md5:{version}", 1, dataset="d.csv", version=version),),
        **fields,
    )
    run.log(50).artifact("plots/roc.png", b"png")
    run.folder.paths.script.write_text(f"lr = {lr}\nfit()\n")
    environment = {"python": "3.11", "platform": "Linux", "lock": [f"numpy=={version}"]}
    run.folder.paths.snapshot.write_text(json.dumps({"environment": environment}))
    return run.end()


@pytest.fixture
def runs(lab: Lab) -> list[Recorded]:
    return [recorded(lab, "one", 0.1, "1"), recorded(lab, "two", 0.2, "2"), recorded(lab, HOSTILE, 0.1, "1")]


def test_what_differs_comes_first(lab: Lab, runs: list[Recorded]) -> None:
    found = lab.many.compare.compare([run.uid for run in runs])
    differing = [row.differs for row in found.rows]
    assert differing == sorted(differing, reverse=True)
    rows = {(row.kind, row.name): row for row in found.rows}
    assert rows["param", "lr"].values == [0.1, 0.2, 0.1]
    assert not rows["param", "trees"].differs
    assert not rows["metric", "loss"].differs
    assert rows["data", "d.csv"].values == ["1", "2", "1"]
    assert rows["code", "cell"].differs
    assert [(diff.run, diff.same) for diff in found.code] == [(runs[1].uid, False), (runs[2].uid, True)]
    assert "+lr = 0.2" in found.code[0].diff
    assert [(change.before, change.after) for change in found.environment[0].changes] == [("1", "2")]
    (picture,) = found.pictures
    assert picture.path == "plots/roc.png"
    assert None not in picture.artifacts


def test_missing_runs_are_told(lab: Lab, runs: list[Recorded]) -> None:
    found = lab.many.compare.compare([runs[0].uid, "0" * 32, runs[1].uid])
    assert found.missing == ["0" * 32]
    assert len(found.runs) == 2
    with pytest.raises(NotFound):
        lab.many.compare.compare(["0" * 32, "1" * 32])


def test_curves_of_several_runs(lab: Lab, runs: list[Recorded]) -> None:
    curves = lab.many.compare.curves([run.uid for run in runs], ["loss"], "relative", 10)
    assert [curve.run for curve in curves.items] == [run.uid for run in runs]
    assert all(len(curve.x) <= 10 and curve.total == 50 for curve in curves.items)
    with pytest.raises(UsageError, match="after end"):
        lab.many.compare.curves([runs[0].uid], start=2, end=1)


def test_the_command(lab: Lab, runs: list[Recorded], capsys: pytest.CaptureFixture[str]) -> None:
    uids = [run.uid for run in runs]
    assert main(["compare", uids[0][:8], uids[1], "--diff"]) == 0
    text = capsys.readouterr().out
    assert "param lr" in text
    assert "trees" not in text
    assert "numpy: 1 -> 2" in text
    assert main(["compare", *uids, "--all"]) == 0
    shown = capsys.readouterr().out
    assert "trees" in shown
    assert "\x1b" not in shown, "a name cannot steer the terminal"
    assert main(["compare", *uids, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["differs"]
    assert main(["compare", *uids, "--csv"]) == 0
    lines = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert lines[0] == ["kind", "name", "differs", *uids]
    assert ["param", "lr", "True", "0.1", "0.2", "0.1"] in lines


@pytest.mark.parametrize("words", [["abcd"], ["abcd"] * 51, ["0000", "1111"]])
def test_wrong_runs_are_a_wrong_call(lab: Lab, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *words]) == 2
    assert "labnb" in capsys.readouterr().err


def test_the_magic(lab: Lab, runs: list[Recorded]) -> None:
    view = labcompare(lab, f"{runs[0].uid[:8]} {runs[2].uid} --metric loss --x relative")
    assert "<script>" not in view._repr_html_()
    figure = view.figure
    assert [len(trace.y) for trace in figure.data] == [50, 50]
    assert "<script>" not in figure.to_json()
    assert "lr" not in [row[0] for row in view._repr_html_()], "what is the same is not shown"
    for line, said in (("abcd", "2 to 50"), (f"{runs[0].uid} {runs[1].uid} --metric los", "no metric|has a metric"),
                       ("'a b", "quotes"), ("a b --x foo", "invalid choice")):  # fmt: skip
        with pytest.raises((UsageError, NotFound), match=said):
            labcompare(lab, line)


def test_plotly_is_imported_by_the_figure_alone(lab: Lab, runs: list[Recorded]) -> None:
    import subprocess
    import sys

    program = (
        "import sys; from labnb.lab import open_lab; from labnb.magics.comparing import labcompare; "
        f"view = labcompare(open_lab({str(lab.root)!r}), {runs[0].uid + ' ' + runs[1].uid!r}); repr(view); "
        "assert not {'plotly', 'mlflow', 'dvc', 'pandas'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
