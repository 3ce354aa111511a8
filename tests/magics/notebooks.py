"""Notebooks as people write them; data for `test_truth.py`. `# %%` begins a cell; the last one is the run."""

# ruff: noqa: E501 - cells are as wide as people write them

from __future__ import annotations

from dataclasses import dataclass, field

Reads = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Notebook:
    """A notebook and what its run must say.

    `metrics` are recorded from the names in it. `kept` and `dropped` are texts that the slice must hold and must not
    hold. `inputs` pairs a path with the number of the cell that read it, None for the run's own cell; None in place
    of all means that it is not looked at. `repeats`: running the last cell again asks the same question. `changes` are
    cells after which it asks another one. `before` are cells that ran before labnb was loaded, `fails` the numbers of
    cells that raise.
    """

    name: str
    source: str
    metrics: str
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    inputs: Reads | None = ()
    outputs: tuple[str, ...] | None = ()
    params: dict[str, object] | None = None
    repeats: bool = False
    changes: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    fails: tuple[int, ...] = ()
    git: bool = False

    @property
    def cells(self) -> list[str]:
        """Its cells, the run last."""
        return [cell.strip("\n") for cell in self.source.split("\n# %%\n")]


_PEOPLE = "id,dept,salary,years\n" + "".join(f"{i},{'ABC'[i % 3]},{1000 + i * 37 % 500},{i % 11}\n" for i in range(60))

NOTEBOOKS = [
    Notebook(
        "column transformer gridsearch",
        """
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, OneHotEncoder
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
# %%
df = pd.read_csv('people.csv')
# %%
df.head()
# %%
df['senior'] = (df.years > 5).astype(int)
X, y = df[['dept', 'salary']], df['senior']
# %%
print(X.describe())
# %%
pre = ColumnTransformer([('num', StandardScaler(), ['salary']), ('cat', OneHotEncoder(), ['dept'])])
pipe = Pipeline([('pre', pre), ('clf', LogisticRegression(max_iter=200))])
# %%
grid = {'clf__C': [0.1, 1.0, 10.0]}
folds = 3
# %%
unused = df.groupby('dept').salary.mean()
# %%
X_tr, X_te, y_tr, y_te = train_test_split(X, y, random_state=0, test_size=0.25)
search = GridSearchCV(pipe, grid, cv=folds).fit(X_tr, y_tr)
acc = search.score(X_te, y_te)
best = search.best_score_
bestC = search.best_params_['clf__C']
""",
        "acc,best,bestC",
        dropped=("df.head", "describe", "unused"),
        inputs=(("people.csv", 2),),
        params={"folds": 3},
        repeats=True,
        changes=("grid = {'clf__C': [5.0]}",),
        files={
            "people.csv": _PEOPLE,
        },
    ),
    Notebook(
        "pandas chains",
        """
import pandas as pd
# %%
sales = pd.DataFrame({'shop': list('aabbcc'), 'month': [1, 2] * 3, 'amount': [5.0, 7, None, 3, 9, 1]})
shops = pd.DataFrame({'shop': list('abc'), 'city': ['X', 'Y', 'X']})
# %%
sales.fillna({'amount': 0}, inplace=True)
# %%
merged = sales.merge(shops, on='shop')
# %%
merged.sort_values('amount', inplace=True, ignore_index=True)
merged.set_index('shop', inplace=True)
# %%
wide = (merged.reset_index().pivot_table(index='city', columns='month', values='amount', aggfunc='sum')
        .rename(columns=lambda m: f'm{m}').reset_index())
# %%
wide.style
shops.loc[shops.city == 'X', 'city'] = 'Z'
# %%
wide.insert(1, 'total', wide[['m1', 'm2']].sum(axis=1))
wide.drop(columns=['m1'], inplace=True)
# %%
by = merged.groupby('city')['amount'].agg(['sum', 'max'])
total = float(wide['total'].iloc[0]) + by.loc['X', 'max']
n = len(wide.columns)
rank = merged['amount'].rank().iloc[1]
""",
        "total,n,rank",
        kept=("fillna", "set_index", "insert(1"),
        dropped=("wide.style", "= 'Z'"),
        params={},
        repeats=True,
    ),
    Notebook(
        "numpy views",
        """
import numpy as np
a = np.arange(12, dtype=float)
# %%
b = a[1:]
c = a.reshape(3, 4)
d = a.copy()
# %%
b *= 2
# %%
c.T[0, :] += 1
# %%
d[:] = -1
# %%
row = c[1]
row[...] = np.sqrt(row)
# %%
np.add(a, 1, out=a)
np.clip(c, 0, 15, out=c)
# %%
flat = c.ravel(); flat[0] = 100
for x in (a,): x[-1] = 7
# %%
it = np.nditer(a, op_flags=['readwrite'])
for v in it: v[...] = v * 1.5
# %%
total = a.sum()
mx = a.max()
""",
        "total,mx",
        kept=("b *= 2", "c.T[0", "row[...]", "np.add", "flat[0]", "nditer"),
        dropped=("d[:] = -1",),
        params={},
        repeats=True,
    ),
    Notebook(
        "asarray aliases",
        """
import numpy as np
a = np.zeros(4)
# %%
v = np.asarray(a)
w = np.reshape(a, (2, 2))
t = memoryview(a)
s = a[::2]
p, q = np.split(a, 2)
# %%
v += 1
# %%
w[1, 1] = 9
# %%
t[0] = 5.0
# %%
s.fill(3)
# %%
q[:] += 100
# %%
np.random.default_rng(0).shuffle(a[1:])
# %%
total = float((a * [1, 2, 3, 4]).sum())
""",
        "total",
        kept=("v += 1", "w[1, 1]", "t[0]", "s.fill", "q[:]", "shuffle"),
        repeats=True,
    ),
    Notebook(
        "closures mutable defaults",
        """
def remember(x, seen=[]):
    seen.append(x)
    return list(seen)
# %%
def counter():
    n = 0
    def inc(by=1):
        nonlocal n
        n += by
        return n
    return inc
# %%
c1, c2 = counter(), counter()
# %%
remember(1)
# %%
c1(); c1(5)
# %%
c2(100)
# %%
remember(2)
# %%
total = sum(remember(10)) + c1()
""",
        "total",
        kept=("remember(1)", "remember(2)", "c1(5)"),
        params={},
    ),
    Notebook(
        "nonlocal decorators",
        """
import functools, time
def counted(fn):
    calls = 0
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        nonlocal calls
        calls += 1
        wrapper.calls = calls
        return fn(*args, **kwargs) + offset
    return wrapper
# %%
offset = 1
@counted
def base(x): return x * 2
# %%
base(1)
# %%
base(2)
# %%
offset = 7
# %%
total = base(3) * 10 + base.calls
""",
        "total",
        kept=("base(1)", "base(2)"),
    ),
    Notebook(
        "class attrs through instances",
        """
class Model:
    registry = []
    defaults = {'lr': 0.1}
    n = 0
    def __init__(self, name):
        self.name = name
        self.registry.append(name)
        type(self).n += 1
class Sub(Model):
    defaults = {**Model.defaults, 'depth': 3}
# %%
m = Model('first')
# %%
s = Sub('second')
# %%
m.defaults['lr'] = 0.5
# %%
s.__class__.defaults['depth'] = 9
# %%
m.name = 'renamed'
Sub.extra = 4
# %%
lr = Model('x').defaults['lr']
depth = s.defaults['depth'] + s.extra
count = len(Model.registry) + Model.n + Sub.n * 10
""",
        "lr,depth,count",
        kept=("m.defaults['lr'] = 0.5", "'depth'] = 9", "Sub.extra"),
    ),
    Notebook(
        "class redefined instance old",
        """
class A:
    k = 1
    def v(self): return self.k
# %%
a = A()
# %%
class A:
    k = 100
    def v(self): return self.k * 2
# %%
b = A()
# %%
A.k = 7
# %%
type(a).k = 3
# %%
total = a.v() + b.v() * 1000
""",
        "total",
        kept=("k = 1\n", "A.k = 7", "type(a).k = 3"),
        repeats=True,
    ),
    Notebook(
        "lru_cache",
        """
from functools import lru_cache, cache, partial
calls = []
scale = 2
@lru_cache(maxsize=None)
def slow(n):
    calls.append(n)
    return n * scale
# %%
slow(3)
# %%
scale = 10
# %%
slow(4)
# %%
slow.cache_clear() if scale > 100 else None
# %%
total = slow(3) + slow(4) + len(calls)
hits = slow.cache_info().hits
""",
        "total,hits",
        kept=("slow(3)", "slow(4)", "scale = 10"),
    ),
    Notebook(
        "generators feed loops",
        """
def batches(xs, size):
    for i in range(0, len(xs), size):
        yield xs[i:i+size]
# %%
data = list(range(20))
size = 6
# %%
gen = batches(data, size)
first = next(gen)
# %%
data.append(99)
# %%
acc = 0
for b in gen:
    acc += sum(b)
    if acc > 60: break
# %%
rest = [sum(b) for b in gen]
total = acc + sum(rest) + len(first)
""",
        "total",
        kept=("data.append(99)",),
    ),
    Notebook(
        "itertools state, zip, enumerate",
        """
import itertools
ids = itertools.count(10)
pairs = zip('abc', ids)
# %%
first = next(pairs)
# %%
def new(): return next(ids)
# %%
new()
# %%
e = enumerate([5, 6, 7]); next(e)
# %%
total = next(ids) + next(pairs)[1] + next(e)[1]
""",
        "total",
        kept=("first = next", "new()", "next(e)"),
    ),
    Notebook(
        "config dict cells",
        """
cfg = {'lr': 0.1, 'layers': [4, 4]}
# %%
cfg['epochs'] = 5
cfg.update(dropout=0.3)
# %%
base = dict(cfg)
# %%
cfg |= {'lr': 0.01}
cfg['layers'].append(2)
# %%
other = {**cfg, 'seed': 1}
other['lr'] = 77
# %%
cfg.setdefault('wd', 1e-4); cfg.pop('dropout')
# %%
score = cfg['lr'] * cfg['epochs'] + sum(base['layers']) + cfg['wd']
size = len(cfg)
""",
        "score,size",
        kept=("cfg |=", "append(2)"),
        dropped=("other",),
        repeats=True,
        changes=("cfg['lr'] = 0.2",),
    ),
    Notebook(
        "rerun and edit",
        """
counter = 0
values = []
# %%
counter += 1
values.append(counter)
# %%
counter += 1
values.append(counter)
# %%
def f(x): return x + 1
# %%
values.append(f(counter))
# %%
def f(x): return x * 10
# %%
counter += 1
values.append(counter)
# %%
total = sum(values) + f(counter)
""",
        "total",
        params={},
        repeats=True,
    ),
    Notebook(
        "edited cell re-executed",
        """
def clean(x): return x.strip()
# %%
items = [' a', 'b ', ' c']
# %%
out = [clean(i) for i in items]
# %%
def clean(x): return x.strip().upper() + suffix
suffix = '!'
# %%
out = [clean(i) for i in items]
# %%
items.append('d')
# %%
n = sum(map(ord, ''.join(out))) + len(items)
""",
        "n",
        kept=("suffix = '!'",),
        dropped=("return x.strip()\n",),
        repeats=True,
    ),
    Notebook(
        "partial captures old function",
        """
from functools import partial
def f(a, b): return a + b
# %%
g = partial(f, 10)
h = lambda x: f(x, 1)
table = {'f': f}
# %%
def f(a, b): return a * b
# %%
total = g(5) * 100 + h(5) + table['f'](1, 1) * 10000
""",
        "total",
        kept=("return a + b", "return a * b"),
    ),
    Notebook(
        "monkeypatch module",
        """
import numpy as np
import math
import json
# %%
old = np.mean
np.mean = lambda a, *r, **k: old(a, *r, **k) + 1
math.twice = lambda x: 2 * x
# %%
json.encoder.FLOAT_REPR = 'x'
# %%
m = float(np.mean([1, 2, 3])) + math.twice(4)
""",
        "m",
        kept=("np.mean =", "math.twice"),
        repeats=True,
    ),
    Notebook(
        "function attributes and setattr",
        """
def f(x): return x * f.k
f.k = 2
# %%
class C: pass
c = C(); d = c
# %%
setattr(d, 'val', 5)
f.k = 4
# %%
for name in ('p', 'q'): setattr(c, name, len(name) + f.k)
# %%
c.__dict__['z'] = 8
vars(c)['y'] = 1
# %%
total = f(1) + c.val + c.p + c.q + c.z + getattr(d, 'y')
""",
        "total",
        kept=("setattr(d", "__dict__", "vars(c)"),
        repeats=True,
    ),
    Notebook(
        "local package",
        """
import sys
sys.path.insert(0, 'src')
# %%
import pkg.core as core
from pkg.sub import deep
from pkg import CONFIG
# %%
CONFIG['k'] = 5
# %%
core.STATE.append(3)
deep.helper.cache = 1
# %%
junk = 3
# %%
total = core.run(2) + deep.value() + CONFIG['k']
""",
        "total",
        dropped=("junk",),
        files={
            "src/pkg/__init__.py": "CONFIG = {'k': 1}\n",
            "src/pkg/core.py": "from . import CONFIG\nSTATE = []\ndef run(x):\n    return x * CONFIG['k'] + sum(STATE)\n",
            "src/pkg/sub/__init__.py": "",
            "src/pkg/sub/deep.py": "class helper:\n    cache = 0\ndef value():\n    return 100 + helper.cache\n",
        },
    ),
    Notebook(
        "reload after edit",
        r"""
from pathlib import Path
Path('mod.py').write_text('X = 1\ndef f():\n    return X\n')
# %%
import mod, importlib
# %%
a = mod.f()
# %%
Path('mod.py').write_text('X = 22\ndef f():\n    return X + 100\n')
# %%
importlib.reload(mod)
# %%
total = mod.f() + a
""",
        "total",
        inputs=None,
    ),
    Notebook(
        "star import utils",
        """
from utils import *
# %%
FACTOR = 7
# %%
x = scale(3) + BASE + FACTOR
y = clip(100)
""",
        "x,y",
        kept=("FACTOR = 7",),
        changes=("FACTOR = 8",),
        files={
            "utils.py": "from math import floor\n__all__ = ['scale', 'BASE', 'FACTOR', 'clip']\nBASE = 5\nFACTOR = 2\ndef scale(v):\n    return v * FACTOR\ndef clip(v):\n    return floor(min(v, BASE))\n",
        },
    ),
    Notebook(
        "csv clean train",
        """
import pandas as pd
from sklearn.linear_model import LinearRegression
# %%
raw = pd.read_csv('people.csv')
# %%
notes = open('notes.txt').read()
# %%
clean = raw[raw.years > 0].drop_duplicates('salary').assign(z=lambda d: d.salary / d.years)
# %%
clean.to_csv('clean.csv', index=False)
# %%
train = pd.read_csv('clean.csv')
# %%
alpha = 0.5
# %%
m = LinearRegression().fit(train[['years', 'z']], train['salary'])
r2 = m.score(train[['years', 'z']], train['salary']) * alpha
""",
        "r2",
        dropped=("'notes.txt'",),
        inputs=(("people.csv", 2), ("clean.csv", 6)),
        params={"alpha": 0.5},
        repeats=True,
        changes=("alpha = 0.25",),
        files={
            "people.csv": _PEOPLE,
            "notes.txt": "hello",
        },
    ),
    Notebook(
        "file round trips",
        r"""
import json, pickle, gzip, zipfile, numpy as np, os
os.makedirs('out', exist_ok=True)
# %%
arr = np.arange(5.0)
np.savez('out/a.npz', arr=arr, w=arr * 2)
# %%
with open('out/m.pkl', 'wb') as f: pickle.dump({'k': 3, 'z': [1, 2]}, f)
json.dump({'q': 1.5}, open('out/c.json', 'w'))
# %%
with gzip.open('out/t.gz', 'wt') as g: g.write('5\n6\n')
with zipfile.ZipFile('out/z.zip', 'w') as z: z.writestr('inner.txt', '9')
# %%
np.save('out/unneeded.npy', arr)
# %%
with np.load('out/a.npz') as d: s = d['w'].sum()
m = pickle.load(open('out/m.pkl', 'rb'))
q = json.load(open('out/c.json'))['q']
lines = [int(x) for x in gzip.open('out/t.gz', 'rt')]
with zipfile.ZipFile('out/z.zip') as z: nine = int(z.read('inner.txt'))
total = float(s) + m['k'] + q + sum(lines) + nine
""",
        "total",
        dropped=("unneeded",),
        inputs=(
            ("out/a.npz", None),
            ("out/m.pkl", None),
            ("out/c.json", None),
            ("out/t.gz", None),
            ("out/z.zip", None),
        ),
        repeats=True,
    ),
    Notebook(
        "h5 and parquet and npy",
        """
import numpy as np, pandas as pd, h5py
# %%
with h5py.File('d.h5', 'w') as f:
    f['x'] = np.arange(4.)
    f.create_dataset('y', data=[1, 2])
# %%
pd.DataFrame({'a': [1, 2]}).to_parquet('t.parquet')
np.save('z.npy', np.ones(3))
np.memmap('m.bin', dtype='float64', mode='w+', shape=(2,))[:] = 5
# %%
with h5py.File('d.h5', 'a') as f: f['x'][0] = 10
# %%
with h5py.File('d.h5') as f: s = f['x'][:].sum()
total = float(s + pd.read_parquet('t.parquet').a.sum() + np.load('z.npy').sum() + np.memmap('m.bin', dtype='float64', mode='r').sum())
""",
        "total",
        inputs=(("d.h5", None), ("t.parquet", None), ("z.npy", None), ("m.bin", None)),
    ),
    Notebook(
        "sqlite memory",
        """
import sqlite3
con = sqlite3.connect(':memory:')
con.execute('create table t (k text, v real)')
# %%
con.executemany('insert into t values (?, ?)', [('a', 1.5), ('b', 2.5)])
con.commit()
# %%
other = sqlite3.connect(':memory:')
other.execute('create table z (q int)')
# %%
cur = con.cursor()
cur.execute("update t set v = v * 2 where k = 'b'")
# %%
total = con.execute('select sum(v) from t').fetchone()[0]
""",
        "total",
        kept=("insert into", "update t"),
        dropped=("create table z",),
    ),
    Notebook(
        "environ",
        """
import os
# %%
os.environ['SCALE'] = '3'
os.environ.setdefault('MODE', 'fast')
# %%
def scale(): return int(os.environ.get('SCALE', 1))
# %%
%env OFFSET=4
# %%
total = scale() * 10 + len(os.environ['MODE']) + int(os.getenv('OFFSET'))
""",
        "total",
        repeats=True,
    ),
    Notebook(
        "chdir and relative",
        """
import os
os.makedirs('sub', exist_ok=True)
with open('sub/v.txt', 'w') as f: f.write('7')
# %%
os.chdir('sub')
# %%
v = int(open('v.txt').read())
""",
        "v",
        inputs=(("sub/v.txt", None),),
        repeats=True,
    ),
    Notebook(
        "subprocess python script",
        """
import subprocess, sys, json
# %%
params = {'n': 4}
json.dump(params, open('p.json', 'w'))
# %%
subprocess.run([sys.executable, 'job.py'], check=True)
# %%
total = json.load(open('r.json'))['v']
""",
        "total",
        inputs=(("p.json", 3), ("r.json", None)),
        repeats=True,
        changes=("json.dump({'n': 9}, open('p.json', 'w'))\nsubprocess.run([sys.executable, 'job.py'], check=True)",),
        files={
            "job.py": "import json\np = json.load(open('p.json'))\njson.dump({'v': p['n'] * 10}, open('r.json', 'w'))\n",
        },
    ),
    Notebook(
        "git project with data dir",
        """
import pandas as pd
from lib.prep import clean
# %%
df = clean(pd.read_csv('data/train.csv'))
# %%
k = 2
score = float(df.x.sum()) * k
""",
        "score",
        inputs=(("data/train.csv", 2),),
        params={"k": 2},
        changes=(
            "from pathlib import Path\nPath('data/train.csv').write_text('x\\n5\\n9\\n')\ndf = clean(pd.read_csv('data/train.csv'))",
        ),
        git=True,
        files={
            "lib/__init__.py": "",
            "lib/prep.py": "def clean(d):\n    return d[d.x > 1]\n",
            "data/train.csv": "x\n1\n2\n3\n",
        },
    ),
    Notebook(
        "seeds mixed",
        """
import random, numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.datasets import make_classification
# %%
def seed_all(s):
    random.seed(s)
    np.random.seed(s)
seed_all(1)
# %%
X, y = make_classification(100, random_state=5)
idx = np.random.permutation(100)
# %%
noise = random.gauss(0, 1)
rng = np.random.RandomState(4)
# %%
extra = rng.rand()
seed_all(2)
# %%
a = np.random.rand() + random.random()
clf = SGDClassifier(max_iter=5, tol=None).fit(X[idx], y[idx])
b = clf.coef_.sum() + rng.rand()
""",
        "a,b",
        params={},
    ),
    Notebook(
        "threads",
        """
from concurrent.futures import ThreadPoolExecutor
import threading
results = {}
lock = threading.Lock()
# %%
def work(n):
    with lock:
        results[n] = n * factor
    return n
factor = 3
# %%
with ThreadPoolExecutor(2) as pool:
    done = list(pool.map(work, range(4)))
# %%
t = threading.Thread(target=work, args=(10,))
t.start(); t.join()
# %%
total = sum(results.values()) + sum(done)
""",
        "total",
        kept=("pool.map", "t.start()", "factor = 3"),
        changes=("results[50] = 1",),
    ),
    Notebook(
        "multiprocessing local module",
        """
from multiprocessing import get_context
from workers import square
# %%
ctx = get_context('fork')
n = 5
# %%
with ctx.Pool(2) as pool:
    out = pool.map(square, range(n))
total = sum(out)
""",
        "total",
        inputs=(("w.txt", None),),
        params={"n": 5},
        changes=("n = 6",),
        files={
            "workers.py": "import csv\ndef square(x):\n    with open('w.txt') as f:\n        k = int(f.read())\n    return x * x * k\n",
            "w.txt": "2",
        },
    ),
    Notebook(
        "asyncio gather",
        """
import asyncio
hits = []
async def fetch(n):
    await asyncio.sleep(0)
    hits.append(n)
    return n * 2
# %%
got = await asyncio.gather(*[fetch(i) for i in range(3)])
# %%
one = await fetch(100)
# %%
more = await asyncio.gather(fetch(5), fetch(6))
total = sum(got) + sum(more) + len(hits)
""",
        "total",
        kept=("fetch(100)",),
    ),
    Notebook(
        "figures over cells",
        """
import matplotlib.pyplot as plt, numpy as np
%matplotlib inline
# %%
x = np.linspace(0, 1, 20)
fig, (ax1, ax2) = plt.subplots(1, 2)
# %%
line, = ax1.plot(x, x ** 2)
ax2.hist(x)
# %%
def decorate(ax, title):
    ax.set_title(title); ax.grid(True)
decorate(ax1, 'squares')
# %%
n_lines = len(ax1.lines)
peak = line.get_ydata().max() + (x * 2).sum()
fig.savefig('fig.png')
""",
        "n_lines,peak",
        kept=("ax1.plot",),
        outputs=("fig.png",),
    ),
    Notebook(
        "exceptions and try finally",
        """
log = []
def risky(n):
    try:
        log.append(n)
        if n % 2: raise ValueError(n)
        return n
    finally:
        log.append('done')
# %%
risky(2)
# %%
risky(3)
# %%
try:
    risky(5)
except ValueError as e:
    err = e.args[0]
else:
    err = -1
finally:
    closed = True
# %%
x = 5
1 / 0
x = 6
# %%
total = len(log) + err + closed + x
""",
        "total",
        kept=("risky(3)",),
        repeats=True,
        fails=(3, 5),
    ),
    Notebook(
        "walrus match enum dataclass",
        """
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Generic, TypeVar, NamedTuple
from abc import ABC, abstractmethod
T = TypeVar('T')
# %%
class Kind(Enum):
    A = auto()
    B = auto()
@dataclass
class Base(ABC):
    name: str
    tags: list = field(default_factory=list)
    @abstractmethod
    def cost(self): ...
# %%
@dataclass
class Item(Base):
    price: float = 1.0
    kind: Kind = Kind.A
    def cost(self):
        match self.kind:
            case Kind.A: return self.price * rate
            case Kind.B if self.price > 3: return self.price / 2
            case _: return 0
    def __post_init__(self):
        REG.append(self.name)
REG = []
# %%
class Stack(Generic[T]):
    def __init__(self): self.items: list[T] = []
    def push(self, x: T) -> 'Stack[T]':
        self.items.append(x); return self
class P(NamedTuple):
    x: int; y: int = 2
# %%
rate = 2
s = Stack[Item]().push(Item('a', price=4)).push(Item('b', price=8, kind=Kind.B))
# %%
unused = Item('zzz')
# %%
s.push(replace(s.items[0], name='c', kind=Kind.B, price=2))
# %%
rate = 5
if (n := len(s.items)) > 2: bonus = n
total = sum(i.cost() for i in s.items) + bonus + P(1).y + len(REG)
""",
        "total",
        kept=("Item('zzz')",),
        params={"rate": 5},
    ),
    Notebook(
        "contextlib managers",
        """
from contextlib import contextmanager, ExitStack, suppress
depth = 0
@contextmanager
def scope(k):
    global depth
    depth += k
    try: yield depth
    finally: trace.append(depth)
trace = []
# %%
with scope(3) as d: inner = d * 2
# %%
with ExitStack() as stack:
    stack.enter_context(scope(4))
# %%
with suppress(KeyError):
    {}['x']
    never = 1
# %%
with scope(1): pass
total = inner + depth + sum(trace)
""",
        "total",
        kept=("scope(3)", "scope(4)"),
        dropped=("never",),
    ),
    Notebook(
        "magics mix",
        """
%%time
import numpy as np
a = np.arange(5)
# %%
%%capture out
print('hello')
b = a * 2
# %%
%time c = b.sum()
# %%
%timeit -n1 -r1 np.sort(a)
# %%
!echo listed > /dev/null
# %%
files = !ls data
# %%
%matplotlib inline
%config InlineBackend.figure_format = 'png'
%pwd
# %%
%%time
total = c + len(out.stdout) + len(files)
""",
        "total",
        dropped=("np.sort", "InlineBackend"),
        inputs=None,
        files={
            "data/a.txt": "",
            "data/b.txt": "",
        },
    ),
    Notebook(
        "run helper",
        """
%run helper.py
# %%
%run -i other.py
# %%
v = helper_fn(2) + OTHER
""",
        "v",
        files={
            "helper.py": "K = 3\ndef helper_fn(x):\n    return x * K\n",
            "other.py": "OTHER = K + 1\n",
        },
    ),
    Notebook(
        "writefile then import",
        """
%%writefile made.py
def area(r):
    return 3 * r
# %%
from made import area
# %%
%%writefile -a made.py
Z = 1
# %%
total = area(5)
""",
        "total",
        inputs=None,
    ),
    Notebook(
        "training loop log",
        """
import labnb, numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3)); w_true = np.array([1., -2, .5]); y = X @ w_true
# %%
lr, epochs = 0.05, 15
w = np.zeros(3)
# %%
def loss_of(w): return float(np.mean((X @ w - y) ** 2))
# %%
history = []
for step in range(epochs):
    grad = 2 * X.T @ (X @ w - y) / len(y)
    w -= lr * grad
    labnb.log({'loss': loss_of(w)}, step=step)
    history.append(loss_of(w))
final = history[-1]
""",
        "final",
        params={"lr": 0.05, "epochs": 15},
        changes=("lr, epochs = 0.1, 15\nw = np.zeros(3)",),
    ),
    Notebook(
        "dataframe aliases and views",
        """
import pandas as pd, numpy as np
df = pd.DataFrame({'a': [1.0, 2, 3], 'b': [4.0, 5, 6]})
# %%
other = df
cols = {'x': df}
# %%
other['c'] = other.a * 2
# %%
cols['x'].columns = [c.upper() for c in df.columns]
# %%
def add(frame): frame['D'] = 1
add(df)
# %%
df.index = ['p', 'q', 'r']
# %%
df.at['p', 'A'] = 50
df.iloc[1, 1] = 60
# %%
sub = df[df.A > 2].copy()
sub['A'] = 0
# %%
df.attrs['unit'] = 3
df.pop('B')
# %%
total = df.to_numpy().sum() + df.attrs['unit'] + len(df.columns)
""",
        "total",
        kept=("other['c']", "add(df)", "df.at", "iloc[1, 1]", "pop('B')", "attrs"),
        dropped=("sub['A']",),
        repeats=True,
    ),
    Notebook(
        "loaded late",
        """
data.append(3)
# %%
counts = {}
for d in data: counts[d] = counts.get(d, 0) + 1
# %%
total = len(counts) + sum(data) + scale
""",
        "total",
        dropped=("junk",),
        repeats=True,
        before=("data = [1, 2]\nscale = 3", "data.append(2)\njunk = 1"),
    ),
    Notebook(
        "operator in place dunder",
        """
import operator, copy, heapq, bisect
xs = [3, 1, 2]; ys = copy.copy(xs); zs = copy.deepcopy([xs])
h = []
# %%
operator.iadd(xs, [4])
heapq.heappush(h, 5); heapq.heappush(h, 1)
bisect.insort(ys, 0)
# %%
zs[0].append(100)
# %%
xs.sort(key=lambda v: -v); xs[1:2] = [7, 7]
del xs[0]
# %%
first = heapq.heappop(h)
# %%
total = sum(i * v for i, v in enumerate(xs)) + first + sum(h) + sum(ys)
""",
        "total",
        kept=("iadd", "insort", "del xs[0]", "heappop"),
        dropped=("append(100)",),
    ),
    Notebook(
        "object graph",
        """
class Node:
    def __init__(self, v): self.v = v; self.kids = []; self.parent = None
    def add(self, k): self.kids.append(k); k.parent = self; return k
    def total(self): return self.v + sum(k.total() for k in self.kids)
# %%
root = Node(1)
leaf = root.add(Node(2)).add(Node(3))
# %%
other = Node(1000)
# %%
leaf.parent.parent.v = 50
# %%
walk = leaf
while walk.parent: walk = walk.parent
walk.add(other)
# %%
lonely = Node(7); lonely.v = 8
# %%
t = root.total()
""",
        "t",
        kept=("v = 50", "walk.add"),
        dropped=("lonely",),
    ),
]
