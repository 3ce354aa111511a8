"""The promise: the slice of a cell, run in a clean process, gives what the cell gave in its session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.capture.more_shapes import MORE_SHAPES
from tests.capture.shapes import SHAPES, Shape

_ROOT = Path(__file__).parents[2]
_ENV = {**os.environ, "PYTHONPATH": str(_ROOT), "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0"}


def sliced(folder: Path, shape: Shape, cells: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Run a session in a real shell and slice its last cell."""
    folder.mkdir()
    for name, text in shape.files.items():
        (folder / name).write_text(text)
    asked = {"cells": cells or shape.cells, "metrics": shape.metrics, "attach": shape.attach}
    done = subprocess.run(
        [sys.executable, "-m", "tests.capture.driver"],
        cwd=folder,
        env={**_ENV, "IPYTHONDIR": str(folder / "ipython")},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def replayed(folder: Path, shape: Shape, script: str) -> dict[str, str]:
    """Run a script in a clean process, in a folder that holds the session's first files, and give the metrics."""
    folder.mkdir()
    for name, text in shape.files.items():
        (folder / name).write_text(text)
    ask = (
        "\nimport json as _json\nfrom tests.capture.driver import exact as _exact\n"
        f"print('@@' + _json.dumps({{name: _exact(globals().get(name)) for name in {shape.metrics!r}}}))\n"
    )
    (folder / "script.py").write_text(script + ask)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=_ENV, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stderr}\n{script}"
    answer: dict[str, str] = json.loads(done.stdout.rsplit("@@", 1)[1])
    return answer


@pytest.mark.parametrize("shape", [*SHAPES, *MORE_SHAPES], ids=lambda shape: shape.name)
def test_the_slice_gives_what_the_cell_gave(shape: Shape, tmp_path: Path) -> None:
    session = sliced(tmp_path / "session", shape)
    assert "None" not in session["metrics"].values(), session["failed"]
    assert not session["stumbled"]
    assert replayed(tmp_path / "replay", shape, session["script"]) == session["metrics"], session["script"]
    text = "\n".join(session["pieces"])
    assert [d for d in shape.dropped if d in text] == [], text
    assert [k for k in shape.kept if k not in text] == [], text
    nbformat.validate(session["notebook"])
