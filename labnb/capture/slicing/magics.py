"""Magics: `%cd`, `%run`, `!command`, `%%timeit` and those that nothing is known of."""

from __future__ import annotations

import ast
import re

from labnb.capture.slicing import kinds
from labnb.capture.slicing.expressions import Expressions
from labnb.capture.slicing.scopes import stored_names
from labnb.capture.slicing.state import ATOM, Value
from labnb.model.magic_calls import MagicCall, is_neutral, is_quiet_command, plain_body

_WORD = re.compile(r"[A-Za-z_]\w*")
_INSERTED = re.compile(r"\{([^{}]*)\}|\$(\w+)")
_REDIRECT = re.compile(
    r"\s*(echo|printf|cat|head|tail|seq|ls|sort|grep|wc|cut|uniq)\b[^|;&<>`$(]*(>>?)\s*([^\s|;&<>]+)\s*$"
)
_OPTIONS = re.compile(r"^(\s*-\w+(\s+\d+)?)*\s*")


class Magics(Expressions):
    """What magics do."""

    def magic(self, call: MagicCall, node: ast.AST) -> Value:
        """Run a magic."""
        shell = self.named_region("ipython")
        if call.form in ("system", "getoutput"):
            return self.command(call, node)
        if is_neutral(call):
            return ATOM
        if call.form == "line" and call.name in ("cd", "env", "set_env", "pushd", "popd"):
            self.always = True
            self.mentioned(call.line)
            self.state.moved = self.state.moved or call.name in ("cd", "pushd", "popd")
            return ATOM
        if call.name in ("time", "timeit", "prun", "capture", "memit") and call.constant:
            return self.timed(call, node)
        if call.name in ("load_ext", "reload_ext", "autoreload", "alias", "alias_magic", "run_cell_magic"):
            self.write((shell,))
            return ATOM
        self.touch((shell,))
        if call.name in ("writefile", "file"):
            words = call.line.split()
            self.files(words[-1].strip("'\"") if words else None, write=True, whole="-a" not in words)
            return ATOM
        if call.name in ("bash", "sh", "script", "system", "sx", "!", "perl", "ruby"):
            self.mentioned(call.line)
            self.files(None, write=True)
            return self.fresh(node, kinds.BOX)
        if call.name == "run":
            self.files(None, write=True)
            self.draw(self.randomness)
            self.binds_unseen = True
            if " -i" in f" {call.line}":
                self.world()
            return ATOM
        if call.name in ("reset", "reset_selective", "xdel"):
            return ATOM
        # Nothing is known of it: it may read and change the names that it mentions, and bind others.
        for name in sorted(set(_WORD.findall(f"{call.line}\n{call.body}")) & set(self.state.env)):
            self.change(self.load_global(name))
        self.files(None, write=True)
        self.draw(self.randomness)
        self.binds_unseen = True
        return self.fresh(node)

    def command(self, call: MagicCall, node: ast.AST) -> Value:
        """Run a shell command."""
        self.mentioned(call.line)
        if not call.constant or not is_quiet_command(call.line):
            redirect = _REDIRECT.match(call.line)
            self.files(None, read=True)
            if redirect and "{" not in redirect[3]:
                self.files(redirect[3], write=True, whole=redirect[2] == ">")
            else:
                self.files(None, write=True)
        else:
            self.files(None, read=call.form == "getoutput")
        return self.fresh(node, kinds.BOX) if call.form == "getoutput" else ATOM

    def mentioned(self, line: str) -> None:
        """Read the names that a line inserts: `{name}`, `$name`."""
        for braces, dollar in _INSERTED.findall(line):
            for name in _WORD.findall(braces or dollar):
                if name in self.state.env:
                    self.load_global(name)

    def timed(self, call: MagicCall, node: ast.AST) -> Value:
        """Run code that a magic was given."""
        text = call.body if call.form == "cell" else _OPTIONS.sub("", call.line)
        try:
            nodes = ast.parse(plain_body(text)).body
        except (SyntaxError, ValueError):
            self.world()
            return ATOM
        if call.name in ("timeit", "memit"):
            # Its names are its own, and it runs its code many times.
            outer = self.frame
            self.frame = self.within(("timeit", self.number, outer, node), stored_names(nodes), None, outer)
            self.loosely(lambda: self.run(nodes), again=True)
            self.frame = outer
            return self.fresh(node)
        self.run(nodes)
        if call.name == "capture":
            for word in call.line.split():
                if not word.startswith("-"):
                    self.store(word, self.fresh(node, kinds.QUIET))
        last = nodes[-1] if nodes else None
        return self.value(last.value) if isinstance(last, ast.Expr) else ATOM
