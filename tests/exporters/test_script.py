"""Closures as scripts: they run, and do what the cells did."""

# ruff: noqa: E501 - a cell's source stays on one line

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labnb.exporters.script import to_script
from labnb.model.cell import Cell
from labnb.model.closure import Closure, Piece


def closure(*codes: str) -> Closure:
    return Closure(tuple(Piece(Cell(code, execution_count=n), code) for n, code in enumerate(codes, 1)))


def output(folder: Path, script: str, *flags: str) -> str:
    (folder / "script.py").write_text(script)
    done = subprocess.run([sys.executable, *flags, "script.py"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stderr}\n{script}"
    return done.stdout


def test_plain_code_is_left_as_it_is() -> None:
    script = to_script(closure("# a\nx = 1  # one", "def f():\n    '''Doc.'''\n    return x\n\nprint(f())"))
    assert script.split("\n", 1)[1] == (
        "\n# %% [1]\n# a\nx = 1  # one\n\n# %% [2]\ndef f():\n    '''Doc.'''\n    return x\n\nprint(f())\n"
    )


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["get_ipython().system('echo {1 + 1} {{x}} {missing}')"], "2 {x} {missing}\n"),
        (["n = 'a b'", "get_ipython().system('echo {n.upper()} $n')"], "A B a b\n"),
        (["x = get_ipython().getoutput('printf \"1\\\\n2\\\\n\"')", "print(x)"], "['1', '2']\n"),
        (["def f(v):\n    return get_ipython().getoutput('echo {v}')", "print(f(3))"], "['3']\n"),
        (["for i in range(2):\n    get_ipython().system('echo {i}')"], "0\n1\n"),
        (["get_ipython().run_line_magic('cd', 'sub')\nimport os\nprint(os.path.basename(os.getcwd()))"], "sub\n"),
        (["get_ipython().run_line_magic('env', 'A_B=c d')\nimport os\nprint(os.environ['A_B'])"], "c d\n"),
        (["get_ipython().run_line_magic('set_env', 'A_B c')\nimport os\nprint(os.environ['A_B'])"], "c\n"),
        (["get_ipython().run_line_magic('matplotlib', 'inline')\nprint(1)"], "1\n"),
        (["get_ipython().run_line_magic('time', 'x = 4')\nprint(x)"], "4\n"),
        (["get_ipython().run_cell_magic('time', '', 'x = 4\\ny = 5\\n!echo hi\\n')", "print(x + y)"], "hi\n9\n"),
        (["get_ipython().run_cell_magic('capture', '', 'x = 4\\n')", "print(x)"], "4\n"),
        (["get_ipython().run_cell_magic('bash', '', 'A=3\\necho $A\\n')"], "3\n"),
        (["get_ipython().run_cell_magic('writefile', 'made.py', 'V = 7\\n')", "import made\nprint(made.V)"], "Writing"),
        (["get_ipython().run_line_magic('run', 'other.py 5')", "print(VALUE, scaled(2))"], "5 10\n"),
        (["from __future__ import annotations\nprint(1)", "def f(x: Missing): ...\nprint(2)"], "1\n2\n"),
        (["if __name__ == '__main__':\n    print('main')"], "main\n"),
        (["print('é ✓'); get_ipython().system('echo ü')"], "é ✓\nü\n"),
        (
            ["class A:\n    def __init__(self):\n        self.v = get_ipython().getoutput('echo 1')\nprint(A().v)"],
            "['1']\n",
        ),
    ],
)
def test_magics_have_a_plain_form(codes: list[str], expected: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "other.py").write_text("import sys\nVALUE = int(sys.argv[1])\ndef scaled(x):\n    return x * VALUE\n")
    script = to_script(closure(*codes))
    assert "get_ipython" not in script
    said = output(tmp_path, script)
    assert said == expected or (expected == "Writing" and said == "7\n")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (
            ["import asyncio\nasync def f(n):\n    await asyncio.sleep(0)\n    return n", "x = await f(2)\nprint(x)"],
            "2\n",
        ),
        (
            [
                "import asyncio",
                "y: int = await asyncio.sleep(0, 3)\nprint(y)",
                "print(y); z = await asyncio.sleep(0, 4)",
                "print(z)",
            ],
            "3\n3\n4\n",
        ),
        (["async def g():\n    yield 1\n    yield 2", "t = 0\nasync for v in g():\n    t += v\nprint(t, v)"], "3 2\n"),
        (["async def g():\n    yield 1", "x = [v async for v in g()]\nprint(x)"], "[1]\n"),
        (
            [
                "import asyncio",
                "async with asyncio.Lock() as l:\n    a, (b, *c) = await asyncio.sleep(0, (1, (2, 3)))\nprint(a, b, c)",
            ],
            "1 2 [3]\n",
        ),
        (["import asyncio", "s = await asyncio.sleep(0, '''a\n  b''')\nprint(repr(s))"], "'a\\n  b'\n"),
        (["import asyncio", "task = asyncio.create_task(asyncio.sleep(0, 5))", "print(await task)"], "5\n"),
        (
            [
                "import asyncio",
                "try:\n    await asyncio.sleep(0)\n    raise ValueError(1)\nexcept ValueError as e:\n    m = str(e)\nprint(m)",
            ],
            "1\n",
        ),
        (
            ["import asyncio", "if (n := await asyncio.sleep(0, 3)) > 2:\n    def h():\n        return n\nprint(h())"],
            "3\n",
        ),
        (["import asyncio", "total = 1\ntotal += await asyncio.sleep(0, 3)\nprint(total)"], "4\n"),
    ],
)
def test_top_level_await_runs(codes: list[str], expected: str, tmp_path: Path) -> None:
    assert output(tmp_path, to_script(closure(*codes))) == expected


def test_display_prints_where_there_is_no_ipython(tmp_path: Path) -> None:
    (tmp_path / "IPython.py").write_text("raise ImportError")
    assert output(tmp_path, to_script(closure("display([1])"))) == "[1]\n"


def test_other_magics_get_a_shell(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    script = to_script(
        closure(
            "x = 3\nget_ipython().run_line_magic('who_ls', '')\ny = get_ipython().run_line_magic('sx', 'echo {x}')",
            "print(list(y), x, __name__)",
        )
    )
    assert output(tmp_path, script).endswith("['3'] 3 __main__\n")


def test_text_that_is_no_python_becomes_a_comment(tmp_path: Path) -> None:
    assert output(tmp_path, to_script(closure("x = 1", "print(x", "print(x)"))) == "1\n"


def test_functions_can_be_given_to_processes(tmp_path: Path) -> None:
    codes = [
        "import multiprocessing\ndef double(n):\n    return 2 * n",
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n    print(pool.map(double, [1, 2]))",
    ]
    assert output(tmp_path, to_script(closure(*codes))) == "[2, 4]\n"
