"""Sessions of the shapes that real notebooks have; data for `test_slice_is_true.py`."""

# ruff: noqa: E501 - a cell's source stays on one line

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """A session.

    `cells` are executed in order; the last is the one that is sliced. `metrics` are names whose values must come
    out of the slice bit for bit. `dropped` are texts that must not be in the slice, `kept` texts that must be.
    """

    name: str
    cells: tuple[str, ...]
    metrics: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    attach: int = 0


def rerun(cells: list[str], order: list[int]) -> tuple[str, ...]:
    """Give the executions of cells run in some order, some of them more than once."""
    return tuple(cells[place] for place in order)


_CSV = "city,price,rooms\nA,100,2\nB,,3\nA,250,4\nC,90,1\nB,180,3\nC,120,\nA,300,5\n"

SHAPES = [
    Shape(
        "sklearn",
        (
            "import numpy as np\nimport matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt",
            (
                "from sklearn.datasets import make_classification\nfrom sklearn.ensemble import RandomForestClassifier\n"
                "from sklearn.model_selection import train_test_split\nfrom sklearn.metrics import accuracy_score"
            ),
            "np.random.seed(7)",
            "X, y = make_classification(n_samples=200, n_features=6)",
            "plt.hist(X[:, 0])\nplt.show()",
            "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3)",
            "print(X_train.shape)\nX_train[:3]",
            "n_trees = 5\nmodel = RandomForestClassifier(n_estimators=n_trees)",
            "from sklearn.linear_model import LogisticRegression\nother = LogisticRegression(max_iter=10)",
            "model.fit(X_train, y_train)\nacc = accuracy_score(y_test, model.predict(X_test))",
        ),
        ("acc",),
        dropped=("plt.hist", "X_train.shape", "other ="),
        kept=("np.random.seed(7)", "train_test_split"),
    ),
    Shape(
        "pandas",
        (
            "import pandas as pd\nimport matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt",
            "df = pd.read_csv('houses.csv')\ndf.head()",
            "df.info()\ndf.describe()",
            "df['price'].plot()\nplt.title('price')",
            "df['price'] = df['price'].fillna(df['price'].median())",
            "df.dropna(inplace=True)",
            "df.rename(columns={'city': 'town'}, inplace=True)",
            "summary = df.groupby('town')['rooms'].mean()\nprint(summary)",
            "df.loc[df['rooms'] > 3, 'big'] = 1\ndf['big'] = df['big'].fillna(0)",
            "clean = df.assign(per_room=df['price'] / df['rooms'])",
            "clean.head()",
            "result = clean.groupby(['town', 'big'])['per_room'].mean()\ntotal = float(result.sum())",
        ),
        ("result", "total"),
        dropped=("df.info", "plot()", "summary", "head()"),
        kept=("inplace=True", "df.loc["),
        files={"houses.csv": _CSV},
    ),
    Shape(
        "numpy",
        (
            "import numpy as np",
            "rng = np.random.default_rng(3)\na = rng.normal(size=(20, 4))",
            "view = a[:5]\nother = a.copy()",
            "view *= 2",
            "other += 100",
            "b = a.T @ a\nnp.fill_diagonal(b, 1.0)",
            "c = rng.normal(size=3)\nprint(c)",
            "np.random.shuffle(other)",
            "norm = float(np.linalg.norm(b)) + rng.random()",
        ),
        ("norm",),
        dropped=("other += 100", "np.random.shuffle"),
        kept=("view *= 2", "np.fill_diagonal", "c = rng.normal"),
    ),
    Shape(
        "functions over many cells",
        (
            "import math",
            "def area(r):\n    return scale * math.pi * r ** power",
            "def unused(r):\n    return junk",
            "scale = 2",
            "power = 2",
            "junk = 'nothing'",
            "areas = [area(r) for r in range(4)]\nprint(areas)",
            "power = 3",
            (
                "class Shape:\n    count = 0\n    def __init__(self, r):\n        self.r = r\n        Shape.count += 1\n"
                "    def size(self):\n        return area(self.r)"
            ),
            "class Big(Shape):\n    def size(self):\n        return super().size() * factor",
            "factor = 10",
            "shapes = [Shape(1), Big(2)]",
            "shapes[0].r = 5",
            "answer = sum(s.size() for s in shapes), Shape.count",
        ),
        ("answer",),
        dropped=("junk", "print(areas)"),
        kept=("power = 3", "factor = 10", "shapes[0].r = 5"),
    ),
    Shape(
        "out of order",
        rerun(
            [
                "x = 1",
                "x = x + 1",
                "def f():\n    return x * y",
                "y = 10",
                "x = x * 3\nlog = []",
                "answer = f()",
            ],
            [0, 1, 1, 3, 5, 2, 4, 1, 0, 1, 4, 5],
        ),
        ("answer",),
    ),
    Shape(
        "redefinition",
        (
            "rate = 0.5\nname = 'a'",
            "def step(v):\n    return v - rate * v",
            "values = [step(v) for v in [1.0, 2.0]]",
            "rate = 0.25",
            "def step(v):\n    return v * (1 - rate)",
            "first = step(8)",
            "rate = 0.125",
            "second = [step(v) for v in (first, 2)]",
        ),
        ("second",),
        dropped=("name = 'a'", "rate = 0.5", "values ="),
    ),
    Shape(
        "mutation at a distance",
        (
            "base = [3, 1, 2]\nhidden = base\nbox = {'data': base, 'n': 0}\nlonely = [1]",
            "def grow(things, by):\n    things.append(by)\n    return len(things)",
            "hidden.append(9)",
            "grow(box['data'], 7)",
            "lonely.append(5)",
            "pair = (box, 1)\npair[0]['n'] += 1",
            "for part in [base]:\n    part.sort()",
            "nested = [[box]]\nnested[0][0]['data'][0] = -1",
            "total = sum(base), box['n'], base",
        ),
        ("total",),
        kept=("hidden.append(9)", "grow(box", "part.sort()", "nested[0]", "+= 1"),
        dropped=("lonely.append(5)",),
    ),
    Shape(
        "local module",
        (
            "import sys\nsys.path.insert(0, '.')",
            "import helper\nfrom helper import scaled",
            "helper.FACTOR = 4",
            "data = [1, 2, 3]\nnote = 'x'",
            "helper.register(data)",
            "out = scaled(5) + helper.total()",
        ),
        ("out",),
        kept=("helper.FACTOR = 4", "helper.register(data)"),
        dropped=("note",),
        files={
            "helper.py": "FACTOR = 2\n_kept = []\ndef register(x):\n    _kept.append(x)\n"
            "def total():\n    return sum(map(sum, _kept))\ndef scaled(x):\n    return x * FACTOR\n"
        },
    ),
    Shape(
        "files",
        (
            "import os, json\nfrom pathlib import Path",
            "os.makedirs('out', exist_ok=True)",
            "with open('out/a.json', 'w') as f:\n    json.dump({'k': [1, 2]}, f)",
            "Path('out/other.txt').write_text('unused')",
            "p = Path('out') / 'b.txt'\np.write_text('5')",
            "with open('out/a.json') as f:\n    loaded = json.load(f)",
            "loaded['k'].append(int(p.read_text()))",
            "score = sum(loaded['k'])",
        ),
        ("score", "loaded"),
        dropped=("unused",),
        kept=("os.makedirs", "json.dump", "write_text('5')"),
    ),
    Shape(
        "subprocesses",
        (
            "import subprocess, sys",
            "!printf '1\\n2\\n3\\n' > numbers.txt",
            "!ls",
            "word = 'numbers.txt'",
            "lines = !cat {word}",
            "done = subprocess.run([sys.executable, '-c', 'print(40 + 2)'], capture_output=True, text=True)",
            "answer = int(done.stdout) + sum(int(n) for n in lines)",
        ),
        ("answer",),
        dropped=("'ls'",),
        kept=("numbers.txt",),
    ),
    Shape(
        "hidden draws",
        (
            "import random\nimport numpy as np",
            "np.random.seed(1)\nrandom.seed(1)",
            "noise = np.random.rand(3)\nrandom.random()",
            "import math\nsize = math.sqrt(16)",
            "def jitter(x):\n    return x + np.random.randn()",
            "jitter(3)",
            "np.random.seed(5)",
            "jitter(4)",
            "from sklearn.model_selection import train_test_split\nimport pandas as pd",
            "t = pd.DataFrame({'a': range(20)})\nleft, right = train_test_split(t, test_size=0.4)",
            "value = float(left['a'].iloc[:4].sum()) + jitter(0) + random.random()",
        ),
        ("value",),
        kept=("np.random.seed(5)", "jitter(4)", "random.seed(1)", "random.random()"),
        dropped=("jitter(3)", "size ="),
    ),
    Shape(
        "star imports",
        (
            "from math import *\nfrom functools import reduce",
            "pi2 = pi * 2",
            "from operator import *",
            "from string import *",
            "value = reduce(add, [sqrt(4.0), cos(0.0), pi2])",
        ),
        ("value",),
        dropped=("from string",),
        kept=("from math import *", "from operator import *"),
    ),
    Shape(
        "%run",
        (
            "limit = 3",
            "%run settings.py",
            "%run -n unused.py",
            "offset = 1",
            "answer = scaled(limit) + RATE + offset",
        ),
        ("answer",),
        files={
            "settings.py": "RATE = 0.5\ndef scaled(x):\n    return x * RATE\n",
            "unused.py": "OTHER = 1\n",
        },
        kept=("settings.py",),
    ),
    Shape(
        "%%time, %time, %%capture, %timeit",
        (
            "%%time\ntotal = 0\nfor i in range(5):\n    total += i\n!true",
            "%time half = total / 2",
            "%%capture out\nprint(half)\nkept = half + 1",
            "%timeit -n 1 -r 1 total + 1",
            "%matplotlib agg",
            "answer = kept * 2",
        ),
        ("answer",),
        dropped=("timeit", "matplotlib"),
    ),
    Shape(
        "async",
        (
            "import asyncio",
            "async def fetch(n):\n    await asyncio.sleep(0)\n    return n * gain",
            "gain = 2",
            "unused = await fetch(100)",
            (
                "class Pages:\n    def __aiter__(self):\n        self.n = 0\n        return self\n"
                "    async def __anext__(self):\n        self.n += 1\n        if self.n > 3:\n            raise StopAsyncIteration\n"
                "        return await fetch(self.n)"
            ),
            "got = []\nasync for page in Pages():\n    got.append(page)",
            "both: list = await asyncio.gather(fetch(1), fetch(2))\nlater = asyncio.create_task(fetch(7))",
            "gain = 5\ntext = '''two\nlines'''",
            "async with asyncio.Lock() as lock:\n    extra = [await fetch(n) async for n in Pages()]",
            "answer = sum(got) + sum(both) + sum(extra) + await later + len(text)",
        ),
        ("answer", "got"),
        dropped=("unused",),
    ),
    Shape(
        "cells that raised",
        (
            "data = {'a': 1}\nlog = []",
            "def push(x):\n    log.append(x)\n    if x > 1:\n        raise ValueError(x)",
            "data['b'] = 2\npush(1); push(2)\ndata['c'] = 3",
            "1 +",
            "for n in range(10):\n    data[n] = n\n    if n == 3: raise KeyboardInterrupt\n",
            "raise SystemExit('stop')",
            "late = 5\nundefined_name",
            "answer = sorted(map(str, data.items())), log, late",
        ),
        ("answer",),
        dropped=("data['c'] = 3", "SystemExit"),
        kept=("BaseException",),
    ),
    Shape(
        "generators and iterators",
        (
            "import itertools",
            "def numbers(start):\n    while True:\n        yield start * step\n        start += 1",
            "step = 2",
            "stream = numbers(1)\nfirst = next(stream)",
            "left, right = itertools.tee(iter([5, 6, 7, 8]))",
            "skipped = list(itertools.islice(stream, 2))",
            "next(right)",
            "step = 3",
            "lazy = (x * step for x in [1, 2])",
            "step = 100",
            "answer = next(stream), list(lazy), next(right), next(left)",
        ),
        ("answer",),
        kept=("islice", "next(right)", "step = 100"),
    ),
    Shape(
        "del, global, lambda, decorators",
        (
            "import functools\ncounter = 0\nsum = 5",
            "def bump(by=1):\n    global counter, made\n    counter += by\n    made = counter * 10",
            "bump()\nbump(by=3)",
            "fs = [lambda: i for i in range(3)]",
            "i = 20",
            (
                "cache = {}\ndef remember(f):\n    @functools.wraps(f)\n    def inner(x):\n        cache[x] = f(x)\n"
                "        return cache[x]\n    return inner"
            ),
            "@remember\ndef square(x):\n    return x * x + sum",
            "square(3)\nsquare(4)",
            "early = sum + 1",
            "sum = 7\nsquare(5)\ndel sum",
            "total = sum(cache.values()) + counter + made + sum(f() for f in fs) + early",
        ),
        ("total",),
        kept=("del sum", "bump(by=3)", "square(3)"),
    ),
    Shape(
        "dataclass configs, enums, f-strings, match",
        (
            "from dataclasses import dataclass, field, replace\nfrom enum import Enum\nfrom typing import NamedTuple",
            (
                "@dataclass\nclass Config:\n    lr: float = 0.1\n    layers: list = field(default_factory=lambda: [8])\n\n"
                "    @property\n    def name(self):\n        return f'{prefix}-{self.lr:.{digits}f}'"
            ),
            "prefix = 'run'\ndigits = 3",
            "class Mode(Enum):\n    FAST = 1\n    SLOW = 2",
            "class Point(NamedTuple):\n    x: int\n    y: int = 2",
            "config = Config()\nspare = Config(lr=99)",
            "config.layers.append(16)\nspare.layers.append(1)",
            "config = replace(config, lr=0.25)",
            (
                "match Point(1), Mode.SLOW:\n    case (Point(x=1, y=h), Mode.SLOW):\n        kind = h * 2\n"
                "    case _:\n        kind = 0"
            ),
            "answer = config.name, config.layers, kind, f'{config.lr=}'",
        ),
        ("answer",),
        dropped=("spare.layers",),
        kept=("config.layers.append(16)",),
    ),
    Shape(
        "context managers and settings",
        (
            "import contextlib, os, decimal, warnings\nimport numpy as np",
            "os.environ['LAB_SCALE'] = '4'\ndecimal.getcontext().prec = 5",
            "np.seterr(all='ignore')\nold = 1",
            (
                "@contextlib.contextmanager\ndef boosted(n):\n    state.append(n)\n    try:\n        yield state\n"
                "    finally:\n        state.append(-n)"
            ),
            "state = []",
            "with boosted(3) as s:\n    s.append(100)",
            "with contextlib.suppress(ZeroDivisionError):\n    level = 1\n    level = 1 / 0\n    level = 2",
            "%env LAB_EXTRA=2",
            (
                "answer = state, level, int(os.environ['LAB_SCALE']) * int(os.environ['LAB_EXTRA']), "
                "str(decimal.Decimal(1) / 3), float(np.log(np.float64(0)))"
            ),
        ),
        ("answer",),
        dropped=("old = 1",),
    ),
    Shape(
        "changes of folder",
        (
            "import os\nfrom pathlib import Path",
            "os.makedirs('deep/er', exist_ok=True)",
            "%cd deep",
            "!echo 12 > er/n.txt",
            "os.chdir('er')\nwords = 'x'",
            "%%writefile made.py\nVALUE = 30",
            "import sys\nsys.path.append(os.getcwd())",
            "from made import VALUE",
            "answer = int(Path('n.txt').read_text()) + VALUE",
        ),
        ("answer",),
    ),
    Shape(
        "displayed values",
        (
            "a = [1, 2]",
            "a",
            "_.append(5)",
            "sum(a)",
            "b = _ + 1\nprint('x')",
            "len(_2)",
            "answer = b + _ + Out[4] + _6",
        ),
        ("answer",),
    ),
    Shape(
        "a loop over models",
        (
            (
                "import numpy as np\nimport pandas as pd\nfrom sklearn.linear_model import Ridge\n"
                "from sklearn.preprocessing import StandardScaler\nfrom sklearn.pipeline import make_pipeline"
            ),
            (
                "rs = np.random.RandomState(0)\nX = pd.DataFrame(rs.normal(size=(60, 3)), columns=list('abc'))\n"
                "y = X['a'] * 2 - X['b'] + rs.normal(size=60)"
            ),
            "X['d'] = X['a'] * X['b']\nshow = X.corr()",
            "def build(alpha):\n    return make_pipeline(StandardScaler(), Ridge(alpha=alpha))",
            (
                "scores = {}\nfor alpha in [0.1, 1.0, 10.0]:\n    m = build(alpha).fit(X[:40], y[:40])\n"
                "    scores[alpha] = m.score(X[40:], y[40:])"
            ),
            "best = max(scores, key=scores.get)",
            "pd.Series(scores).sort_values()",
            "final = build(best)\nfinal.fit(X, y)\ncoef = final[-1].coef_\nr2 = final.score(X, y)",
        ),
        ("r2", "coef", "best"),
        dropped=("show =", "sort_values"),
    ),
    Shape(
        "a class that trains",
        (
            "import numpy as np",
            (
                "class Net:\n    def __init__(self, n, lr):\n        self.w = np.zeros(n)\n        self.lr = lr\n"
                "        self.history = []\n    def step(self, X, y):\n        err = X @ self.w - y\n"
                "        self.w -= self.lr * X.T @ err / len(y)\n        self.history.append(float((err ** 2).mean()))\n"
                "    def loss(self, X, y):\n        return float(((X @ self.w - y) ** 2).mean())"
            ),
            "np.random.seed(0)\nX = np.random.randn(50, 3)\ny = X @ np.array([1.0, 2.0, 3.0])",
            "lr = 0.1\nepochs = 20\nnet = Net(3, lr)\nrival = Net(3, 0.5)",
            "for _ in range(epochs):\n    net.step(X, y)",
            "for _ in range(3):\n    rival.step(X, y)",
            "print(net.loss(X, y), rival.loss(X, y))",
            "net.lr = 0.01",
            "for _ in range(5):\n    net.step(X, y)\nfinal = net.loss(X, y)\nn = len(net.history)",
        ),
        ("final", "n"),
        dropped=("rival.step", "print("),
        kept=("net.lr = 0.01",),
    ),
    Shape(
        "loaded late",
        (
            "from math import *\nimport json",
            "values = [floor(3.7), 2]\nother = 3",
            "values.append(9)\nbroken = 1 / 0\nvalues.append(100)",
            "unused = json.dumps(values)",
            "values.append(1)",
            "answer = sum(values) + ceil(0.5)",
        ),
        ("answer",),
        dropped=("unused", "other", "100"),
        kept=("from math import *",),
        attach=4,
    ),
    Shape(
        "itertools, comprehensions, walrus",
        (
            "from itertools import product, chain\nfrom collections import defaultdict, Counter, deque",
            "grid = list(product([1, 2], 'ab'))",
            "table = defaultdict(list)\nfor n, letter in grid:\n    table[letter].append(n)",
            "table['z']\nqueue = deque([1, 2, 3], maxlen=3)",
            "queue.append(4)\nqueue.rotate(1)",
            "if (n := len(table)) > 2:\n    size = n\nelse:\n    size = -1",
            "words = Counter('hello')\nwords.update('lo')",
            "best = [y := size + 1, y ** 2]\nidle = [q for q in range(3)]",
            "answer = dict(table), list(queue), size, best, y, words.most_common(2), sum(chain([1], [2]))",
        ),
        ("answer",),
        dropped=("idle",),
    ),
]
