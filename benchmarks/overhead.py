"""A warm `%%labrun` around an empty cell, against the bare cell and against MLflow written by hand.

The project has 5,000 files in git, 300 installed packages and 20 earlier cells, and everything is captured. By hand
means `mlflow.start_run()`, params, tags and `log_artifact` of the same record on the same store, MLflow warm.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.figure import Figure, middle
from tests.kernel import Kernel

FILES = 5_000
PACKAGES = 300
EARLIER = 20
REPETITIONS = 40

_BY_HAND = """
import mlflow, time
mlflow.set_tracking_uri({uri!r})
mlflow.set_experiment("by-hand")
def by_hand(folder):
    with mlflow.start_run(run_name="by-hand"):
        mlflow.log_params({{"seed": 7}})
        mlflow.set_tags({{"labnb.uid": "x", "note": "by hand"}})
        mlflow.log_artifact(folder, "labnb")
"""


def main() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as temporary:
        project = make_project(Path(temporary))
        site = make_packages(Path(temporary) / "site")
        path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
        with Kernel(project, PYTHONPATH=path, LABNB_PUBLISHER="1") as kernel:
            kernel.load()
            for index in range(EARLIER):
                kernel.run(f"value_{index} = {index}\ndef function_{index}(x):\n    return x + value_{index}")
            for _ in range(3):
                _, run = kernel.recorded("pass", "--param seed=7")
            bare, ours = [], []
            for _ in range(REPETITIONS):
                bare.append(_timed(kernel, "pass"))
                ours.append(_timed(kernel, "%%labrun --param seed=7\npass"))
            _, run = kernel.recorded("pass", "--param seed=7")
            sync = [sys.executable, "-m", "labnb.cli.main", "-C", str(project), "sync"]
            subprocess.run(sync, check=True, capture_output=True)
            folder = kernel.lab.browse.folder(run.uid).paths.folder
            with Kernel(project) as other:
                setup = _BY_HAND.format(uri=f"sqlite:///{kernel.lab.paths.database}")
                assert other.run(setup).status == "ok"
                source = f"by_hand({str(folder)!r})"
                for _ in range(3):
                    other.run(source)
                hand = [_timed(other, source) for _ in range(REPETITIONS // 2)]
    extra = middle([a - b for a, b in zip(ours, bare, strict=True)])
    by_hand = middle(hand) - middle(bare)
    yield Figure("%%labrun over the bare cell", extra, "ms", 60, "MLflow by hand", by_hand)
    yield Figure("%%labrun as a share of MLflow by hand", extra / by_hand, "", 1)


def _timed(kernel: Kernel, source: str) -> float:
    begun = time.perf_counter()
    reply = kernel.run(source)
    took = (time.perf_counter() - begun) * 1000
    assert reply.status == "ok", reply.outputs
    return took


def make_project(folder: Path) -> Path:
    """A git work tree of 5,000 small files in 100 folders, some of them changed."""
    project = folder / "project"
    for index in range(FILES):
        path = project / f"part{index % 100:02d}" / f"file{index}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = {index}\n")
    git = ["git", "-C", str(project), "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    (project / "part00" / "file0.py").write_text("value = 'changed'\n")
    (project / "new.py").write_text("value = 'untracked'\n")
    return project


def make_packages(site: Path) -> Path:
    """As many installed packages as are missing to 300, as their metadata."""
    for index in range(max(0, PACKAGES - len(list(distributions())))):
        info = site / f"made_up_{index}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: made-up-{index}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"made_up_{index}/__init__.py,,\n")
    site.mkdir(exist_ok=True)
    return site
