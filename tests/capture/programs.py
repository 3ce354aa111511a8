"""Random programs: lists, dicts, objects, closures and iterators, aliased and changed in every way that fits a line."""

from __future__ import annotations

import random

PRELUDE = """
import contextlib
def at(o, i):
    try: return o[i]
    except Exception: return o
def it(o):
    if isinstance(o, (list, tuple, dict)) or hasattr(o, '__next__'): return o
    return [o]
def push(o, e):
    if isinstance(o, list): o.append(e)
    elif isinstance(o, dict): o['k'] = e
    return o
class Base:
    def both(self, o):
        self.v = o
        return self
    def __repr__(self): return f"P({self.__dict__.get('v')!r},{getattr(type(self), 's', 0)!r})"
class P(Base):
    s = []
    def __init__(self, v): self.v = v
    def put(self, e): self.v = [self.v, e]
def counter(x):
    n = [x]
    k = 0
    def step(e=0):
        nonlocal k
        k += 1
        n.append((e, k))
        return n
    return step
@contextlib.contextmanager
def ctx(x):
    yield x
def f(p): return p
def g(p): return [p]
def h(p): return p
a = []; b = [1]; c = {'k': 2}; d = P([]); e = 0
"""

_NAMES = "abcde"
_FUNCTIONS = "fgh"


class Writer:
    """Writes statements with the choices of a random generator."""

    def __init__(self, choices: random.Random) -> None:
        self.pick = choices.choice
        self.upto = choices.randrange

    @property
    def name(self) -> str:
        """A name of the session."""
        return self.pick(_NAMES)

    @property
    def function(self) -> str:
        """A function of the session."""
        return self.pick(_FUNCTIONS)

    def cells(self) -> list[str]:
        """Write some cells."""
        return ["\n".join(self.statement() for _ in range(self.upto(3) + 1)) for _ in range(self.upto(6) + 3)]

    def target(self) -> str:
        """Write the cell that is sliced; it makes `result`."""
        n = self.name
        return self.pick([f"result = {n}", f"result = {self.function}({n})", f"result = [{n}]\n{self.change(n)}"])

    def expression(self, depth: int = 0) -> str:
        """Write an expression."""
        n = self.name
        if depth > 2:
            return self.pick([n, str(self.upto(5))])

        def sub() -> str:
            return self.expression(depth + 1)

        forms = [
            lambda: str(self.upto(9)),
            lambda: f"[{sub()}, {sub()}]",
            lambda: f"{{'k': {sub()}, 'v': {sub()}}}",
            lambda: n,
            lambda: n,
            lambda: f"at({n}, {self.upto(3)})",
            lambda: f"[x for x in it({n})]",
            lambda: f"list(it({n}))",
            lambda: f"{self.function}({sub()})",
            lambda: f"({n}, {sub()})",
            lambda: f"P({sub()})",
            lambda: f"(lambda q: [q, {n}])({sub()})",
            lambda: f"({n} if len(repr({self.name})) > 3 else {self.name})",
            lambda: f"[{n}] + [{sub()}]",
            lambda: f"{n}[:1]",
            lambda: f"getattr({n}, 'v', {sub()})",
        ]
        return self.pick(forms)()

    def change(self, n: str) -> str:
        """Write a statement that changes what a name stands for."""
        e = self.expression(1)
        return self.pick(
            [
                f"{n}.append({e})",
                f"{n}[0] = {e}",
                f"{n}['k'] = {e}",
                f"{n} += [{e}]",
                f"{n}.v = {e}",
                f"{n}.put({e})",
                f"{n}.v.append({e})",
                f"{n}[0].append({e})",
                f"{n}.extend(list(it({e})))",
                f"{n}.pop()",
                f"{n}.popitem()[1].append({e})",
                f"del {n}[0]",
                f"{n}['k'].append({e})",
                f"push({n}, {e})",
                f"next({n})",
                f"{n}()",
                f"{n}({e})",
                f"{n}.both({self.name})",
                f"setattr({n}, 'v', {e})",
                f"{n}.update(k={e})",
            ]
        )

    def body(self) -> list[str]:
        """Write the body of a function with a parameter `p`."""
        forms = [
            lambda: f"z = {self.expression(1)}",
            lambda: self.change(self.pick([*_NAMES, "p"])),
            lambda: f"if len(repr(p)) > 4:\n        {self.change(self.pick([*_NAMES, 'p']))}",
            lambda: "p = [p]",
            lambda: self.name,
            lambda: "q = p",
        ]
        return [self.pick(forms)() for _ in range(self.upto(2) + 1)]

    def simple(self) -> str:
        """Write a statement of one line."""
        return self.pick([f"{self.name} = {self.expression(1)}", self.change(self.name), f"print({self.name})"])

    def function_made(self) -> str:
        """Write a function."""
        lines = self.body()
        if self.upto(3) == 0:
            outer = self.name
            lines = [f"global {outer}", *lines, f"{outer} = {self.expression(1)}"]
        given = self.pick(["p", "z if 0 else p", "w", "[p]", self.name, "(w.append(p), w)[1]"])
        return f"def {self.function}(p, w=[]):\n    " + "\n    ".join([*lines, f"return {given}"])

    def class_made(self) -> str:
        """Write a class."""
        put = self.pick(["self.v = e", "self.s.append(e)", "self.v.append(e)", "P.s = e", f"{self.name}.append(e)"])
        return (
            f"class P(Base):\n    s = {self.expression(1)}\n    def __init__(self, v): self.v = v\n"
            f"    def put(self, e): {put}"
        )

    def statement(self) -> str:
        """Write a statement."""
        n, m = self.name, self.name
        if self.upto(2):
            return self.pick([f"{n} = {self.expression()}", self.change(n)])
        one, two, three = self.simple(), self.simple(), self.simple()
        forms = [
            self.function_made,
            self.class_made,
            lambda: f"{n}, {m} = {self.expression()}, {self.expression()}",
            lambda: f"*{n}, {m} = {self.expression()}",
            lambda: f"for i in list(it({m})):\n    {one}\n    {two}",
            lambda: f"if len(repr({m})) % 2:\n    {one}\nelse:\n    {two}",
            lambda: f"try:\n    {one}\n    {two}\nexcept Exception:\n    {three}",
            lambda: f"del {n}",
            lambda: f"{n} = (y for y in it({m}))",
            lambda: f"{n} = counter({self.expression()})",
            lambda: f"{n} = {m}",
            lambda: f"{n} = {self.function}",
            lambda: f"P.put = lambda self, x: {m}.append(x)",
            lambda: f"P.s = {self.expression()}",
            lambda: f"{n} = [({m} := x) for x in list(it({self.name}))]",
            lambda: f"with ctx({self.expression()}) as {n}:\n    {one}",
            lambda: (
                f"def {self.function}(p):\n    def inner():\n        nonlocal p\n        p = [p, {m}]\n"
                "        return p\n    inner()\n    return inner"
            ),
        ]
        return self.pick(forms)()
