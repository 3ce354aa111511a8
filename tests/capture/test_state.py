"""What a cell needs of its session, packed here and restored by a real runner: the job computes what the cell would."""

from __future__ import annotations

import hashlib
import linecache
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labnb.capture.slicing import slice_session
from labnb.capture.state import Packed, needs_ipython, pack
from labnb.capture.state.sizes import guess_size
from labnb.model.errors import StateRefused
from labnb.usecases.values import load_error, load_value
from tests.capture.sessions import Play, cell
from tests.runner.jobs import FarJob, make_job, python39


def session(*cells: str) -> Play:
    play = Play()
    for source in cells:
        play.execute(source)
    return play


def packed(play: Play, source: str, folder: Path, **limits: int) -> Packed:
    closure = slice_session(play.history, cell(source))
    return pack(closure, play.names, play.history, folder / "work", folder / "store" / "objects", **limits)


def far(folder: Path, play: Play, source: str, *out: str, **asked: Any) -> FarJob:
    """Pack the state of a cell, and run it in a job."""
    state = packed(play, source, folder)
    count = len(list((folder / "jobs").glob("*"))) if (folder / "jobs").exists() else 0
    kept = {"names": state.names, "state": state.state, "objects": state.objects, "by_value": state.by_value}
    asked = {"uid": f"{count:032}", "path": state.search_path, "python": sys.version.split()[0], **asked}
    return make_job(folder, source, out=out, **kept, **asked)


def computed(folder: Path, play: Play, source: str, *out: str) -> tuple[Any, ...]:
    """Run the cell in a job; give the values that come back."""
    job = far(folder, play, source, *out)
    assert job.run() == (0, ""), job.log
    return tuple(load_value(job.paths, name) for name in out)


DECORATED = """\
import functools
def deco(f):
    @functools.wraps(f)
    def inner(*a): return ['deco', f(*a)]
    return inner
@deco
def f(x, y=[1]): return x + len(y)
g = functools.partial(lambda a, b: a - b, 10)
"""
CLASSES = """\
import abc, dataclasses, enum, typing
class Base(abc.ABC):
    @abc.abstractmethod
    def f(self): ...
class C(Base):
    n = 0
    def f(self): return super().__init__() or type(self).n
    @property
    def p(self): return 'p'
    @classmethod
    def make(cls):
        cls.n += 1
        return cls()
    @staticmethod
    def s(): return 's'
@dataclasses.dataclass
class D:
    x: int
    y: list = dataclasses.field(default_factory=list)
class Color(enum.Enum):
    RED = 1
    BLUE = 2
class T(typing.NamedTuple):
    a: int
c = C.make(); d = D(1); t = T(5); red = Color.RED
"""
LIBRARIES = """\
import numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
X = np.arange(20.).reshape(-1, 2); model = LinearRegression().fit(X, X.sum(1))
df = pd.DataFrame({'a': range(200_000), 'b': ['x'] * 200_000}); s = df['a']
"""
SEEDED = """\
import random, numpy as np
random.seed(3); np.random.seed(4); random.random(); np.random.rand(3)
rng = np.random.default_rng(1); rng.random(); r = random.Random(2)
"""
SHARED = """\
import numpy as np
x = [1]; y = {'x': x}; big = np.zeros(300_000); also = big; box = [big]; a = np.ones(300_000); b = np.ones(300_000)
class P:
    v = 7
o = np.array([P()] * 200_000, dtype=object)
"""

APART = "out += [float(b[0]), a is b, o[5].v, o[0] is o[1]]"

#: What it is about: the cells of the session, and the cell that becomes a job.
CASES: dict[str, tuple[str, str]] = {
    "plain values": (
        "a = 1; b = 'x' * 10; c = [1, {2: (3, None)}]; d = {1, 2}; e = b'b'",
        "out = [a, b, c, d, e]",
    ),
    "imports under other names": (
        "import numpy as n, os.path as p\nfrom math import pi as q",
        "out = [n.sum([1, 2]), p.join('a', 'b'), q]",
    ),
    "a function, what it calls, and what the cell binds anew": (
        "k = 3\ndef g(x): return x * k\ndef f(x): return g(x) + 1",
        "a = f(5); k = 9; out = [a, f(5)]",
    ),
    "a function binds a global, another calls itself": (
        "n = 0\ndef f():\n    global n\n    n += 1\ndef fact(n): return 1 if n < 2 else n * fact(n - 1)",
        "f(); f(); out = [n, fact(20)]",
    ),
    "closures, defaults, decorators, lambdas": (DECORATED, "out = [f(1), g(4), f.__name__]"),
    "classes with all their parts": (
        CLASSES,
        "out = [c.f(), c.p, C.s(), isinstance(c, Base), d == D(1), red is Color.RED, t.a, C.make().f()]",
    ),
    "the same arrays under two names, equal ones, and those that hold the notebook's own": (
        SHARED,
        "x.append(2); big[0] = 5; a[0] = 2\nout = [y['x'], also is big, box[0] is big, float(also[0])]; " + APART,
    ),
    "objects that hold each other": (
        "class Node:\n    pass\na = Node(); b = Node(); a.b = b; b.a = a; a.me = a",
        "out = [a.b is b, b.a is a, a.me is a]",
    ),
    "tables and a fitted model": (
        LIBRARIES,
        "out = [int(df.a.sum()), df.b.nunique(), int(s.iloc[-1]), *df.columns, *model.predict(X[:3]).round(6)]",
    ),
    "eval reaches every name": (
        "hidden = 4; import threading\nlock = threading.Lock()",
        "out = eval('hid' + 'den')",
    ),
    "a missing name": ("a = 1; b = 2; del a", "try:\n    a\nexcept NameError:\n    out = b"),
    "a loop variable of an earlier cell": ("for i in range(4): pass\nrest = [i for i in range(3)]", "out = [i, rest]"),
    "generators that were seeded, and some of one's own": (
        SEEDED,
        "out = [random.random(), float(np.random.rand()), float(np.random.randn()), float(rng.random()), r.random()]",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_job_computes_what_the_cell_would(tmp_path: Path, name: str) -> None:
    before, source = CASES[name]
    play = session(before)
    bound = {key: id(value) for key, value in play.names.items()}
    (got,) = computed(tmp_path, play, source, "out")
    assert {key: id(value) for key, value in play.names.items()} == bound
    exec(compile(source, "<cell>", "exec"), play.names)
    assert got == play.names["out"]


def test_await_and_names_in_shell_commands(tmp_path: Path) -> None:
    play = session("async def f(): return 5\nword = 'hi'; other = 2")
    assert computed(tmp_path, play, "out = await f()", "out") == (5,)
    job = far(
        tmp_path, play, "out = list(get_ipython().getoutput('echo $word {other + 1}'))", "out", needs_ipython=True
    )
    assert job.run() == (0, ""), job.log
    assert load_value(job.paths, "out") == ["hi 3"]


def test_a_returned_object_is_of_the_notebooks_own_class(tmp_path: Path) -> None:
    play = session("class Net:\n    def __init__(self): self.w = 1\n    def step(self): self.w += 1\nnet = Net()")
    (net,) = computed(tmp_path, play, "net.step()", "net")
    assert type(net) is play.names["Net"]
    assert (net.w, play.names["net"].w) == (2, 1)


def test_an_exception_class_of_the_notebook_can_be_caught_as_such(tmp_path: Path) -> None:
    play = session("class Diverged(Exception): pass")
    job = far(tmp_path, play, "raise Diverged('loss is nan', 3)")
    assert job.run()[0] == 1
    error = load_error(job.paths)
    assert type(error) is play.names["Diverged"]
    assert error.args == ("loss is nan", 3)


def test_modules_of_the_project_are_imported_and_not_carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "state_helpers.py").write_text("RATE = 5\ndef double(x): return 2 * x * RATE\nclass Box: pass\n")
    monkeypatch.syspath_prepend(str(work))
    play = session("import state_helpers as h\nfrom state_helpers import double, Box\nbox = Box()")
    source = "out = [double(2), h.RATE, isinstance(box, h.Box)]"
    state = packed(play, source, tmp_path)
    assert state.names["h"] == {"module": "state_helpers"}
    assert str(work) in state.search_path
    assert state.by_value == ()
    assert computed(tmp_path, play, source, "out") == ([20, 5, True],)
    sys.modules.pop("state_helpers")


def test_tracebacks_and_inspect_find_the_source_of_earlier_cells(tmp_path: Path) -> None:
    source = "def broken(x):\n    return 1 / x  # by zero\n"
    linecache.cache["cell [1]"] = (len(source), None, source.splitlines(True), "cell [1]")
    play = session()
    exec(compile(source, "cell [1]", "exec"), play.names)
    play.history.append(cell(source, 1, bound=frozenset({"broken"})))
    job = far(tmp_path, play, "import inspect\ntext = inspect.getsource(broken)\nbroken(0)", "text")
    assert job.run()[0] == 1
    assert load_value(job.paths, "text") == source
    assert 'File "cell [1]", line 2, in broken\n    return 1 / x  # by zero' in job.end["error"]["traceback"]
    del linecache.cache["cell [1]"]


def test_plain_values_cross_versions_of_python_and_code_is_refused(tmp_path: Path) -> None:
    play = session("import json\na = {'x': [1, 2.5, None]}; text = 'x' * 2_000_000\ndef f(): return 1")
    job = far(tmp_path, play, "import sys\nout = [a, len(text), json.dumps(a), sys.version_info[:2]]", "out")
    assert job.run(python=python39()) == (0, ""), job.log
    assert load_value(job.paths, "out") == [{"x": [1, 2.5, None]}, 2_000_000, '{"x": [1, 2.5, null]}', (3, 9)]
    job = far(tmp_path, play, "f()")
    assert job.run(python=python39())[0] == 1
    assert "The target runs Python 3.9, the notebook 3." in job.end["cause"]
    assert "code made in the notebook (f) cannot cross versions" in job.end["cause"]


def test_large_values_are_objects_by_content_and_written_once(tmp_path: Path) -> None:
    play = session("import numpy as np\nx = np.arange(500_000); y = np.arange(500_000); small = np.arange(10)")
    first = packed(play, "print(x, y, small)", tmp_path)
    (large,) = (digest for digest, size in first.objects.items() if size >= 1_000_000)
    assert sum(size >= 1_000_000 for size in first.objects.values()) == 1
    file = tmp_path / "store" / "objects" / large
    assert hashlib.sha256(file.read_bytes()).hexdigest() == large
    written = file.stat().st_ino
    play.execute("small = np.arange(11)")
    second = packed(play, "print(x, y, small)", tmp_path)
    assert large in second.objects
    assert second.state != first.state
    assert file.stat().st_ino == written
    assert {path.name for path in file.parent.iterdir()} == {*first.objects, *second.objects}
    assert file.parent.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in file.parent.iterdir())


REFUSES = "class X:\n    def __reduce__(self): raise ValueError('never')\nx = X()"
USES_LOCK = "import threading\nlock = threading.Lock()\ndef x():\n    with lock: pass"
UNPICKLABLE = {
    "a lock": ("import threading\nx = threading.Lock()", "x (_thread.lock, made in cell [1])", "Make it inside"),
    "a file": ("x = open('/etc/passwd')", "x (_io.TextIOWrapper, made in cell [1])", "Open it inside the cell"),
    "a file in a box": ("x = {'f': [open('/etc/passwd')]}", "it holds a _io.TextIOWrapper", "Open it inside"),
    "a database": ("import sqlite3\nx = sqlite3.connect(':memory:')", "sqlite3.Connection", "Open it inside the cell"),
    "a generator": ("x = (i for i in range(3))", "x (generator, made in cell [1])", "x = list(x)"),
    "a socket": ("import socket\nx = socket.socket()", "socket.socket", "Open it inside the cell"),
    "one that refuses": (REFUSES, "x (X, made in cell [1]) cannot", "Make x"),
    "a function that uses a lock": (USES_LOCK, "it holds a _thread.lock", "Make it"),
}


@pytest.mark.parametrize("name", UNPICKLABLE)
def test_what_cannot_be_pickled_is_named_with_its_cell_and_what_to_do(tmp_path: Path, name: str) -> None:
    source, told, hint = UNPICKLABLE[name]
    play = session(source)
    with pytest.raises(StateRefused) as refused:
        packed(play, "x\n", tmp_path)
    assert told in refused.value.message
    assert "cannot travel to a job" in refused.value.message
    assert hint in refused.value.hint
    opened = play.names["x"]["f"][0] if isinstance(play.names["x"], dict) else play.names["x"]
    if hasattr(opened, "close"):
        opened.close()


def refusal(play: Play, source: str, folder: Path, **limits: int) -> StateRefused:
    """Pack what cannot be packed; refused within two seconds, and nothing is left behind."""
    began = time.perf_counter()
    with pytest.raises(StateRefused) as refused:
        packed(play, source, folder, **limits)
    assert time.perf_counter() - began < 2
    assert not list((folder / "store").glob("objects/*"))
    return refused.value


def test_a_value_of_5_gb_is_refused_at_once(tmp_path: Path) -> None:
    huge = "import numpy as np\nx = np.lib.stride_tricks.as_strided(np.zeros(1), (625_000_000,), (0,))"
    error = refusal(session(huge, "y = {'deep': [x]}"), "print(x)", tmp_path)
    assert error.message == (
        "x (numpy.ndarray, made in cell [1]) is too large to travel to a job: 5.0 GB or more, "
        "and one value may have 2.0 GB."
    )
    assert error.hint.startswith("Save it to a file below the project")
    error = refusal(session(huge, "y = {'deep': [x]}"), "print(y)", tmp_path)
    assert error.message.startswith("y (dict, made in cell [2]) is too large to travel to a job: 5.0 GB")
    error = refusal(session("y = [float(i) for i in range(4_000_000)]"), "print(y)", tmp_path, value_limit=10_000_000)
    assert "36.0 MB or more" in error.message


def test_limits_hold_where_the_size_cannot_be_guessed(tmp_path: Path) -> None:
    sly = session("class Sly:\n    def __reduce__(self): return (bytes, (b'x' * 3_000_000,))\nx = Sly()")
    error = refusal(sly, "x", tmp_path, value_limit=1_000_000)
    assert error.message.startswith("x (Sly, made in cell [1]) is too large")
    three = session("a = ['x' * 400_000]; b = ['y' * 400_000]; c = ['z' * 400_000]")
    error = refusal(three, "a, b, c", tmp_path, value_limit=900_000, total_limit=1_000_000)
    assert (
        "with c (list, made in cell [1]) it is 1.2 MB or more, and all values together may have 1.0 MB" in error.message
    )


def test_names_that_may_not_be_looked_at_stay_behind_with_a_note(tmp_path: Path) -> None:
    play = session("import threading\nlock = threading.Lock(); a = 1; big = bytes(3_000_000)")
    state = packed(play, "exec('b = a')", tmp_path, value_limit=2_000_000)
    assert "a" in state.names
    assert "lock" not in state.names
    assert "big" not in state.names
    told = sorted(note.message for note in state.notes)
    assert [text.split()[0] for text in told] == ["big", "lock"]
    assert all("The job goes without it." in text for text in told)


def test_what_nothing_binds_is_told(tmp_path: Path) -> None:
    state = packed(session("a = 1"), "print(a, lenn(a), display(a))", tmp_path)
    assert state.missing == ("lenn",)


def test_generators_of_the_session_stay_as_they_are(tmp_path: Path) -> None:
    play = session("import random, numpy as np")
    random.seed(1)
    np.random.seed(2)
    before = random.getstate(), np.random.get_state()[1].tolist()
    computed(tmp_path, play, "random.random(); np.random.rand(); out = 1", "out")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_a_damaged_or_foreign_state_is_not_read(tmp_path: Path) -> None:
    play = session("import numpy as np\nx = np.arange(300_000)")
    job = far(tmp_path, play, "x")
    objects = tmp_path / "store" / "objects"
    (large,) = (path for path in objects.iterdir() if path.stat().st_size > 1_000_000)
    large.chmod(0o666)
    assert job.run()[0] == 1
    assert "could have been written by others; it is not unpickled" in job.end["cause"]
    large.chmod(0o600)
    large.write_bytes(large.read_bytes()[:-3] + b"abc")
    job = far(tmp_path, play, "x")
    assert job.run()[0] == 1
    assert "is damaged" in job.end["cause"]


def test_a_small_state_is_packed_soon(tmp_path: Path) -> None:
    play = session("import numpy as np\nlr = 0.1; X = np.ones((100, 10)); names = list('abc')\ndef f(x): return x * lr")
    closure = slice_session(play.history, cell("f(X)\nnames"))
    packed(play, "f(X)\nnames", tmp_path)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        pack(closure, play.names, play.history, tmp_path / "work", tmp_path / "store" / "objects")
        times.append(time.perf_counter() - began)
    assert min(times) < 0.05


def test_sizes_are_guessed_without_looking_at_everything() -> None:
    class Model:
        def __init__(self) -> None:
            self.layers = [np.zeros(100_000) for _ in range(10)]

    assert guess_size(np.zeros((1000, 1000))) == 8_000_000
    assert guess_size(Model()) == pytest.approx(8_000_000, rel=0.1)
    assert guess_size({"a": [bytes(1000) for _ in range(50_000)]}) == pytest.approx(50_000_000, rel=0.1)
    assert guess_size([bytes(1000)] * 50_000) < 500_000
    many = [[float(i)] * 10 for i in range(100_000)]
    began = time.perf_counter()
    guess_size(many)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("python", "needs"),
    [
        ("x = 1", False),
        ("get_ipython().run_line_magic('time', 'x = 1')", True),
        ("from IPython.display import display", True),
        ("import tqdm.notebook", True),
        ("from tqdm.auto import tqdm", False),
        ("text = 'get_ipython'", False),
        ("display(3)", False),
    ],
)
def test_which_cells_need_ipython(python: str, needs: bool) -> None:
    assert needs_ipython(python) is needs
