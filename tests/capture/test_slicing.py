"""Small sessions, one idea each: what is kept, what is dropped, and that the answer comes out the same."""

# ruff: noqa: E501 - a cell's source stays on one line

from __future__ import annotations

from dataclasses import dataclass

import pytest

from labnb.capture.slicing import slice_session
from tests.capture.sessions import Play, replay, text_of


@dataclass(frozen=True)
class Case:
    """Cells in the order of their execution; `keep` and `drop` are texts in the slice, the last cell makes `answer`."""

    name: str
    cells: tuple[str, ...]
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


CASES = [
    Case("unused names", ("a = 1\nb = 2", "answer = a"), ("a = 1",), ("b = 2",)),
    Case("prints drop out", ("a = [1]", "print(a)\nlen(a)\nstr(a)", "answer = a"), (), ("print", "len", "str")),
    Case("later definition wins", ("a = 1", "a = 2", "answer = a"), ("a = 2",), ("a = 1",)),
    Case("augmented", ("a = 1", "a += 2", "answer = a"), ("a = 1", "a += 2")),
    Case("augmented alias", ("a = [1]\nb = a", "b += [2]", "answer = a"), ("b += [2]",)),
    Case("numbers are no aliases", ("a = 1\nb = a", "b += 2", "answer = a"), (), ("b += 2",)),
    Case("subscript", ("d = {}", "d['x'] = 1", "d['y'] = 2", "answer = d['x']"), ("d['x'] = 1", "d['y'] = 2")),
    Case(
        "attribute", ("class A: pass", "a = A()\nb = A()", "a.v = 1\nb.v = 2", "answer = a.v"), ("a.v = 1",), ("b.v",)
    ),
    Case("alias in list", ("a = []\nbox = [a]", "a.append(1)", "answer = box"), ("a.append",)),
    Case("alias out of list", ("a = []\nbox = [a]", "box[0].append(1)", "answer = a"), ("box[0].append",)),
    Case("list itself is not its elements", ("a = []\nbox = [a]", "box.append(1)", "answer = a"), (), ("box",)),
    Case("alias in dict", ("a = []\nd = dict(k=a)", "d['k'].append(1)", "answer = a"), ("d['k'].append",)),
    Case(
        "alias through function",
        ("a = []\ndef same(x): return x", "b = same(a)\nb.append(1)", "answer = a"),
        ("b.append",),
    ),
    Case(
        "alias through attribute",
        ("class A: pass\na = A()\nl = []\na.l = l", "a.l.append(1)", "answer = l"),
        ("a.l.append",),
    ),
    Case("alias by unpacking", ("a = []\nb, c = a, []", "b.append(1)\nc.append(2)", "answer = a"), ("b.append",)),
    Case("alias by loop", ("a = []\nb = []", "for x in (a, b):\n    x.append(1)", "answer = a"), ("for x",)),
    Case("alias by condition", ("a = []\nb = []\nc = a if len(b) else b", "c.append(1)", "answer = b"), ("c.append",)),
    Case("alias by walrus", ("a = []\nif (b := a) is not None: pass", "b.append(1)", "answer = a"), ("b.append",)),
    Case("alias by default", ("a = []\ndef f(x, to=a):\n    to.append(x)", "f(1)", "answer = a"), ("f(1)",)),
    Case(
        "mutable default",
        ("def f(x, to=[]):\n    to.append(x)\n    return list(to)", "f(1)", "answer = f(2)"),
        ("f(1)",),
    ),
    Case(
        "alias in closure",
        ("a = []\ndef make(x):\n    def f(v): x.append(v)\n    return f\nf = make(a)", "f(1)", "answer = a"),
        ("f(1)",),
    ),
    Case(
        "state in closure",
        (
            "def make():\n    n = 0\n    def f():\n        nonlocal n\n        n += 1\n        return n\n    return f",
            "f = make()\ng = make()",
            "f()\ng()",
            "answer = f()",
        ),
        ("f()\n",),
    ),
    Case("copy is no alias", ("a = [1]\nb = list(a)", "b.append(2)", "answer = a"), ()),
    Case("shallow copy shares elements", ("a = [[1]]\nb = a.copy()", "b[0].append(2)", "answer = a"), ("b[0].append",)),
    Case("sorted shares elements", ("a = [[1]]\nb = sorted(a)", "b[0].append(2)", "answer = a"), ("b[0].append",)),
    Case("slices share elements", ("a = [[1], [2]]", "a[1:][0].append(3)", "answer = a"), ("append(3)",)),
    Case("zip shares elements", ("a = [[1]]\nfor x, y in zip(a, a):\n    x.append(1)", "answer = a"), ("x.append",)),
    Case(
        "map runs a function",
        ("seen = []\ndef f(x):\n    seen.append(x)", "list(map(f, [1, 2]))", "answer = seen"),
        ("list(map",),
    ),
    Case(
        "sort key runs a function",
        ("seen = []\ndef f(x):\n    seen.append(x)\n    return x", "sorted([2, 1], key=f)", "answer = seen"),
        ("key=f",),
    ),
    Case(
        "globals as of the call",
        ("k = 1", "def f(): return k", "k = 2", "a = f()", "k = 3", "answer = a"),
        ("k = 2",),
        ("k = 1", "k = 3"),
    ),
    Case("helper defined after", ("def f(): return g()", "def g(): return 4", "answer = f()"), ("def g",)),
    Case(
        "helper redefined",
        ("def g(): return 1\ndef f(): return g()", "a = f()", "def g(): return 2", "answer = f() + a"),
        ("return 1", "return 2"),
    ),
    Case("global statement", ("n = 0\ndef f():\n    global n\n    n += 1", "f()", "f()", "answer = n"), ("f()\nf()",)),
    Case("global made", ("def f():\n    global made\n    made = 5", "f()", "answer = made"), ("f()",)),
    Case(
        "global strong",
        ("def f():\n    global n\n    n = 5", "n = 1\nprint(n)", "f()", "answer = n"),
        ("f()",),
        ("n = 1",),
    ),
    Case(
        "method changes self",
        (
            "class A:\n    def __init__(self): self.v = []\n    def add(self, x): self.v.append(x)",
            "a = A()\nb = A()",
            "a.add(1)\nb.add(2)",
            "answer = a.v",
        ),
        ("a.add(1)",),
        ("b.add(2)",),
    ),
    Case(
        "method reads self",
        ("class A:\n    v = 2\n    def get(self): return self.v * k\nk = 3", "a = A()", "a.get()", "answer = a.get()"),
        ("k = 3",),
        ("a.get()\na",),
    ),
    Case(
        "inherited method",
        ("class A:\n    def add(self, x): self.v = x", "class B(A): pass", "b = B()", "b.add(3)", "answer = b.v"),
        ("b.add(3)",),
    ),
    Case(
        "base redefined",
        ("class A:\n    k = 1", "class B(A): pass", "class A:\n    k = 2", "answer = B().k"),
        ("k = 1",),
        ("k = 2",),
    ),
    Case("class attribute", ("class A: n = 0", "a = A()", "A.n = 4", "answer = a.n"), ("A.n = 4",)),
    Case("class list", ("class A: all = []\na, b = A(), A()", "a.all.append(1)", "answer = b.all"), ("a.all.append",)),
    Case(
        "patched method",
        ("class A:\n    def f(self): return 1", "a = A()", "A.f = lambda self: k", "k = 9", "answer = a.f()"),
        ("A.f =", "k = 9"),
    ),
    Case("property", ("class A:\n    @property\n    def v(self): return k", "k = 4", "answer = A().v"), ("k = 4",)),
    Case(
        "property changes",
        ("log = []\nclass A:\n    @property\n    def v(self):\n        log.append(1)", "A().v", "answer = log"),
        ("A().v",),
    ),
    Case("operator", ("class A:\n    def __add__(self, o): return k", "k = 4", "answer = A() + 1"), ("k = 4",)),
    Case(
        "call operator",
        ("class A:\n    def __call__(self, x): return x * k", "a = A()", "k = 4", "answer = a(2)"),
        ("k = 4",),
    ),
    Case(
        "repr in f-string", ("class A:\n    def __repr__(self): return k", "k = 'x'", "answer = f'{A()}'"), ("k = 'x'",)
    ),
    Case(
        "static and class methods",
        (
            "class A:\n    n = 0\n    @staticmethod\n    def s(x): return x + k\n    @classmethod\n    def c(cls):\n        cls.n += 1\n        return cls()",
            "k = 1",
            "A.c()",
            "answer = A.s(1), A.n",
        ),
        ("k = 1", "A.c()"),
    ),
    Case(
        "decorator with state",
        (
            "calls = []\ndef log(f):\n    def inner(*a):\n        calls.append(a)\n        return f(*a)\n    return inner",
            "@log\ndef f(x): return x",
            "f(1)",
            "answer = calls",
        ),
        ("f(1)",),
    ),
    Case(
        "registry decorator",
        (
            "table = {}\ndef register(f):\n    table[f.__name__] = f\n    return f",
            "@register\ndef one(): return k",
            "k = 7",
            "answer = table['one']()",
        ),
        ("def one", "k = 7"),
    ),
    Case(
        "decorator with arguments",
        (
            "def times(n):\n    def wrap(f):\n        return lambda x: f(x) * n * k\n    return wrap\nk = 2",
            "@times(3)\ndef f(x): return x",
            "k = 5",
            "answer = f(1)",
        ),
        ("k = 5",),
        ("k = 2",),
    ),
    Case(
        "singledispatch",
        (
            "from functools import singledispatch",
            "@singledispatch\ndef f(x): return 'other'",
            "@f.register\ndef _(x: int): return 'int'",
            "answer = f(1), f('a')",
        ),
        ("f.register",),
    ),
    Case(
        "dataclass",
        ("from dataclasses import dataclass", "@dataclass\nclass C:\n    a: int = 1", "c = C()\nc.a = 2", "answer = c"),
        ("c.a = 2",),
    ),
    Case(
        "enum",
        (
            "from enum import Enum, auto",
            "class E(Enum):\n    A = auto()\n    B = auto()",
            "answer = [e.name for e in E]",
        ),
        ("class E",),
    ),
    Case(
        "abstract base",
        (
            "from abc import ABC, abstractmethod",
            "class A(ABC):\n    @abstractmethod\n    def f(self): ...\n    def g(self): return self.f() + 1",
            "class B(A):\n    def f(self): return k",
            "k = 3",
            "answer = B().g()",
        ),
        ("k = 3",),
    ),
    Case(
        "import forms",
        (
            "import os.path\nimport math as m\nfrom json import dumps as d, loads\nimport re",
            "answer = os.path.basename('a/b'), m.pi, d([1])",
        ),
        ("import os.path", "math as m", "dumps as d"),
        ("import re",),
    ),
    Case(
        "submodule imports add up",
        ("import xml", "import xml.dom", "import xml.sax.saxutils", "answer = xml.sax.saxutils.escape('<')"),
        ("xml.sax",),
    ),
    Case(
        "shadowed import",
        ("from math import sqrt", "def sqrt(x): return -x", "answer = sqrt(4)"),
        ("def sqrt",),
        ("from math",),
    ),
    Case("same import again", ("import math", "import math", "answer = math.pi"), ("import math",)),
    Case("deleted builtin", ("sum = 1\na = sum", "del sum", "answer = sum([a, 2])"), ("del sum",)),
    Case("deleted item", ("d = {1: 1, 2: 2}", "del d[1]", "answer = d"), ("del d[1]",)),
    Case("deleted and made again", ("a = 1", "del a", "a = 2", "answer = a"), ("a = 2",), ("a = 1",)),
    Case("if keeps both", ("a = 1", "c = 0", "if c:\n    a = 2", "answer = a"), ("a = 1", "if c", "c = 0")),
    Case(
        "if kills in both",
        ("a = 1", "c = 0", "if c:\n    a = 2\nelse:\n    a = 3", "answer = a"),
        ("if c",),
        ("a = 1",),
    ),
    Case("main guard", ("a = 1", "if __name__ == '__main__':\n    a = 2", "answer = a"), ("__main__",), ("a = 1",)),
    Case("loop may not run", ("a = 1", "for i in []:\n    a = 2", "answer = a"), ("a = 1", "for i")),
    Case("loop variable", ("for i in range(3): pass", "answer = i"), ("for i",)),
    Case(
        "loop carries aliases",
        (
            "a, b, c, d = [], [], [], []",
            "for _ in range(3):\n    a = b\n    b = c\n    c = d",
            "a.append(1)",
            "answer = d",
        ),
        ("a.append",),
    ),
    Case("while", ("n = 3\nlog = []", "while n:\n    n -= 1\n    log.append(n)", "answer = log"), ("while n",)),
    Case(
        "with",
        ("import io", "with io.StringIO() as f:\n    f.write('x')\n    v = f.getvalue()", "answer = v"),
        ("with",),
    ),
    Case("try", ("a = 0", "try:\n    a = 1\n    b = [][0]\nexcept IndexError:\n    b = 2", "answer = a, b"), ("try",)),
    Case(
        "try body half done",
        ("a = 0\nb = 0", "try:\n    a = 1\n    b = [][0]\nexcept IndexError:\n    pass", "answer = a, b"),
        ("a = 0\nb = 0",),
    ),
    Case(
        "match",
        ("v = (1, [2])", "match v:\n    case (1, rest):\n        rest.append(3)", "answer = v, rest"),
        ("match v",),
    ),
    Case("comprehension scope", ("x = 5", "y = [x for x in range(3)]", "answer = x, y"), ("x = 5",)),
    Case(
        "comprehension reads", ("k = 2", "f = lambda v: v * k", "answer = [f(v) for v in range(2)]"), ("k = 2", "f =")
    ),
    Case("comprehension changes", ("a = []", "[a.append(i) for i in range(2)]", "answer = a"), ("a.append",)),
    Case(
        "late binding",
        ("fs = [lambda: i for i in range(2)]", "n = 1\nf = lambda: n", "n = 5", "answer = f(), fs[0]()"),
        ("n = 5",),
    ),
    Case("generator reads late", ("k = 1\ng = (x * k for x in [1, 2])", "k = 3", "answer = list(g)"), ("k = 3",)),
    Case(
        "generator function reads late",
        ("k = 1\ndef numbers():\n    yield k\n    yield k", "g = numbers()\nnext(g)", "k = 3", "answer = next(g)"),
        ("k = 3", "next(g)"),
    ),
    Case(
        "iterator used up",
        ("it = iter([1, 2, 3])", "next(it)", "for x in it: break", "answer = list(it)"),
        ("next(it)", "for x in it"),
    ),
    Case("iterator used by builtin", ("it = iter([1, 2, 3])", "print(sum(it))", "answer = list(it)"), ("sum(it)",)),
    Case("iterator used by unpacking", ("it = iter([1, 2])", "a, b = it", "answer = list(it)"), ("a, b = it",)),
    Case("iterator used by in", ("it = iter([1, 2, 3])", "2 in it", "answer = list(it)"), ("2 in it",)),
    Case(
        "enumerate over iterator",
        ("it = iter([1, 2, 3])\ne = enumerate(it)", "next(e)", "answer = list(it)"),
        ("next(e)",),
    ),
    Case(
        "defaultdict read",
        ("from collections import defaultdict\nd = defaultdict(list)", "d['a']", "answer = dict(d)"),
        ("d['a']",),
    ),
    Case("setdefault", ("d = {}", "d.setdefault('a', []).append(1)", "answer = d"), ("setdefault",)),
    Case("get an element", ("d = {'a': []}", "d.get('a').append(1)", "answer = d"), ("d.get",)),
    Case("setattr", ("class A: pass\na = A()", "setattr(a, 'v', 1)", "answer = a.v"), ("setattr",)),
    Case("vars", ("class A: pass\na = A()", "vars(a)['v'] = 1", "answer = a.v"), ("vars(a)",)),
    Case("__dict__", ("class A: pass\na = A()", "a.__dict__.update(v=1)", "answer = a.v"), ("__dict__",)),
    Case("globals()", ("globals()['made'] = 4", "other = 1", "answer = made"), ("globals()",)),
    Case("exec of a text", ("exec('made = k', globals()) if 0 else exec('made = 3')", "answer = made"), ("made = 3",)),
    Case(
        "exec of a value",
        ("code = 'made = a + 1'", "a = 4", "exec(code)", "answer = made"),
        ("exec(code)", "a = 4", "code ="),
    ),
    Case("eval", ("a = 4", "answer = eval('a + 1')"), ("a = 4",)),
    Case(
        "partial",
        (
            "from functools import partial, reduce",
            "log = []\ndef f(a, b):\n    log.append(a)\n    return k",
            "p = partial(f, 1)",
            "k = 2",
            "p(5)",
            "answer = log, p(3)",
        ),
        ("p(5)", "k = 2"),
    ),
    Case(
        "heapq",
        ("import heapq\nh = [3, 1]", "heapq.heapify(h)", "heapq.heappush(h, 0)", "answer = h"),
        ("heapify", "heappush"),
    ),
    Case(
        "deque",
        ("from collections import deque\nd = deque([1], maxlen=2)", "d.append(2)\nd.append(3)", "answer = list(d)"),
        ("d.append(2)",),
    ),
    Case(
        "counter",
        ("from collections import Counter\nc = Counter()", "c.update('aab')\nc['z'] += 1", "answer = c"),
        ("c.update", "c['z']"),
    ),
    Case("recursion", ("def f(n): return k if n == 0 else f(n - 1) + 1", "k = 3", "answer = f(4)"), ("k = 3",)),
    Case(
        "recursion over a list",
        (
            "def fill(l, n):\n    if n:\n        l.append(n)\n        fill(l, n - 1)",
            "a = []",
            "fill(a, 3)",
            "answer = a",
        ),
        ("fill(a, 3)",),
    ),
    Case(
        "mutual recursion",
        (
            "def even(n): return True if n == 0 else odd(n - 1)",
            "def odd(n): return False if n == 0 else even(n - 1)",
            "answer = even(4)",
        ),
        ("def odd",),
    ),
    Case("function attribute", ("def f(): return f.n", "f.n = 1", "f.n += 1", "answer = f()"), ("f.n = 1", "f.n += 1")),
    Case(
        "cached function",
        ("from functools import lru_cache\nk = 1", "@lru_cache\ndef f(x): return x + k", "f(1)", "answer = f(2)"),
        ("lru_cache",),
    ),
    Case(
        "context manager",
        (
            "from contextlib import contextmanager\nlog = []",
            "@contextmanager\ndef cm():\n    log.append('in')\n    yield log\n    log.append('out')",
            "with cm() as l: l.append(1)",
            "answer = log",
        ),
        ("with cm()",),
    ),
    Case(
        "context class",
        (
            "class C:\n    n = 0\n    def __enter__(self):\n        C.n += 1\n        return self\n    def __exit__(self, *a): C.n += 10",
            "with C(): pass",
            "answer = C.n",
        ),
        ("with C()",),
    ),
    Case(
        "suppressed",
        (
            "from contextlib import suppress\na = 1",
            "with suppress(ZeroDivisionError):\n    b = 1 / 0\n    a = 2",
            "answer = a",
        ),
        ("a = 1\n", "suppress"),
    ),
    Case("chained assignment", ("a = b = []", "a.append(1)", "answer = b"), ("a.append",)),
    Case("starred", ("a, *rest = [1, [2], [3]]", "rest[0].append(4)", "answer = rest"), ("rest[0]",)),
    Case("nested tuples", ("(a, (b, c)) = 1, ([], 3)", "b.append(2)", "answer = b, c"), ("b.append",)),
    Case("annotations", ("T = int", "x: T = 4", "answer = x"), ("T = int",)),
    Case("bare annotation", ("x: int", "x = 4", "answer = x"), ("x = 4",)),
    Case("semicolons", ("a = 1; b = 2; c = 3", "answer = a + c"), ("a = 1", "c = 3"), ("b = 2",)),
    Case(
        "warnings and settings stay",
        (
            "import warnings, sys\nwarnings.simplefilter('ignore')\nlimit = sys.getrecursionlimit()\nsys.setrecursionlimit(limit)",
            "answer = 1",
        ),
        ("simplefilter", "setrecursionlimit"),
    ),
    Case(
        "decimal context",
        ("import decimal\ndecimal.getcontext().prec = 3", "answer = str(decimal.Decimal(1) / 3)"),
        ("prec = 3",),
    ),
    Case(
        "environment",
        ("import os\nos.environ['LABNB_TEST_A'] = '1'", "answer = os.environ['LABNB_TEST_A']"),
        ("os.environ['LABNB",),
    ),
    Case(
        "seeded",
        (
            "import random\nrandom.seed(1)\nx = random.random()",
            "random.seed(2)",
            "y = random.random()",
            "answer = random.random()",
        ),
        ("random.seed(2)", "y ="),
        ("random.seed(1)", "x ="),
    ),
    Case(
        "seeded in a function",
        ("import random\ndef fix(n):\n    random.seed(n)", "random.random()", "fix(3)", "answer = random.random()"),
        ("fix(3)",),
        ("random.random()\nf",),
    ),
    Case(
        "seeded perhaps",
        ("import random\nrandom.seed(1)", "c = 0\nif c:\n    random.seed(2)", "answer = random.random()"),
        ("random.seed(1)", "random.seed(2)"),
    ),
    Case(
        "own generator",
        ("import random\nr = random.Random(3)\ns = random.Random(4)", "r.random()\ns.random()", "answer = r.random()"),
        ("r.random()",),
        ("s.random()",),
    ),
    Case(
        "raised in the middle",
        ("a = []", "a.append(1)\na.append(1 / 0)\na.append(2)", "answer = a"),
        ("a.append(1)",),
        ("a.append(2)",),
    ),
    Case(
        "raised after a partial change",
        ("a = []", "for i in range(5):\n    a.append(1 / (2 - i))", "answer = a"),
        ("BaseException",),
    ),
    Case("raised elsewhere", ("a = 1", "b = 2\nraise ValueError", "answer = a + b"), ("b = 2",), ("raise",)),
    Case("simple cell twice", ("n = 1", "n = n * 2", "n = n * 2", "answer = n"), ("n = n * 2\nn = n * 2",)),
    Case(
        "shared class method state",
        (
            "class Bank:\n    def __init__(self): self.a = {}\n    def put(self, k, v): self.a.setdefault(k, []).append(v)\n    def sum(self, k): return sum(self.a[k])",
            "bank = Bank()",
            "bank.put('x', 1)",
            "bank.sum('x')",
            "bank.put('x', 2)",
            "answer = bank.sum('x')",
        ),
        ("put('x', 1)", "put('x', 2)"),
        ("bank.sum('x')\nb",),
    ),
    Case(
        "object graph",
        (
            "class N:\n    def __init__(self, v, nxt=None):\n        self.v, self.nxt = v, nxt",
            "tail = N(1)\nhead = N(2, tail)",
            "head.nxt.v = 9",
            "answer = tail.v",
        ),
        ("head.nxt.v",),
    ),
    Case(
        "back reference",
        ("class N: pass\na, b = N(), N()\na.b = b\nb.a = a", "a.b.a.v = 4", "answer = a.v"),
        ("a.b.a.v",),
    ),
    Case(
        "event handlers",
        (
            "class Bus:\n    def __init__(self): self.fs = []\n    def on(self, f): self.fs.append(f)\n    def fire(self, x):\n        for f in self.fs: f(x)",
            "bus = Bus()\ngot = []",
            "bus.on(lambda x: got.append(x * k))",
            "k = 3",
            "bus.fire(2)",
            "answer = got",
        ),
        ("bus.on", "k = 3", "bus.fire"),
    ),
    Case(
        "threads",
        (
            "import threading\nout = []\ndef work(n): out.append(n * k)\nk = 2",
            "t = threading.Thread(target=work, args=(3,))",
            "t.start()\nt.join()",
            "answer = out",
        ),
        ("t.start()", "k = 2"),
    ),
    Case("weak keys", ("a = {}\nb = a\nc = {'in': b}", "c['in']['x'] = 1", "answer = a"), ("c['in']['x']",)),
    Case("multi-line text", ("a = '''x\n# no comment\n  y'''", "answer = a"), ("# no comment",)),
    Case(
        "type of class", ("def f(self): return k\nA = type('A', (), {'f': f})", "k = 4", "answer = A().f()"), ("k = 4",)
    ),
    Case(
        "namedtuple",
        (
            "from collections import namedtuple\nP = namedtuple('P', 'x y')",
            "p = P([], 2)",
            "p.x.append(1)",
            "answer = p",
        ),
        ("p.x.append",),
    ),
    Case(
        "SimpleNamespace",
        ("from types import SimpleNamespace as S", "s = S(a=[])", "s.b = 2\ns.a.append(1)", "answer = s"),
        ("s.b = 2",),
    ),
    Case(
        "ChainMap",
        ("from collections import ChainMap\na = {}\nc = ChainMap(a)", "c['x'] = 1", "answer = a"),
        ("c['x']",),
    ),
    Case("str join of generator", ("it = iter('abc')", "s = ''.join(it)", "answer = s, list(it)"), ("join(it)",)),
    Case(
        "functools.reduce",
        (
            "from functools import reduce\nlog = []\ndef f(a, b):\n    log.append(b)\n    return a + b",
            "reduce(f, [1, 2])",
            "answer = log",
        ),
        ("reduce(f",),
    ),
    Case(
        "operator functions",
        ("import operator\na = [1]", "operator.setitem(a, 0, 5)\noperator.iadd(a, [6])", "answer = a"),
        ("setitem", "iadd"),
    ),
    Case(
        "memoryview and bytearray",
        ("b = bytearray(3)\nm = memoryview(b)", "m[0] = 1", "answer = bytes(b)"),
        ("m[0] = 1",),
    ),
    Case(
        "list of functions",
        (
            "fs = []\ndef add(f):\n    fs.append(f)\n    return f",
            "@add\ndef a(): return k",
            "k = 2",
            "answer = [f() for f in fs]",
        ),
        ("def a", "k = 2"),
    ),
    Case(
        "monkey patch",
        (
            "import json\nreal = json.dumps",
            "json.dumps = lambda *a, **k: 'patched'",
            "answer = json.dumps(1)\njson.dumps = real",
        ),
        ("json.dumps = lambda",),
    ),
    Case(
        "star call",
        (
            "def f(*a, **k):\n    a[0].append(1)\n    k['x'].append(2)",
            "p = []\nq = []",
            "f(*[p], **{'x': q})",
            "answer = p, q",
        ),
        ("f(*[p]",),
    ),
    Case(
        "super",
        (
            "class A:\n    def __init__(self): self.v = k",
            "class B(A):\n    def __init__(self):\n        super().__init__()",
            "k = 4",
            "b = B()",
            "answer = b.v",
        ),
        ("k = 4",),
    ),
    Case(
        "init_subclass",
        (
            "seen = []\nclass A:\n    def __init_subclass__(cls): seen.append(cls.__name__)",
            "class B(A): pass",
            "answer = seen",
        ),
        ("class B",),
    ),
    Case(
        "metaclass",
        (
            "made = []\nclass M(type):\n    def __new__(m, n, b, d):\n        made.append(n)\n        return super().__new__(m, n, b, d)",
            "class B(metaclass=M): pass",
            "answer = made",
        ),
        ("class B",),
    ),
    Case(
        "descriptor",
        (
            "class D:\n    def __get__(self, o, t): return k\n    def __set__(self, o, v): log.append(v)\nlog = []",
            "class A:\n    d = D()",
            "k = 3\na = A()",
            "a.d = 5",
            "answer = a.d, log",
        ),
        ("k = 3", "a.d = 5"),
    ),
    Case(
        "getattr hook",
        ("class A:\n    def __getattr__(self, n): return k", "k = 3", "answer = A().anything"),
        ("k = 3",),
    ),
    Case(
        "iteration hook",
        ("class A:\n    def __iter__(self): return iter([k])", "k = 3", "answer = list(A())"),
        ("k = 3",),
    ),
    Case(
        "contains hook",
        (
            "log = []\nclass A:\n    def __contains__(self, x):\n        log.append(x)\n        return True",
            "1 in A()",
            "answer = log",
        ),
        ("1 in A()",),
    ),
    Case(
        "bool hook",
        (
            "log = []\nclass A:\n    def __bool__(self):\n        log.append(1)\n        return True",
            "if A(): pass",
            "answer = log",
        ),
        ("if A()",),
    ),
    Case(
        "index assignment hook",
        ("class A:\n    def __setitem__(self, k, v): log.append(v)\nlog = []", "A()[1] = 2", "answer = log"),
        ("A()[1]",),
    ),
    Case(
        "numpy view",
        ("import numpy as np\na = np.zeros(4)", "b = a[:2]", "b[0] = 5\nc = a + 1\nc[1] = 9", "answer = a.tolist()"),
        ("b[0] = 5",),
        ("c[1]",),
    ),
    Case(
        "numpy reshape",
        ("import numpy as np\na = np.arange(4)", "a.reshape(2, 2)[0, 0] = 5", "answer = a.tolist()"),
        ("reshape",),
    ),
    Case(
        "numpy out",
        ("import numpy as np\na = np.ones(3)\nb = np.zeros(3)", "np.add(a, a, out=b)", "answer = b.tolist()"),
        ("out=b",),
    ),
    Case(
        "numpy in place",
        (
            "import numpy as np\na = np.array([3, 1])",
            "a.sort()",
            "np.random.shuffle(np.arange(3))",
            "answer = a.tolist()",
        ),
        ("a.sort()",),
        ("shuffle",),
    ),
    Case(
        "numpy reads",
        ("import numpy as np\na = np.array([3, 1])", "np.mean(a)\na.sum()\na.reshape(1, 2)", "answer = a.tolist()"),
        (),
        ("np.mean", "a.sum", "reshape"),
    ),
    Case(
        "numpy ufunc at",
        ("import numpy as np\na = np.zeros(3)", "np.add.at(a, [0, 0], 1)", "answer = a.tolist()"),
        ("np.add.at",),
    ),
    Case(
        "numpy values of a table",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [1.0, 2.0]})",
            "df.loc[0, 'a'] = 5",
            "v = df['a'].values.copy()\nv[0] = 0",
            "answer = df['a'].tolist()",
        ),
        ("df.loc",),
        ("v[0]",),
    ),
    Case(
        "pandas reads",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})",
            "df.head()\ndf.describe()\ndf['a'].mean()\ndf.groupby('a').size()\ndf.T",
            "answer = df['a'].sum()",
        ),
        (),
        ("head", "describe", "mean", "groupby", "df.T"),
    ),
    Case(
        "pandas columns",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})",
            "df['b'] = df['a'] * 2",
            "df.columns = ['x', 'y']",
            "df.index.name = 'i'",
            "answer = df.to_csv()",
        ),
        ("df['b']", "df.columns", "df.index.name"),
    ),
    Case(
        "pandas in place",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [2, 1]})",
            "df.sort_values('a', inplace=True)",
            "df.insert(0, 'z', 0)\ndf.pop('z')",
            "df.at[0, 'a'] = 7",
            "answer = df.to_csv()",
        ),
        ("inplace", "insert", "pop", "df.at"),
    ),
    Case(
        "pandas not in place",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [2, 1]})",
            "df.sort_values('a', inplace=False)\ndf.drop(columns='a')\ndf.fillna(0)",
            "answer = df.to_csv()",
        ),
        (),
        ("sort_values", "drop", "fillna"),
    ),
    Case(
        "pandas in a function",
        (
            "import pandas as pd\ndef clean(d):\n    d = d.copy()\n    d['n'] = 1\n    return d",
            "raw = pd.DataFrame({'a': [1]})",
            "used = clean(raw)",
            "other = clean(raw)",
            "answer = raw.to_csv(), used.to_csv()",
        ),
        ("used =",),
        ("other =",),
    ),
    Case(
        "pandas changed by a function",
        (
            "import pandas as pd\ndef mark(d):\n    d['n'] = 1",
            "raw = pd.DataFrame({'a': [1]})",
            "mark(raw)",
            "answer = raw.to_csv()",
        ),
        ("mark(raw)",),
    ),
    Case(
        "pandas apply",
        (
            "import pandas as pd\nlog = []\ndef f(x):\n    log.append(x)\n    return x * k",
            "s = pd.Series([1, 2])",
            "k = 2",
            "s.apply(f)",
            "answer = log",
        ),
        ("s.apply(f)", "k = 2"),
    ),
    Case(
        "pandas groups",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [1, 1, 2], 'b': [1, 2, 3]})",
            "g = df.groupby('a')",
            "parts = {k: v['b'].sum() for k, v in g}",
            "answer = parts",
        ),
        ("g =",),
    ),
    Case(
        "pandas eval in place",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [1]})",
            "df.eval('b = a + 1', inplace=True)",
            "answer = df.to_csv()",
        ),
        ("df.eval",),
    ),
    Case(
        "pandas update",
        (
            "import pandas as pd\ndf = pd.DataFrame({'a': [1]})",
            "df.update(pd.DataFrame({'a': [5]}))",
            "answer = df.to_csv()",
        ),
        ("df.update",),
    ),
]


@pytest.mark.parametrize("seen", [True, False], ids=["live", "text only"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_small_session(case: Case, seen: bool) -> None:
    play = Play(seen)
    for source in case.cells:
        play.execute(source)
    *history, target = play.history
    assert target.failed_line is None
    closure = slice_session(history, target)
    text = text_of(closure)
    assert repr(replay(closure)["answer"]) == repr(play.names["answer"]), text
    assert [k for k in case.keep if k not in text] == [], text
    if seen:
        assert [d for d in case.drop if d in text] == [], text
