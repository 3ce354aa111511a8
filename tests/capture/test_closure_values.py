"""What a closure says beside its code: free names, written values, randomness, the normalised text."""

from __future__ import annotations

import time

import pytest

from labnb.capture.slicing import slice_session
from labnb.model.cell import Cell, ExecutedCell
from tests.capture.sessions import cell, sliced, text_of


@pytest.mark.parametrize(
    ("cells", "free", "undefined"),
    [
        (("a = 1", "b = a + 1"), {"a"}, set()),
        (("a = 1", "b = a + c"), {"a", "c"}, {"c"}),
        (("a = 1", "a = 2\nb = a"), set(), set()),
        (("f = 1", "def g(x): return f + x + h\nh = 3"), {"f"}, set()),
        (("sum = len", "x = sum([1]) + max([2])"), {"sum"}, set()),
        (("k = 1", "[k for k in range(3)]\nprint(k)"), {"k"}, set()),
        (("a = 1", "del a\nb = 2"), {"a"}, set()),
        (("a = 1", "a += 1"), {"a"}, set()),
        (("n = 1", "for i in range(n):\n    print(i)"), {"n"}, set()),
        (("n = 1", "if n:\n    m = 1\nprint(m)"), {"n", "m"}, {"m"}),
        (("a = 1", "class C:\n    b = a\n    def f(self): return c"), {"a", "c"}, {"c"}),
        (("a = 1", "try:\n    import a\nexcept ImportError as e:\n    print(e, a)"), {"a"}, set()),
        (("a = 1", "with open(a) as f:\n    x = f.read()"), {"a"}, set()),
        (("a = 1", "match a:\n    case [x, *y] if x: print(x, y)"), {"a"}, set()),
        (("a = 1", "f = lambda x=a: x + y"), {"a", "y"}, {"y"}),
        (("a = 1", "get_ipython().run_line_magic('time', 'b = a')\nprint(__name__)"), {"a"}, set()),
        (("from math import *", "x = pi"), {"pi"}, set()),
    ],
)
def test_free_and_undefined_names(cells: tuple[str, ...], free: set[str], undefined: set[str]) -> None:
    closure = sliced(*cells)
    assert (set(closure.free), set(closure.undefined)) == (free, undefined)


@pytest.mark.parametrize(
    ("cells", "assigned"),
    [
        (("lr = 0.1", "x = lr * 2"), {"lr": "0.1"}),
        (("lr = 0.1\nother = 3", "lr2 = 2\nx = lr"), {"lr": "0.1", "lr2": "2"}),
        (("lr = 0.1", "lr = 0.2", "x = lr"), {"lr": "0.2"}),
        (("n = 3", "def f(): return n", "x = f()"), {"n": "3"}),
        (("layers = [8, 16]", "x = layers"), {"layers": "[8, 16]"}),
        (("layers = [8, 16]", "layers.append(1)", "x = layers"), {}),
        (
            ("seconds = 60 * 60\nsmall = 10**-3\nm: int = -1", "x = seconds, small, m"),
            {"seconds": "3600", "small": "0.001", "m": "-1"},
        ),
        (("a, b = 1, 'x'", "x = a, b"), {"a": "1", "b": "'x'"}),
        (("a = b = 2", "x = a + b"), {"a": "2", "b": "2"}),
        (("n = 1", "x = n\nn = 5"), {"n": "5"}),
        (("n = 1", "for n in range(3): pass"), {}),
        (("", "n = 1\nn += 1\nm = 2"), {"m": "2"}),
        (("n = 1", "if n: k = 2"), {"n": "1"}),
        (("cfg = {'lr': 0.1, 'deep': (1, None)}", "x = cfg['lr']"), {"cfg": "{'lr': 0.1, 'deep': (1, None)}"}),
        (("cfg = {'lr': 0.1}", "cfg['lr'] = 1", "x = cfg['lr']"), {}),
        (("big = 9 ** 9 ** 9", "x = big"), {}),
        (("lr = 0.1", "opt = dict(lr=lr)", "x = opt"), {"lr": "0.1"}),
    ],
)
def test_written_values(cells: tuple[str, ...], assigned: dict[str, str]) -> None:
    assert sliced(*cells).assigned == assigned


def test_normalised_is_blind_to_what_does_not_matter() -> None:
    plain = sliced("k = 2\nunused = 3", "def f(x):\n    return x * k", "y = f(4)")
    other = sliced(
        "import os",
        "# the factor\nk   =   2  # two",
        "print('hello')",
        "def f(x):\n    '''Multiply.'''\n\n    return (x * k)",
        "'a text'\ny = f(\n    4,\n)",
    )
    assert plain.normalised == other.normalised
    merged = sliced("k = 2\ndef f(x):\n    return x * k\n", "y = f(4)")
    assert merged.normalised == plain.normalised


@pytest.mark.parametrize(
    "change",
    [
        ("k = 2", "k = 3"),
        ("x * k", "x + k"),
        ("data = [1]", "data = [2]"),
        ("f(4)", "f(5)"),
        ("k = 2", "k = 2; k += 1"),
    ],
)
def test_normalised_sees_what_matters(change: tuple[str, str]) -> None:
    cells = ("k = 2", "data = [1]", "def f(x):\n    data.append(x * k)\n    return sum(data)", "y = f(4)")
    changed = tuple(source.replace(*change) for source in cells)
    assert sliced(*cells).normalised != sliced(*changed).normalised


def test_normalised_does_not_change_from_time_to_time() -> None:
    cells = ("a = {'x': [1]}\nb = a['x']", "def f(n):\n    b.append(n)\n    return b", "c = f(1)", "d = f(2), c")
    assert len({sliced(*cells).normalised for _ in range(3)}) == 1


def test_slicing_a_later_cell_does_not_know_of_the_earlier_look() -> None:
    history = [
        cell("a = [1]"),
        cell("def make():\n    n = []\n    def f(x):\n        n.append(x)\n        return n\n    return f\nf = make()"),
    ]
    first = slice_session(history, cell("y = f(a)"))
    slice_session(history, cell("f(a)\na.append(f)\nz = f(1)"))
    assert slice_session(history, cell("y = f(a)")) == first


def test_randomness_that_was_seen_is_followed_to_its_seed() -> None:
    seen = frozenset({"numpy"})
    history = [
        cell("import numpy as np\nfrom sklearn.datasets import make_blobs as make"),
        cell("np.random.seed(1)"),
        cell("early = make(1)", randomness=seen),
        cell("np.random.seed(2)\nkeep = 1"),
        cell("quiet = make(2)"),
        cell("late = make(3)\nprint(late)", randomness=seen),
    ]
    closure = slice_session(history, cell("answer = make(4)", randomness=seen))
    text = text_of(closure)
    assert "seed(2)" in text
    assert "late = make(3)" in text
    assert "seed(1)" not in text
    assert "keep" not in text
    assert closure.randomness == {"numpy"}


def test_a_draw_that_no_call_explains_is_laid_at_every_call() -> None:
    history = [
        cell("import numpy as np\nnp.random.seed(1)"),
        cell("class A: pass"),
        cell("a = A() + 1", randomness=frozenset({"numpy"})),
    ]
    text = text_of(slice_session(history, cell("x = np.random.rand()", randomness=frozenset({"numpy"}))))
    assert "A() + 1" in text


def test_seeds_stay_where_nothing_is_known_of_draws() -> None:
    text = text_of(sliced("import random\nrandom.seed(3)", "from somewhere import train", "x = train()"))
    assert "random.seed(3)" in text


def test_names_that_only_ran_time_saw() -> None:
    history = [
        cell("from tools import *", bound=frozenset({"load"})),
        cell("from other import *", bound=frozenset({"plot"})),
        cell("get_ipython().run_line_magic('run', 'setup.py')", bound=frozenset({"base"})),
        cell("some_call()", bound=frozenset({"strange"})),
    ]
    text = text_of(slice_session(history, cell("x = load(base)")))
    assert "from tools" in text
    assert "setup.py" in text
    assert "from other" not in text
    assert "some_call()" in text_of(slice_session(history, cell("x = strange")))


def test_cells_that_did_not_start_or_did_not_end() -> None:
    history = [
        cell("a = 1"),
        cell("a = (", failed_line=0),
        cell("b = 2\nc = undefined\nd = 4", failed_line=2),
        cell("def f():\n    raise ValueError\nlist_ = [1]; f(); list_ = [2]", failed_line=3),
    ]
    closure = slice_session(history, cell("x = a, b, list_"))
    assert "c =" not in text_of(closure)
    assert "d = 4" not in text_of(closure)
    assert "except BaseException" in text_of(closure)


def test_pieces_keep_the_text_and_the_cells() -> None:
    history = [
        cell("# constants\nk = 2  # two\n\n\n# unused\nz = 3", 1),
        cell("def f(x):\n    # inner\n    return x * k", 2),
    ]
    closure = slice_session(history, cell("# the cell\ny = f(1)\n", 5))
    assert [piece.code for piece in closure.pieces] == [
        "# constants\nk = 2  # two",
        "def f(x):\n    # inner\n    return x * k",
        "# the cell\ny = f(1)",
    ]
    assert [piece.cell.execution_count for piece in closure.pieces] == [1, 2, 5]


def test_a_target_that_is_no_python_is_kept_as_it_is() -> None:
    closure = slice_session([cell("a = 1")], ExecutedCell(Cell("1 +"), "1 +", failed_line=0))
    assert closure.pieces[-1].code == "1 +"
    assert slice_session([], ExecutedCell(Cell(""), "")).normalised == ""


def test_a_session_of_twenty_cells_is_sliced_in_a_few_milliseconds() -> None:
    cells = ["import numpy as np\nimport pandas as pd", "def f(x, y=2):\n    return x * y + k", "k = 3"]
    cells += [
        f"df{n} = pd.DataFrame({{'a': [1, 2, {n}]}})\ndf{n}['b'] = df{n}['a'].map(f)\ndf{n}.head()" for n in range(17)
    ]
    history = [cell(source, n) for n, source in enumerate(cells)]
    target = cell("answer = df3['b'].sum() + f(2)")
    slice_session(history, target)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        slice_session(history, target)
        times.append(time.perf_counter() - start)
    # Far above what it takes (under 1 ms), as the machine may be busy.
    assert min(times) < 0.02
