"""Which names a cell needs, and how each is bound where the job runs."""

from __future__ import annotations

import ast
import builtins
import functools
import re
import site
import sys
import sysconfig
import types
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labnb.model.closure import Closure

#: What a job's own shell or the runner lends to the cell.
_LENT = frozenset({"get_ipython", "display", "In", "exit", "quit", "open", "__builtins__", "__name__"})
#: Calls that reach names which the source does not write down.
_HIDDEN = frozenset({"eval", "exec", "globals"})
_HIDDEN_BARE = frozenset({"locals", "vars", "dir"})
_IN_COMMAND = re.compile(r"\$\{?([A-Za-z_]\w*)|\{([^{}]+)\}")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names that the cell needs; `unsure` are those that it may never look at, `missing` those that nothing binds."""

    names: tuple[str, ...]
    unsure: frozenset[str]
    missing: tuple[str, ...]


def needed_names(closure: Closure, namespace: Mapping[str, Any]) -> Wanted:
    """Give the names that a cell reads: by itself, in shell commands and magics, and through `eval` and its like."""
    sure = {name for name in closure.free if name not in _LENT or _is_own(name, namespace)}
    code = closure.pieces[-1].code if closure.pieces else ""
    tree: ast.AST | None = None
    with suppress(SyntaxError, ValueError):
        tree = ast.parse(code)
    hidden = tree is None
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            hidden = hidden or node.func.id in _HIDDEN or (node.func.id in _HIDDEN_BARE and not node.args)
        if isinstance(node, ast.Call) and _is_shell(node.func):
            sure |= {name for name in _in_words(node) if name in namespace}
            hidden = hidden or any(word in ast.dump(node) for word in ("'run'", "'cython'", "'%run"))
    unsure: set[str] = set()
    if hidden:
        unsure = {name for name in namespace if not name.startswith("_") and name not in _LENT} - sure
    missing = (name for name in sure if name not in namespace and not hasattr(builtins, name))
    return Wanted((*sorted(sure), *sorted(unsure)), frozenset(unsure), tuple(sorted(missing)))


def _is_own(name: str, namespace: Mapping[str, Any]) -> bool:
    """Whether a name that IPython lends was bound by the researcher instead."""
    if name not in namespace or name in ("get_ipython", "In", "exit", "quit", "__builtins__", "__name__"):
        return False
    value = namespace[name]
    module = getattr(value, "__module__", "") or ""
    return value is not getattr(builtins, name, None) and not str(module).startswith(("IPython", "io", "_io"))


def _is_shell(func: ast.expr) -> bool:
    return (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Call)
        and isinstance(func.value.func, ast.Name)
        and func.value.func.id == "get_ipython"
    )


def _in_words(call: ast.Call) -> set[str]:
    """Give the names in `!cmd $name {expression}` and in the bodies of magics."""
    found: set[str] = set()
    for argument in call.args:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            continue
        for name, expression in _IN_COMMAND.findall(argument.value):
            found.update([name] if name else _WORD.findall(expression))
        with suppress(SyntaxError, ValueError):
            found.update(n.id for n in ast.walk(ast.parse(argument.value)) if isinstance(n, ast.Name))
    return found


@dataclass(frozen=True, slots=True)
class Binding:
    """How a name is bound: `request` is what the runner is told."""

    request: dict[str, Any]

    @property
    def is_value(self) -> bool:
        return "state" in self.request


def binding_of(name: str, value: Any, project: Path) -> Binding:
    """Say how a name is bound where the job runs: modules are imported there, everything else travels."""
    if isinstance(value, types.ModuleType):
        module = value.__name__
        if sys.modules.get(module) is value and module != "__main__":
            file = getattr(value, "__file__", None)
            inside = bool(file) and _is_below(Path(str(file)), project) and not _is_installed(str(file))
            return Binding({"module" if inside else "import": module})
    return Binding({"state": True})


def search_path() -> tuple[str, ...]:
    """Give the folders of sys.path that are not the interpreter's own."""
    found = []
    for entry in sys.path:
        folder = str(Path(entry).absolute()) if entry else str(Path.cwd())
        if not _is_installed(folder + "/") and not folder.endswith(".zip") and Path(folder).is_dir():
            found.append(folder)
    return tuple(dict.fromkeys(found))


def _is_below(path: Path, folder: Path) -> bool:
    with suppress(OSError):
        return path.resolve().is_relative_to(folder.resolve())
    return False


def _is_installed(path: str) -> bool:
    return path.startswith(_interpreter()) or "/site-packages/" in path or "/dist-packages/" in path


@functools.cache
def _interpreter() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in paths}
    found |= {sys.prefix, sys.base_prefix} - {"/", "/usr", "/usr/local", "/opt"}
    with suppress(AttributeError):
        found.update([*site.getsitepackages(), site.getusersitepackages()])
    return tuple(folder.rstrip("/") + "/" for folder in found)
