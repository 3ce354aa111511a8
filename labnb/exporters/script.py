"""A closure as a script: what the last cell needs of its session, then the cell, runnable with `python`."""

from __future__ import annotations

import ast
import re

from labnb.exporters.script_parts import HELPERS, Part
from labnb.exporters.source_edits import Edit, edited, indented, parse
from labnb.model.closure import Closure, Piece
from labnb.model.magic_calls import MagicCall, is_neutral, magic_call, plain_body

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_RUNNING_LOOP = frozenset(
    {"create_task", "ensure_future", "get_running_loop", "current_task", "all_tasks", "to_thread"}
)
_HEAD = "# Written by labnb: what the last cell needs of its session, then the cell itself.\n"


def to_script(closure: Closure) -> str:
    """Write a closure as a runnable Python script (3.10 and later), with `# %%` between its cells.

    Magics become plain Python where there is a plain form; for others the script makes itself an IPython shell.
    Top-level `await` runs on one event loop. Text that is no Python is kept as a comment.

    Args:
        closure: the pieces, the cell itself as the last of them.
    """
    writer = _Writer()
    body = [writer.piece(piece) for piece in closure.pieces]
    head = _HEAD
    if writer.futures:
        head += "from __future__ import " + ", ".join(sorted(writer.futures)) + "\n"
    parts = [HELPERS[part] for part in Part if part in writer.parts]
    imports = sorted({line for part in parts for line in part.imports})
    if imports:
        head += "\n" + "\n".join(f"import {name}" for name in imports) + "\n"
    for part in parts:
        head += part.code
    return head + "".join(body)


class _Writer:
    def __init__(self) -> None:
        self.parts: set[Part] = set()
        self.futures: set[str] = set()

    def piece(self, piece: Piece) -> str:
        """Write one cell."""
        count = piece.cell.execution_count
        marker = f"\n# %% [{count}]\n" if count is not None else "\n# %%\n"
        return marker + self.code(piece.code).strip("\n") + "\n"

    def code(self, code: str) -> str:
        tree = parse(code)
        if tree is None:
            return "\n".join(f"# {line}".rstrip() for line in code.split("\n"))
        edits: list[Edit] = []
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                self.futures.update(a.name for a in node.names)
                edits.append((node, "pass"))
        code = self.translated(code, tree, edits)
        again = parse(code)
        if again is not None and (any(map(_awaits, again.body))):
            code = self.on_a_loop(code, again)
        return code

    def translated(self, code: str, tree: ast.Module, edits: list[Edit]) -> str:
        """Replace what only IPython understands."""
        taken: set[ast.AST] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and (call := magic_call(node.value)) is not None:
                text = self.statement(call)
                if text is not None:
                    edits.append((node, text))
                    taken.add(node.value)
            elif isinstance(node, ast.Call) and node not in taken and (call := magic_call(node)) is not None:
                text = self.expression(call)
                if text is not None:
                    edits.append((node, text))
                    taken.add(node)
            if isinstance(node, ast.Call) and magic_call(node) is not None and node not in taken:
                self.parts.add(Part.SHELL)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if node.id == "display":
                    self.parts.add(Part.DISPLAY)
                elif node.id == "get_ipython" and not _only_magics(tree):
                    self.parts.add(Part.SHELL)
        return edited(code, edits)

    def statement(self, call: MagicCall) -> str | None:
        """Give the statements that a magic stands for; None where there is no plain form."""
        if not call.constant:
            return self.expression(call)
        if is_neutral(call) and call.form != "system":
            return "pass"
        if call.form == "cell":
            return self.cell_magic(call)
        if call.form == "line":
            return self.line_magic(call)
        return self.expression(call)

    def expression(self, call: MagicCall) -> str | None:
        """Give the expression that a magic stands for."""
        if call.form in ("system", "getoutput") and call.constant:
            self.parts.update((Part.EXPAND, Part.SYSTEM if call.form == "system" else Part.GETOUTPUT))
            return f"_labnb_{call.form}({call.line!r})"
        return None

    def line_magic(self, call: MagicCall) -> str | None:
        words = call.line.strip()
        if call.name == "cd" and words != "-" and not words.startswith("-"):
            self.parts.update((Part.EXPAND, Part.CD))
            return f"_labnb_cd({_unquoted(words) or '~'!r})"
        if call.name in ("env", "set_env"):
            match = re.match(r"(\w+)\s*[=\s]\s*(.*)$", words)
            if match is None:
                return "pass"
            self.parts.update((Part.EXPAND, Part.ENV))
            return f"_labnb_env({match[1]!r}, {match[2]!r})"
        if call.name == "run" and not words.startswith("-"):
            self.parts.add(Part.RUN)
            return f"_labnb_run({words!r})"
        if call.name == "time":
            return self.code(words) if parse(words) is not None else None
        if call.name in ("timeit", "prun", "memit"):
            return "pass"
        return None

    def cell_magic(self, call: MagicCall) -> str | None:
        words = call.line.split()
        if call.name in ("time", "prun", "labrun", "memit") or (call.name == "capture" and not _names(words)):
            body = plain_body(call.body)
            return self.code(body).strip("\n") if parse(body) is not None else None
        if call.name == "timeit":
            return "pass"
        if call.name in ("writefile", "file") and words:
            self.parts.add(Part.WRITE)
            mode = "a" if "-a" in words else "w"
            return f"_labnb_write({words[-1]!r}, {mode!r}, {call.body!r})"
        if call.name in ("bash", "sh") and not words:
            self.parts.add(Part.SCRIPT)
            return f"_labnb_script({call.name!r}, {call.body!r})"
        return None

    def on_a_loop(self, code: str, tree: ast.Module) -> str:
        """Put the statements that await into coroutines, run one after the other on one loop."""
        self.parts.add(Part.LOOP)
        lines = code.split("\n")
        out: list[str] = []
        done = 0
        for node in tree.body:
            first, last = node.lineno, node.end_lineno or node.lineno
            first = min([first, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            if first <= done:  # a second statement on one line
                out.append(self.coroutine(node, ast.unparse(node)) if _awaits(node) else ast.unparse(node))
                continue
            out += lines[done : first - 1]
            shared = any(n is not node and n.lineno <= last and (n.end_lineno or 0) >= first for n in tree.body)
            text = ast.unparse(node) if shared else "\n".join(lines[first - 1 : last])
            out.append(self.coroutine(node, text) if _awaits(node) else text)
            done = last
        return "\n".join([*out, *lines[done:]])

    def coroutine(self, node: ast.stmt, text: str) -> str:
        """Write one statement as a coroutine that binds the module's names."""
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            # A name with an annotation cannot be declared global.
            plain = ast.Assign([node.target], node.value)
            node = ast.fix_missing_locations(ast.copy_location(plain, node))
            text = ast.unparse(node)
        names = sorted(_bound(node))
        declared = f"    global {', '.join(names)}\n" if names else ""
        step = f"async def _labnb_step():\n{declared}{indented(text, node)}"
        return f"{step}\n\n\n_labnb_loop.run_until_complete(_labnb_step())"


def _awaits(node: ast.AST) -> bool:
    """Tell whether a statement needs a running loop in its own scope."""
    stack: list[ast.AST] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if isinstance(current, ast.comprehension) and current.is_async:
            return True
        if isinstance(current, (ast.Attribute, ast.Name)):
            name = current.attr if isinstance(current, ast.Attribute) else current.id
            if name in _RUNNING_LOOP and isinstance(current.ctx, ast.Load):
                return True
        if isinstance(current, _SCOPES):
            stack.extend(getattr(current, "decorator_list", ()))
        else:
            stack.extend(ast.iter_child_nodes(current))
    return False


def _bound(node: ast.AST) -> set[str]:
    """Give the names that a statement binds in its own scope."""
    names: set[str] = set()
    stack: list[ast.AST] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, ast.Name) and not isinstance(current.ctx, ast.Load):
            names.add(current.id)
        elif isinstance(current, (ast.Import, ast.ImportFrom)):
            names.update(a.asname or a.name.split(".")[0] for a in current.names if a.name != "*")
        elif isinstance(current, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and current.name:
            names.add(current.name)
        if isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(current.name)
        elif isinstance(current, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            names.update(n.target.id for n in ast.walk(current) if isinstance(n, ast.NamedExpr))
        elif not isinstance(current, ast.Lambda):
            stack.extend(ast.iter_child_nodes(current))
    return names


def _only_magics(tree: ast.Module) -> bool:
    """Tell whether `get_ipython` stands in magics only."""
    mentions = sum(isinstance(n, ast.Name) and n.id == "get_ipython" for n in ast.walk(tree))
    return mentions == sum(magic_call(n) is not None for n in ast.walk(tree))


def _names(words: list[str]) -> list[str]:
    return [word for word in words if not word.startswith("-")]


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
