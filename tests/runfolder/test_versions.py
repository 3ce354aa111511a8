"""The record outlives the version that wrote it: folders of schema 1 as they were written, and folders of a later one.

`golden/schema-1` is never written anew: whatever becomes of the format, these two must be read. One ended, the other
lost its machine in the middle of a line.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labnb.cli.main import main
from labnb.lab import open_lab
from labnb.model.run import RunStatus
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import Published
from labnb.runfolder.queue import touch
from labnb.testing.result_store import MemoryResultStore
from labnb.usecases.mend_run import mend_run
from labnb.usecases.publish_queue import publish_queue
from labnb.usecases.publish_run import NamedStore

GOLDEN = Path(__file__).parent / "golden" / "schema-1"
ENDED, CUT = "4a3bf4660e874368b63bff9361b33b4f", "b" * 32


@pytest.fixture
def lab(tmp_path: Path) -> LabPaths:
    paths = LabPaths(tmp_path)
    paths.make()
    shutil.copytree(GOLDEN, paths.runs, dirs_exist_ok=True)
    return paths


def here(lab: LabPaths, uid: str) -> RunFolder:
    """The run as one of this machine, before it was started anew."""
    folder = RunFolder(lab.run(uid))
    run, owner = folder.stored()
    assert owner is not None
    folder.write(run, dataclasses.replace(owner, host=Owner.this().host))
    return folder


def test_a_run_of_the_first_version(lab: LabPaths, capsys: pytest.CaptureFixture[str]) -> None:
    browse = open_lab(lab.root).browse
    assert browse.runs().broken == ()
    run = browse.run(ENDED)
    assert (run.status, run.name, run.user, run.tags) == (RunStatus.FINISHED, "fit", "ann", {"team": "bio"})
    assert run.params == {"rate": 0.5, "layers": "[64, 10]"}
    assert (run.metrics["loss"], run.metrics["total"]) == (0.5 / 3, 3.0)
    assert math.isnan(run.metrics["größe"])
    assert [(use.path, use.size) for use in run.inputs] == [("data.csv", 4)]
    assert [point.value for point in browse.history(ENDED) if point.name == "loss"] == [0.5, 0.25, 0.5 / 3]
    assert browse.snapshot(ENDED)["closure"]["free"] == ["rate"]
    assert "done" in json.dumps(browse.output(ENDED))
    assert main(["-C", str(lab.root), "show", ENDED[:8]]) == 0
    assert "data.csv" in capsys.readouterr().out


def test_a_run_of_the_first_version_that_did_not_end(lab: LabPaths) -> None:
    run = mend_run(lab, here(lab, CUT).uid)
    assert run is not None
    assert (run.status, run.params["layers"]) == (RunStatus.KILLED, "[64, 10]")
    assert run.metrics["loss"] == 0.5 / 3
    assert [note.code for note in run.notes] == ["kernel_died"]
    shown = (lab.runs / CUT / "output.ipynb").read_text()
    assert "half way" in shown
    assert "67 %" in shown


def test_they_are_published(lab: LabPaths) -> None:
    here(lab, CUT)
    store = MemoryResultStore()
    for uid in (ENDED, CUT):
        touch(lab, uid)
    assert publish_queue(lab, [NamedStore("embedded", store)]).problems == ()
    held = {one.uid: one for one in store.runs.values()}
    assert held[ENDED].values("loss") == held[CUT].values("loss") == [0.5, 0.25, 0.5 / 3]
    assert (held[ENDED].status, held[CUT].status) == ("FINISHED", "KILLED")
    assert held[ENDED].artifacts["out.txt"] == b"x"
    assert Published.read(lab.run(CUT).published).word == "published"


def test_what_a_later_version_adds_is_passed_over(lab: LabPaths) -> None:
    """New fields everywhere, new kinds of lines, points with more to tell, files that nobody knows."""
    folder = here(lab, CUT)
    data = json.loads(folder.paths.run.read_text())
    data |= {"schema": 2, "weather": {"sky": "blue"}, "owner": {**data["owner"], "cluster": "x"}}
    data["inputs"] = [{"path": "a.csv", "digest": "md5:1", "size": 1, "licence": "CC0"}]
    folder.paths.run.write_text(json.dumps(data, indent=1))
    journal = folder.paths.journal
    more = [
        {"k": "image", "t": 1.0, "name": "x", "path": "y"},
        {"k": "metric", "t": 1795425059.0, "s": 4, "v": {"loss": 0.1, "matrix": [[1]], "word": "x"}, "unit": "m"},
        {"k": "metric", "t": 1795425060.0, "rows": [[1, 2]]},
        {"k": "param", "t": 1.0, "name": "lr", "value": 0.1, "why": "x"},
        ["a list"],
        {"t": 1.0},
    ]
    journal.write_text(journal.read_text() + "\n" + "".join(json.dumps(line) + "\n" for line in more))
    published = json.loads(folder.paths.published.read_text())
    published |= {"schema": 2, "when": 3}
    published["stores"]["embedded"]["region"] = "eu"
    folder.paths.published.write_text(json.dumps(published))
    (folder.paths.folder / "video.mp4").write_bytes(b"x")
    assert folder.read().published_why == "It was away."
    run = mend_run(lab, CUT)
    assert run is not None
    assert (run.metrics["loss"], run.params["lr"]) == (0.1, 0.1)
    assert "matrix" not in run.metrics
    assert [use.path for use in run.inputs] == ["a.csv"]
    assert [use["path"] for use in json.loads(folder.paths.run.read_text())["inputs"]] == ["a.csv"]


# What docs/record.md says, and no more: no labnb, no other package, any Python.
BY_HAND = """
import json, os, sys, time
folder = os.path.join(sys.argv[1], ".labnb", "runs", "c" * 32)
os.makedirs(folder)
run = {"schema": 1, "uid": "c" * 32, "name": "by hand", "status": "RUNNING", "started": "2026-01-02T03:04:05.000Z"}
def write(**more):
    with open(os.path.join(folder, "aside"), "w") as file:
        json.dump({**run, **more}, file)
    os.replace(os.path.join(folder, "aside"), os.path.join(folder, "run.json"))
write()
journal = os.open(os.path.join(folder, "journal.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for step in range(3):
    line = {"k": "metric", "t": time.time(), "s": step, "v": {"loss": 1 / (step + 1)}}
    os.write(journal, (json.dumps(line) + "\\n").encode())
os.write(journal, (json.dumps({"k": "param", "t": time.time(), "name": "lr", "value": 0.1}) + "\\n").encode())
write(status="FINISHED", ended="2026-01-02T03:05:05.000Z", params={"lr": 0.1}, metrics={"loss": 1 / 3})
os.makedirs(os.path.join(sys.argv[1], ".labnb", "queue"), exist_ok=True)
open(os.path.join(sys.argv[1], ".labnb", "queue", "c" * 32), "w").close()
"""


def test_a_folder_written_from_the_documentation_with_the_standard_library_alone(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", BY_HAND, str(tmp_path)], check=True)
    (run,) = open_lab(tmp_path).browse.runs("metrics.loss < 0.5 and params.lr = 0.1").items
    assert (run.name, run.status, run.duration) == ("by hand", RunStatus.FINISHED, 60.0)
    store = MemoryResultStore()
    lab = LabPaths(tmp_path)
    lab.make()
    assert publish_queue(lab, [NamedStore("embedded", store)]).copied == (run.uid,)
    (held,) = store.runs.values()
    assert held.values("loss") == [1, 1 / 2, 1 / 3]
