"""A cell with `%%labrun` gives what the same cell gives without it: the same outputs, errors, names and history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernel import Kernel, Reply

CELLS = {
    "last expression": "1 + 1",
    "no value": "x = 3",
    "semicolon": "1 + 1;",
    "print and value": "print('out')\nimport sys\nprint('err', file=sys.stderr)\n'value'",
    "assigned names": "a, b = 1, [2]\ndef f(): return a\n",
    "display": "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))\ndisplay({'a': 1})\n'end'",
    "display update": "h = display('one', display_id='labnb-test')\nh.update('two')",
    "top-level await": "import asyncio\nawait asyncio.sleep(0)\nprint('slept')\nawait asyncio.sleep(0, result=5)",
    "async for": "async def g():\n    yield 1\nasync for v in g():\n    print(v)",
    "line magic": "%pwd\nk = %pwd\nlen(k) > 0",
    "shell": "!echo from the shell\nlines = !echo captured\nlines",
    "os.system": "import os\nos.system('echo through the descriptor')",
    "time": "%%time\ns = sum(range(10))\nprint(s)",
    "capture": "%%capture caught\nprint('hidden')",
    "bash": "%%bash\necho in bash",
    "writefile": "%%writefile written.txt\ntext",
    "exception": "def broken():\n    1 / 0\n\nbroken()",
    "exception has right lines": "x = 1\n\n\nraise ValueError('on line four')",
    "syntax error": "x = 1\ny = (",
    "indentation error": "x = 1\n    y = 2",
    "unknown magic": "%nosuchmagic",
    "system exit": "import sys\nsys.exit(3)",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "exception group": "raise ExceptionGroup('many', [ValueError('a'), KeyError('b')])",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise RuntimeError('after') from e",
    "warning": "import warnings\nwarnings.warn('careful')",
    "help": "len?",
    "clear output": "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
    "clear output wait": "print('gone')\nclear_output(wait=True)\nprint('stays')",
    "matplotlib": "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "widget": "import ipywidgets\nipywidgets.IntSlider(value=3)",
    "unicode": "print('π ≈ 3.14 🎉')\n'ünï'",
    "carriage return": "for i in range(3):\n    print(f'{i}\\r', end='')",
    "thread": "import threading\nt = threading.Thread(target=print, args=('from a thread',)); t.start(); t.join()",
    "redirect": "import io, contextlib\nbuffer = io.StringIO()\n"
    "with contextlib.redirect_stdout(buffer):\n    print('kept')\nbuffer.getvalue()",
    "stdout identity": "import sys\ntype(sys.stdout).__name__, sys.stdout.isatty(), sys.stdout.writable()",
    "underscore": "_",
    "In": "In[-1].strip().splitlines()[-1]",
    "comment only": "# nothing\n",
    "magic name in text": "'%%labrun in a string'",
    "random state": "import random\nrandom.seed(1)\nrandom.random()",
    "docstring cell": '"""a text\nof two lines"""',
    "namespace": "sorted(n for n in globals() if n.startswith('lab'))",
    "frames": "import inspect\ninspect.currentframe().f_lineno",
    "excepthook": "sys.excepthook.__name__, sys.displayhook.__class__.__name__",
    "nested run_cell": "get_ipython().run_cell('print(6 * 7)').result",
}


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kernel, Kernel]]:
    bare_folder = tmp_path_factory.mktemp("bare") / "same"
    recorded_folder = tmp_path_factory.mktemp("recorded") / "same"
    bare_folder.mkdir()
    recorded_folder.mkdir()
    with Kernel(bare_folder) as bare, Kernel(recorded_folder) as recorded:
        recorded.load()
        bare.run("pass")  # the counts of both go together
        yield bare, recorded


def told(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs without what differs from one execution to the next: addresses, timings, paths, prompt numbers."""

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            value = re.sub(r"0x[0-9a-f]{6,}|ipykernel_\d+/\d+|/tmp/\S*?/same|[0-9a-f]{32}", "*", value)
            value = re.sub(r"\d+(\.\d+)? (ns|µs|μs|us|ms|s)\b", "* s", value)
            return re.sub(r"iVBOR[\w+/=\n]+", "png", value)
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key != "transient"}
        return [plain(item) for item in value] if isinstance(value, list) else value

    result = plain(outputs)
    assert isinstance(result, list)
    return result


@pytest.mark.parametrize("name", CELLS)
def test_same_as_without(kernels: tuple[Kernel, Kernel], name: str) -> None:
    bare, recorded = kernels
    source = CELLS[name]
    want: Reply = bare.run(source)
    got = recorded.run(f"%%labrun\n{source}")
    # One line stands above the cell: the numbers of lines count it, as they do for any cell with a line more.
    assert got.status == want.status
    assert got.count == want.count
    want_text, got_text = told(want.outputs), told(got.without_card())
    if name not in LINES_COUNT and not want.error:
        assert got_text == want_text
    else:
        assert [o["output_type"] for o in got_text] == [o["output_type"] for o in want_text]
    if want.error:
        assert got.error is not None
        assert (got.error["ename"], got.error["evalue"].split(" (")[0]) == (
            want.error["ename"],
            want.error["evalue"].split(" (")[0],
        )
        assert "labnb" not in "".join(got.error["traceback"])
    assert got.card is not None
    status = {"ok": "FINISHED", "error": "FAILED"}[want.status]
    assert got.run["status"] == ("KILLED" if name == "keyboard interrupt" else status)


LINES_COUNT = {"frames", "warning", "In", "exception group"}


def test_traceback_points_at_the_line_in_the_cell(kernels: tuple[Kernel, Kernel]) -> None:
    _, recorded = kernels
    reply = recorded.run("%%labrun\nx = 1\nraise ValueError('here')")
    assert reply.error is not None
    text = re.sub(r"\x1b\[[0-9;]*m", "", "".join(reply.error["traceback"]))
    assert re.search(r"-+> 3 raise ValueError", text)


def test_error_stops_run_all(kernels: tuple[Kernel, Kernel]) -> None:
    _, recorded = kernels
    first = recorded.send("%%labrun\n1 / 0")
    second = recorded.send("print('must not run')")
    assert recorded.wait(first).status == "error"
    assert recorded.wait(second).status in ("aborted", "error")


def test_interrupt_stops_the_cell_and_is_told(kernels: tuple[Kernel, Kernel]) -> None:
    _, recorded = kernels
    sent = recorded.send("%%labrun\nimport time\nprint('begun', flush=True)\ntime.sleep(60)")
    while recorded.client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    recorded.manager.interrupt_kernel()
    reply = recorded.wait(sent)
    assert reply.error is not None
    assert reply.error["ename"] == "KeyboardInterrupt"
    assert recorded.lab.browse.runs(limit=1).items[0].status == "KILLED"
    assert recorded.run("1 + 1").result == "2"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--parma lr=1", "Did you mean --param?"),
        ("--on clutser", "There is no target 'clutser'. labnb.toml names the places"),
        ("--param 3x=1", "no name of Python"),
        ("--tag novalue", "has no value"),
        ("two words", "A name with spaces stands in quotes"),
        ("'unclosed", "Close the quotes"),
        ("--metric a-b", "no name of a value"),
    ],
)
def test_wrong_line_is_answered_and_the_cell_does_not_run(kernels: tuple[Kernel, Kernel], line: str, said: str) -> None:
    _, recorded = kernels
    reply = recorded.run(f"%%labrun {line}\nprint('ran')")
    assert reply.status == "error"
    assert said in str(reply.error) + reply.stderr
    assert "ran" not in reply.stdout


def test_help_shows_the_options(kernels: tuple[Kernel, Kernel]) -> None:
    _, recorded = kernels
    message = recorded.client.execute("%%labrun?", reply=True, timeout=30)
    text = str(message["content"]["payload"])
    assert "--param" in text
    assert "--metric" in text


def test_unload_leaves_nothing(tmp_path: Path) -> None:
    with Kernel(tmp_path) as kernel:
        kernel.load()
        assert kernel.run("%unload_ext labnb").status == "ok"
        reply = kernel.run("%%labrun\nprint(1)")
        assert reply.status == "error"
        assert kernel.run("x = 2\nx").result == "2"
