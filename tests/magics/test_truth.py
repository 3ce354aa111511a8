"""The promise, as a user tries it: notebooks in a real kernel, their records replayed in clean processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from labnb.adapters.git.store import GitCodeStore
from labnb.magics.labrun import take_line_away
from labnb.model.run import Run
from tests.kernel import Kernel
from tests.magics.notebooks import NOTEBOOKS, Notebook

_REPLAY = """
import json, runpy, sys
script, names = sys.argv[1], sys.argv[2].split(",")
found = runpy.run_path(script, run_name="__main__")
print("@@" + json.dumps({name: float(found[name]) for name in names}))
"""


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files that are not there yet."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text)


def script_of(kernel: Kernel, run: Run) -> Path:
    return kernel.lab.browse.folder(run.uid).paths.script


def replayed(kernel: Kernel, run: Run, folder: Path, notebook: Notebook) -> dict[str, float]:
    """Run the recorded slice with the recorded code, and the data beside it, in a clean process."""
    store = kernel.lab.record_run.code_store
    assert isinstance(store, GitCodeStore)
    store.checkout(run.code["snapshot"], folder)
    write(folder, {name: text for name, text in notebook.files.items() if not name.endswith(".py")})
    script = script_of(kernel, run)
    done = subprocess.run(
        [sys.executable, "-c", _REPLAY, str(script), notebook.metrics],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stderr}\n{script.read_text()}"
    found: dict[str, float] = json.loads(done.stdout.rsplit("@@", 1)[1])
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_the_record_is_true(notebook: Notebook, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, notebook.files)
    if notebook.git:
        for words in ("init -q", "add -A", "-c user.name=a -c user.email=a@b.c commit -q -m first"):
            subprocess.run(["git", *words.split()], cwd=folder, check=True)
    *cells, cell = notebook.cells
    line = f"--metric {notebook.metrics}"
    with Kernel(folder, MPLBACKEND="Agg") as kernel:
        for source in notebook.before:
            kernel.run(source)
        kernel.load()
        for number, source in enumerate(cells, 1):
            reply = kernel.run(source)
            assert (reply.status == "error") == (number in notebook.fails), reply.outputs
        reply, run = kernel.recorded(cell, line)
        assert reply.status == "ok", reply.outputs
        assert run.notes == ()
        names = notebook.metrics.split(",")
        recorded = {name: run.metrics[name] for name in names}
        script = script_of(kernel, run).read_text()
        assert replayed(kernel, run, tmp_path / "clean", notebook) == recorded, script
        assert [text for text in notebook.kept if text not in script] == [], script
        assert [text for text in notebook.dropped if text in script] == [], script
        loading = len(notebook.before) + 1
        if notebook.inputs is not None:
            read = {(use.path, None if use.cell is None else use.cell - loading) for use in run.inputs}
            assert read == set(notebook.inputs)
        if notebook.outputs is not None:
            assert {use.path for use in run.outputs} == set(notebook.outputs)
        if notebook.params is not None:
            assert run.params == notebook.params
        if notebook.repeats:
            _, again = kernel.recorded(cell, line)
            assert again.fingerprint == run.fingerprint, script_of(kernel, again).read_text()
        asked = {run.fingerprint}
        for place, source in enumerate(notebook.changes):
            assert kernel.run(source).status == "ok"
            _, other = kernel.recorded(cell, line)
            assert other.fingerprint not in asked, source
            asked.add(other.fingerprint)
            recorded = {name: other.metrics[name] for name in names}
            assert replayed(kernel, other, tmp_path / f"changed{place}", notebook) == recorded, source


def test_text_that_no_encoding_takes(tmp_path: Path) -> None:
    """A lone surrogate, in the source, in an exception, in what is logged: the record is written all the same."""
    with Kernel(tmp_path) as kernel:
        kernel.load()
        _, run = kernel.recorded("word = 'a\\ud800b'\nn = len(word)", "--metric n")
        assert (run.status, run.params, run.metrics) == ("FINISHED", {"word": "a\\ud800b"}, {"n": 3.0})
        _, run = kernel.recorded("raise ValueError('a\\udc80b')")
        assert run.status == "FAILED"
        assert run.error is not None
        assert run.error["message"] == "a\\udc80b"
        _, run = kernel.recorded(
            "import labnb\nlabnb.param('p', 'a\\udc80')\nlabnb.tag('t', '\\ud800')\nlabnb.log({'m\\udc80': 1})"
        )
        assert (run.params, run.tags, run.metrics) == ({"p": "a\\udc80"}, {"t": "\\ud800"}, {"m\\udc80": 1.0})


def test_a_typed_cell_ends_at_an_empty_line() -> None:
    """A terminal asks whether what was typed is complete; `%%labrun` answers as `%%time` does."""
    shell = InteractiveShell.instance()
    shell.input_transformers_cleanup.append(take_line_away)
    try:
        complete = shell.input_transformer_manager.check_complete
        for body in ("", "\n", "\nz = 4", "\nz = 4\n", "\nz = 4\n\n", "\nfor i in x:\n    pass\n"):
            assert complete(f"%%labrun{body}") == complete(f"%%time{body}")
    finally:
        shell.input_transformers_cleanup.remove(take_line_away)
        InteractiveShell.clear_instance()
