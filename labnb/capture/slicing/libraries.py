"""Calls of libraries and of their objects, after what is known of them."""

from __future__ import annotations

import ast
import os.path
import sys

from labnb.capture.slicing import habits, kinds
from labnb.capture.slicing.calls import Arguments, Calls
from labnb.capture.slicing.outside import GENERATORS
from labnb.capture.slicing.state import ATOM, NOTHING, Value

_USED_UP = (kinds.ITERATOR, kinds.FILE, kinds.RNG)
_PUT_ONE = frozenset(
    {"append", "appendleft", "add", "insert", "setdefault", "put", "put_nowait", "push", "pop", "remove"}
)
_OPENS = frozenset({"builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open", "sqlite3.connect"})
_KNOWN_KINDS = frozenset(
    {
        kinds.PANDAS,
        kinds.ARRAY,
        kinds.DATA,
        kinds.ESTIMATOR,
        kinds.BOX,
        kinds.EAGER,
        kinds.PLOT,
        kinds.QUIET,
        kinds.PATH,
        kinds.ATOM,
    }
)


class Libraries(Calls):
    """What libraries do."""

    def elements(self, value: Value) -> Value:
        """Give what the elements of a value may be."""
        raise NotImplementedError

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

    def handle(self, node: ast.AST, opened: int | None) -> Value:
        """Give an open file."""
        if opened is None:
            return self.fresh(node, kinds.FILE)
        reads = self.number not in self.state.heap[opened].writers
        made = self.fresh(node, kinds.READER if reads else kinds.FILE, frozenset((opened,)))
        return made._replace(kind=kinds.FILE)

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

    def joined_path(self, args: Arguments) -> str | None:
        """Join the texts of a path as far as they are known."""
        parts = [v.text if v.text is not None else "\0" for v in args.positional]
        return os.path.join(*parts) if parts and parts != ["\0"] else None

    def path_of(self, args: Arguments) -> tuple[bool, str | None]:
        """Find the argument that names a file: whether there is one that may, and its text."""
        texts = [v.text for v in args.all() if v.text is not None and v.kind in (kinds.ATOM, kinds.PATH)]
        if texts:
            return True, texts[0]
        return any(v.kind not in (kinds.FILE, kinds.PANDAS, kinds.ARRAY) for v in args.all()), None

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
        if last in habits.OPENERS:
            text = args.positional[0].text if args.positional else text
            if path == "sqlite3.connect" and text in (":memory:", ""):
                return None
            default, place = habits.OPENERS[last]
            mode = args.positional[place].text if len(args.positional) > place else default
            if "mode" in args.keywords:
                mode = args.keywords["mode"].text
            mode = mode or "r+"
            writes = any(c in mode for c in "wax+")
            return self.files(text, read="w" not in mode, write=writes, whole=mode.startswith("w"))
        if last in habits.READ_FILE or (last.startswith("read_") and root != "builtins"):
            return self.files(text) if named or not args.all() or last in ("listdir", "walk") else None
        if last in habits.WRITE_FILE and args.all():
            holders = [v for v in args.all() if v.kind == kinds.FILE]
            if holders:
                return None
            if (
                last in ("copy", "copy2", "copyfile", "copytree", "move", "rename", "replace")
                and len(args.positional) > 1
            ):
                self.files(args.positional[0].text, write=last in ("move", "rename", "replace"))
                return self.files(args.positional[1].text, write=True)
            return self.files(text, write=True, whole=last in habits.WHOLE_FILE)
        return None

    def method_files(self, base: Value, name: str, args: Arguments) -> int | None:
        """Note which files a method reads or writes."""
        if base.kind == kinds.PATH:
            if name == "open":
                mode = args.positional[0].text if args.positional else "r"
                writes = any(c in (mode or "r+") for c in "wax+")
                return self.files(base.text, read=not writes, write=writes, whole=(mode or "").startswith("w"))
            if name in habits.WRITE_FILE:
                return self.files(base.text, write=True, whole=name in habits.WHOLE_FILE)
            return self.files(base.text) if name in habits.READ_FILE else None
        if base.kind in (kinds.ATOM, kinds.BOX, kinds.EAGER, kinds.FILE) or not args.all():
            return None
        if base.kind in (kinds.PANDAS, kinds.ARRAY) and name in habits.OFTEN_ELSE:
            return None
        named, text = self.path_of(args)
        if name in habits.WRITE_FILE and named and not any(v.kind == kinds.FILE for v in args.all()):
            if name in habits.OFTEN_ELSE and text is None and base.kind not in (kinds.FOREIGN, kinds.ESTIMATOR):
                return None
            return self.files(text, write=True, whole=name in habits.WHOLE_FILE)
        if name in habits.READ_FILE and text is not None:
            return self.files(text)
        return None

    # Objects.

    def object_method(self, base: Value, name: str, args: Arguments, node: ast.AST) -> Value:
        """Call a method of an object that is not of the notebook's own classes."""
        if not base.regions and base.kind == "":
            base = base._replace(kind=kinds.ATOM)  # there is nothing that could be changed
        kind = base.kind
        opened = self.method_files(base, name, args)
        if kind in _KNOWN_KINDS:
            return self.known_method(base, name, args, node, opened)
        if kind == kinds.RNG:
            self.change(base, deep=False)
            if name in ("shuffle", "permuted"):
                for value in args.all():
                    self.change(value, deep=False)
            return self.fresh(node, holds=args.regions | self.elements_of(args))
        if kind == kinds.FILE and name in ("read", "readline", "readlines", "read1", "getvalue"):
            self.change(base)
            return self.fresh(node, kinds.BOX) if name == "readlines" else ATOM
        if kind in ("", kinds.ITERATOR) and name in kinds.SURE_READS:
            self.callbacks(args.all(), every=False, node=node)
            self.hooks(base, node)
            return self.fresh(node, holds=frozenset(self.state.reach(base.regions)) | args.regions)
        if kind == "" and name in kinds.CONTAINER_CHANGES:
            for value in args.all():
                if value.kind == kinds.ITERATOR:
                    self.consume(value, node)
            self.hooks(base, node)
            self.change(base, self.put_in(name, args))
            return Value(frozenset(self.state.reach(base.regions)) | args.regions)
        result = self.unknown(args, node, base, foreign=kind == kinds.FOREIGN)
        return result._replace(kind=kind if kind == kinds.FOREIGN else "")

    def put_in(self, name: str, args: Arguments) -> frozenset[int]:
        """Give what a method puts into a box: what it is given, or the elements of that."""
        return args.regions if name in _PUT_ONE else args.regions | self.elements_of(args)

    def elements_of(self, args: Arguments) -> frozenset[int]:
        """Give what the elements of the arguments may be."""
        return frozenset().union(*(self.elements(v).regions for v in args.all() if v.regions), NOTHING)

    def known_method(self, base: Value, name: str, args: Arguments, node: ast.AST, opened: int | None) -> Value:
        """Call a method of an object whose kind is known."""
        kind = base.kind
        runs = kind == kinds.ESTIMATOR
        self.callbacks([base, *args.all()] if runs else args.all(), every=runs, node=node)
        if kind in (kinds.ESTIMATOR, kinds.DATA) or name in ("sample", "rvs"):
            self.draw(self.randomness)
        for key, value in [*enumerate(args.all()), *args.keywords.items()]:
            if value.kind in _USED_UP or key == "out":
                self.change(value)
        if kind == kinds.ATOM:
            for value in args.all():
                self.consume(value, node)
            return self.fresh(node, kinds.BOX) if name in ("split", "rsplit", "splitlines", "partition") else ATOM
        if kind == kinds.PATH:
            return self.path_method(base, name, args, node, opened)
        if kind in (kinds.BOX, kinds.EAGER):
            return self.box_method(base, name, args, node)
        if kinds.changes(kind, name, args.flags):
            own = name.startswith("fit") and all(self.state.heap[r].kind == kinds.CLONER for r in base.regions)
            self.change(base, args.regions, deep=not own, spare=kind in (kinds.ESTIMATOR, kinds.PLOT))
        result = kinds.method_result_kind(kind, name)
        if kind == kinds.ESTIMATOR and result == kinds.ESTIMATOR:
            return base
        copied = (
            not habits.in_place(args.flags, args.off)
            and kind in (kinds.PANDAS, kinds.ARRAY, kinds.DATA)
            and name in kinds.COPIES
        )
        if (copied and not self.refs(Value(args.regions))) or (kind == kinds.ESTIMATOR and result == kinds.DATA):
            return self.fresh(node, result)
        made = self.fresh(node, result, self.state.reach(base.regions) | args.regions)
        return made if kind in (kinds.PLOT, kinds.QUIET) else made._replace(regions=made.regions | base.regions)

    def path_method(self, base: Value, name: str, args: Arguments, node: ast.AST, opened: int | None) -> Value:
        """Call a method of a path."""
        if name == "joinpath":
            return Value(NOTHING, kinds.PATH, self.joined_path(args.after(base)))
        if name in ("resolve", "absolute", "expanduser"):
            return base
        if name in ("with_suffix", "with_name", "with_stem"):
            return Value(NOTHING, kinds.PATH)
        if name == "open":
            return self.handle(node, opened)
        return self.fresh(node, kinds.ITERATOR) if name in ("glob", "iterdir", "rglob") else ATOM

    def box_method(self, base: Value, name: str, args: Arguments, node: ast.AST) -> Value:
        """Call a method of a list, dict, set or their like."""
        if kinds.changes(base.kind, name, args.flags):
            if name in ("extend", "update", "extendleft"):
                for value in args.all():
                    self.consume(value, node)
            self.change(base, self.put_in(name, args), deep=False)
        if base.kind == kinds.BOX and name in ("values", "keys"):
            return base
        if base.kind == kinds.BOX and name in ("items", "popitem"):
            pair = self.fresh(f"pair of {name}", kinds.LITERAL, self.elements(base).regions)._replace(kind=kinds.BOX)
            if name == "popitem":
                return pair
            outer = self.fresh(node, kinds.LITERAL, pair.regions)
            # A view: what is put into the dict later is seen through it.
            return Value(outer.regions | base.regions, kinds.BOX)
        if name in ("copy", "union", "intersection", "difference", "items", "values", "keys", "popitem"):
            return self.fresh(node, kinds.BOX, self.state.reach(base.regions) | args.regions)
        inner = self.elements(base)
        return Value(inner.regions | args.regions, inner.kind if not args.regions else "")
