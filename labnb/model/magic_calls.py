"""IPython's magics as they stand in transformed source: calls on `get_ipython()`.

IPython turns `%cd /tmp` into `get_ipython().run_line_magic('cd', '/tmp')` before Python sees it.
This file reads such calls back, so that the slicer and the exporters understand the same words.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Literal

Form = Literal["line", "cell", "system", "getoutput", "other"]

_FORMS: dict[str, Form] = {
    "run_line_magic": "line",
    "run_cell_magic": "cell",
    "system": "system",
    "getoutput": "getoutput",
}

#: Cell magics that only measure or announce their body: the body is the cell.
WRAPPERS = frozenset({"time", "prun", "labrun", "memit", "mprun", "lprun"})

_NEUTRAL = """
    matplotlib pylab_backend config precision pinfo pinfo2 pdoc psource pfile psearch who whos who_ls history hist
    lsmagic magic quickref page pprint xmode colors pdb debug tb notebook logstart logstop logon logoff logstate
    autoreload automagic autocall autosave recall rerun load pycat ls pwd labruns labshow labjobs labdata
    labcompare labexport labverify pip conda mamba uv tensorboard watermark version_information less more man
"""
#: Line magics that leave nothing behind that a later result could depend on.
NEUTRAL = frozenset(_NEUTRAL.split())
_NEUTRAL_EXTENSIONS = frozenset({"labnb", "autoreload", "tensorboard", "memory_profiler", "watermark"})

_QUIET_COMMANDS = re.compile(
    r"\s*(sudo\s+)?(ls|ll|pwd|cat|head|tail|wc|du|df|free|nvidia-smi|which|whoami|uname|date|hostname|lscpu|tree|file"
    r"|echo|printf|grep|find|git\s+(status|log|diff|show|branch)|python3?\s+(-V|--version)"
    r"|(python3?\s+-m\s+)?pip3?\s+(install|list|show|freeze|check)|(conda|mamba)\s+(install|list|info)"
    r"|apt(-get)?\s+\S+|jupyter\s+\S+)(\s[^>|;&`$]*)?$"
)


@dataclass(frozen=True, slots=True)
class MagicCall:
    """One call of a magic: `%name line`, `%%name line` with a body, `!line`, or `x = !line`."""

    form: Form
    name: str
    line: str
    body: str = ""
    constant: bool = True


def magic_call(node: ast.AST | None) -> MagicCall | None:
    """Read a `get_ipython().…()` expression; None for any other node.

    `constant` is False where the words of the call are computed and cannot be read.
    """
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    base = node.func.value
    if not (isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "get_ipython"):
        return None
    form = _FORMS.get(node.func.attr, "other")
    words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    constant = len(words) == len(node.args) and not node.keywords
    words += ["", "", ""]
    if form in ("system", "getoutput"):
        return MagicCall(form, "", words[0], constant=constant)
    if form == "other":
        return MagicCall(form, node.func.attr, "", constant=False)
    return MagicCall(form, words[0], words[1], words[2], constant)


def is_quiet_command(command: str) -> bool:
    """Tell whether a shell command only shows something (or installs packages, which the environment records)."""
    return _QUIET_COMMANDS.match(command) is not None


def is_neutral(call: MagicCall) -> bool:
    """Tell whether a magic leaves nothing behind that a result could depend on."""
    if call.form == "line":
        return (call.name in NEUTRAL and call.constant) or (
            call.name == "load_ext" and call.line.strip() in _NEUTRAL_EXTENSIONS
        )
    if call.form == "system":
        return call.constant and is_quiet_command(call.line)
    return call.form == "cell" and call.name in {"html", "HTML", "javascript", "js", "latex", "markdown", "svg"}


_LINE_MAGIC = re.compile(r"^(\s*)%(\w+)[ \t]*(.*?)[ \t]*$")
_SYSTEM = re.compile(r"^(\s*)!(.*?)[ \t]*$")
_ASSIGNED = re.compile(r"^(\s*[A-Za-z_][\w, ]*=\s*)([%!])(.*?)[ \t]*$")


def plain_body(body: str) -> str:
    """Translate the one-line magics in the body of a cell magic, which IPython leaves as written."""
    lines = []
    for line in body.split("\n"):
        if match := _ASSIGNED.match(line):
            head, mark, rest = match.groups()
            if mark == "!":
                line = f"{head}get_ipython().getoutput({rest!r})"
            else:
                name, _, words = rest.partition(" ")
                line = f"{head}get_ipython().run_line_magic({name!r}, {words.strip()!r})"
        elif match := _LINE_MAGIC.match(line):
            indent, name, words = match.groups()
            line = f"{indent}get_ipython().run_line_magic({name!r}, {words!r})"
        elif match := _SYSTEM.match(line):
            line = f"{match[1]}get_ipython().system({match[2]!r})"
        lines.append(line)
    return "\n".join(lines)


def wrapped_body(tree: ast.Module) -> str | None:
    """Give the body of a cell that is one `%%time`-like magic, as plain Python; None for other cells."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    call = magic_call(tree.body[0].value)
    if call is None or call.form != "cell" or call.name not in WRAPPERS or not call.constant:
        return None
    return plain_body(call.body)
