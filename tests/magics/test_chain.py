"""The example of a chain: cleaning, splitting and training as versions of each other, run from start to end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from labnb.lab import open_lab
from tests.adapters.dvc.command import dvc, git

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_chain_tells_where_its_data_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    folder = tmp_path / "chain"
    left_out = shutil.ignore_patterns(".labnb", "cache", "tmp", "wine.csv", "*.executed.*", "clean.csv*", "split*")
    shutil.copytree(EXAMPLES, folder, ignore=left_out)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "the example")
    subprocess.run([sys.executable, "-m", "dvc", "pull", "-q"], cwd=folder, check=True)
    notebook = nbformat.read(folder / "chain.ipynb", as_version=4)
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "chain.ipynb"))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    texts = {cell["id"]: str(cell.get("outputs", "")) for cell in notebook.cells}
    lab = open_lab(folder)
    runs = {run.name: run for run in lab.browse.runs(limit=None).items}
    assert list(runs) == ["clean-strict", "train", "split", "clean"]
    assert all(run.notes == () for run in runs.values()), [run.notes for run in runs.values()]
    strict, first = lab.data.log.log("data/clean.csv")
    assert (strict.made_by, first.made_by) == ((runs["clean-strict"].uid,), (runs["clean"].uid,))
    assert {use.dataset: use.version for use in runs["split"].inputs} == {"data/clean.csv": first.version}
    graph = lab.data.trace.trace("data/split")
    raw = f"data/wine.csv@{lab.data.log.find('data/wine.csv').version}"
    edges = {(edge.source, edge.target) for edge in graph.edges}
    assert (raw, runs["clean"].uid) in edges
    assert (runs["clean"].uid, f"data/clean.csv@{first.version}") in edges
    assert (graph.target, runs["train"].uid) in edges
    for name in ("clean", "split"):
        assert f"made by run {runs[name].uid[:8]}" in texts["lineage-split"]
    assert f"used by run {runs['train'].uid[:8]}" in texts["lineage-split"]
    assert f"used by run {runs['clean-strict'].uid[:8]}" in texts["lineage-raw"]
    assert "rows" in texts["diff"]
    assert "up to date" in dvc(folder, "status")
