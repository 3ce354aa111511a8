"""Calls of libraries and of their objects, after what is known of them."""

from __future__ import annotations

import ast
import sys

from labnb.capture.slicing import file_habits, habits, kinds
from labnb.capture.slicing.objects import Objects
from labnb.capture.slicing.outside import GENERATORS
from labnb.capture.slicing.state import ATOM, NOTHING, Value
from labnb.capture.slicing.unseen import Arguments

_USED_UP = (kinds.ITERATOR, kinds.FILE, kinds.RNG)
_OPENS = frozenset({"builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open", "sqlite3.connect"})


class Libraries(Objects):
    """What libraries do."""

    def library(self, path: str, args: Arguments, node: ast.AST, callee: Value) -> Value:
        """Call a function or a class of a library, by its dotted path."""
        if path in habits.WORLD:
            return self.hidden_code(path, args, node)
        if callee.regions:
            # What the notebook put into the library (`np.mean = …`) runs with it.
            self.callbacks([Value(callee.regions)], every=True, node=node)
        self.settings(path, callee)
        first = args.positional[0] if args.positional else None
        if path in habits.IDENTITIES:
            return first if first is not None else Value(callee.regions, f"@{path}")
        opened = self.library_files(path, args)
        if path == "builtins.super":
            return self.parent_of_self()
        if path == "builtins.type" and first is not None and len(args.all()) == 1:
            reached = self.state.reach(first.regions)
            return Value(frozenset(r for r in reached if self.state.heap[r].kind == kinds.CLASS))
        if not kinds.is_known(path):
            result = self.unknown(args, node, Value(callee.regions), foreign=True)
            return result._replace(kind=kinds.kind_of_type(path) if path.rsplit(".", 1)[-1][:1].isupper() else "")
        loose = kinds.root_of(path) in habits.LOOSE_ROOTS or habits.in_place(args.flags, args.off)
        self.callbacks(args.all(), every=loose or kinds.root_of(path) not in habits.SHY_ROOTS, node=node)
        if not habits.is_calm(path):
            self.draw(self.randomness)
        if habits.changes_first(path) and first is not None:
            return self.change_first(path, first, args, node)
        self.use_up(path, args, node, loose)
        return self.result(path, args, node, callee, opened)

    def settings(self, path: str, callee: Value) -> None:
        """Note what a call sets for the whole process, seeds included."""
        generators = habits.seeds(path)
        if generators:
            self.seed(generators)
        elif habits.seeds_some(path):
            self.always = True
            self.draw(GENERATORS)
        elif habits.is_setting(path) and not (self.depth and kinds.root_of(path) in kinds.LOOKS):
            self.always = True
            self.write(callee.regions)
        if not generators:
            self.draw(habits.draws(path))
        if path in ("os.chdir", "os.fchdir"):
            self.state.moved = True

    def change_first(self, path: str, first: Value, args: Arguments, node: ast.AST) -> Value:
        """Call a function that changes its first argument."""
        held = frozenset().union(*(v.regions for v in args.all()[1:])) if len(args.all()) > 1 else NOTHING
        self.hooks(first, node, every=True)
        if first.kind.startswith("@"):
            self.always = self.always or path != "importlib.reload"
            self.files(None, read=True)
        self.change(first, held, deep=path in ("builtins.next", "importlib.reload"))
        kind = first.kind if first.kind.startswith("@") else ""
        return Value(self.state.reach(first.regions) | args.regions, kind)

    def use_up(self, path: str, args: Arguments, node: ast.AST, loose: bool) -> None:
        """Change the arguments that a call of a known function changes."""
        if path in habits.CONSUMERS:
            for value in args.all():
                self.consume(value, node)
        kept = path in habits.LAZY or path.startswith("builtins.print")
        for value in args.positional[habits.first_out(path) :]:
            self.change(value, args.regions - value.regions)
        for name, value in [*enumerate(args.positional), *args.keywords.items(), *enumerate(args.rest)]:
            if value.kind == kinds.FILE:
                self.change(value)
            elif not kept and (value.kind in _USED_UP or name == "out" or (loose and value.kind != kinds.ATOM)):
                self.change(value, args.regions - value.regions)

    def result(self, path: str, args: Arguments, node: ast.AST, callee: Value, opened: int | None) -> Value:
        """Give what a call of a known function gives."""
        if path == "os.path.join":
            return Value(NOTHING, kinds.ATOM, self.joined_path(args))
        if habits.is_atomic(path):
            return ATOM
        if path in ("pathlib.Path", "pathlib.PurePath"):
            return Value(NOTHING, kinds.PATH, self.joined_path(args))
        if path in habits.BOXES:
            if not args.all():
                return self.fresh(node, kinds.LITERAL)._replace(kind=kinds.BOX)
            return self.box_made(path, args, node)
        if path in habits.WALKS and args.positional:
            made = self.fresh(node, kinds.ITERATOR, args.regions)
            (rid,) = made.regions
            self.state.sources[rid] = habits.WALKS[path], tuple(args.positional)
            return made
        holds = NOTHING if habits.is_fresh(path) else args.regions
        if opened is not None:
            holds |= {opened}
        kind = kinds.FILE if path in _OPENS else habits.result_kind(path)
        if kind == kinds.ESTIMATOR and path.rsplit(".", 1)[-1] in habits.CLONERS:
            return self.fresh(node, kinds.CLONER, holds)._replace(kind=kind)
        result = self.handle(node, opened) if kind == kinds.FILE else self.fresh(node, kind, holds)
        if habits.is_view(path):
            result = result._replace(regions=result.regions | args.regions)
        in_stdlib = kinds.root_of(path) in sys.stdlib_module_names
        if in_stdlib and path.rsplit(".", 1)[-1].startswith("get") and not args.all():
            # decimal.getcontext() and its like give a piece of the module's own state.
            return result._replace(regions=result.regions | callee.regions)
        return result

    def box_made(self, path: str, args: Arguments, node: ast.AST) -> Value:
        """Make a list, a dict or the like of what is given: its elements are those of what is given."""
        if path not in habits.PLAIN_BOXES:
            return self.fresh(node, kinds.BOX, args.regions | self.elements_of(args))
        held = self.elements_of(Arguments(args.positional, {}, args.rest))
        if path in ("builtins.dict", "collections.OrderedDict"):
            # A mapping, or pairs.
            inner = self.elements(Value(held)).regions
            held |= inner | frozenset().union(*(v.regions for v in args.keywords.values()), NOTHING)
        return self.fresh(node, kinds.LITERAL, held)._replace(kind=kinds.BOX)

    def parent_of_self(self) -> Value:
        """Evaluate `super()`."""
        key = self.frame
        while key is not None:
            frame = self.state.frames[key]
            if frame.function is not None and frame.function.positional:
                me = frame.values.get(frame.function.positional[0], ATOM)
                return Value(me.regions, kinds.SUPER)
            key = frame.parent
        return ATOM

    def hidden_code(self, path: str, args: Arguments, node: ast.AST) -> Value:
        """Call `exec`, `eval`, `globals` and the like."""
        first = args.positional[0] if args.positional else None
        if path == "builtins.vars" and first is not None:
            return Value(frozenset(self.state.reach(first.regions)))
        if path == "builtins.__import__":
            return Value(NOTHING, f"@{first.text}") if first is not None and first.text else self.fresh(node)
        if path == "builtins.locals" and self.depth:
            frame = self.state.frames.get(self.frame or -1)
            values = frame.values.values() if frame else ()
            return self.fresh(node, holds=frozenset().union(*(v.regions for v in values)) if values else NOTHING)
        if path in ("builtins.exec", "builtins.eval") and first is not None and first.text and len(args.all()) == 1:
            try:
                tree = ast.parse(first.text)
            except (SyntaxError, ValueError):
                return ATOM
            if path == "builtins.eval" and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
                return self.value(tree.body[0].value)
            self.run(tree.body)
            return ATOM
        self.world()
        return self.fresh(node, holds=frozenset().union(*(b.value.regions for b in self.state.env.values()), NOTHING))

    # Files.

    def library_files(self, path: str, args: Arguments) -> int | None:
        """Note which files a library's function reads or writes; give the region of a file that it opens."""
        root, last = kinds.root_of(path), path.rsplit(".", 1)[-1]
        if root == "subprocess" or path in ("os.system", "os.popen", "runpy.run_path", "os.remove"):
            command = args.positional[0].text if args.positional else None
            self.files(command if path == "os.remove" else None, write=True)
            return None
        if path.startswith(("sklearn.datasets.", "seaborn.", "json.loads", "pickle.loads")) or not kinds.is_known(path):
            return None
        if root in ("builtins", "copy", "operator", "re", "dataclasses", "functools", "itertools") and last != "open":
            return None
        named, text = self.path_of(args)
        if last in file_habits.OPENERS:
            text = args.positional[0].text if args.positional else text
            if path == "sqlite3.connect" and text in (":memory:", ""):
                return None
            default, place = file_habits.OPENERS[last]
            mode = args.positional[place].text if len(args.positional) > place else default
            if "mode" in args.keywords:
                mode = args.keywords["mode"].text
            mode = mode or "r+"
            writes = any(c in mode for c in "wax+")
            return self.files(text, read="w" not in mode, write=writes, whole=mode.startswith("w"))
        if last in file_habits.READ_FILE or (last.startswith("read_") and root != "builtins"):
            return self.files(text) if named or not args.all() or last in ("listdir", "walk") else None
        if last in file_habits.WRITE_FILE and args.all():
            holders = [v for v in args.all() if v.kind == kinds.FILE]
            if holders:
                return None
            if (
                last in ("copy", "copy2", "copyfile", "copytree", "move", "rename", "replace")
                and len(args.positional) > 1
            ):
                self.files(args.positional[0].text, write=last in ("move", "rename", "replace"))
                return self.files(args.positional[1].text, write=True)
            return self.files(text, write=True, whole=last in file_habits.WHOLE_FILE)
        return None
