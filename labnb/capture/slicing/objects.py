"""Methods of objects that are not of the notebook's own classes, after what is known of their kinds."""

from __future__ import annotations

import ast
import os.path

from labnb.capture.slicing import file_habits, habits, kinds
from labnb.capture.slicing.calls import Calls
from labnb.capture.slicing.state import ATOM, NOTHING, Value
from labnb.capture.slicing.unseen import Arguments

_USED_UP = (kinds.ITERATOR, kinds.FILE, kinds.RNG)
_PUT_ONE = frozenset(
    {"append", "appendleft", "add", "insert", "setdefault", "put", "put_nowait", "push", "pop", "remove"}
)
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


class Objects(Calls):
    """What the methods of objects do."""

    def elements(self, value: Value) -> Value:
        """Give what the elements of a value may be."""
        raise NotImplementedError

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

    # Files.

    def handle(self, node: ast.AST, opened: int | None) -> Value:
        """Give an open file."""
        if opened is None:
            return self.fresh(node, kinds.FILE)
        reads = self.number not in self.state.heap[opened].writers
        made = self.fresh(node, kinds.READER if reads else kinds.FILE, frozenset((opened,)))
        return made._replace(kind=kinds.FILE)

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

    def method_files(self, base: Value, name: str, args: Arguments) -> int | None:
        """Note which files a method reads or writes."""
        if base.kind == kinds.PATH:
            if name == "open":
                mode = args.positional[0].text if args.positional else "r"
                writes = any(c in (mode or "r+") for c in "wax+")
                return self.files(base.text, read=not writes, write=writes, whole=(mode or "").startswith("w"))
            if name in file_habits.WRITE_FILE:
                return self.files(base.text, write=True, whole=name in file_habits.WHOLE_FILE)
            return self.files(base.text) if name in file_habits.READ_FILE else None
        if base.kind in (kinds.ATOM, kinds.BOX, kinds.EAGER, kinds.FILE) or not args.all():
            return None
        if base.kind in (kinds.PANDAS, kinds.ARRAY) and name in file_habits.OFTEN_ELSE:
            return None
        named, text = self.path_of(args)
        if name in file_habits.WRITE_FILE and named and not any(v.kind == kinds.FILE for v in args.all()):
            if name in file_habits.OFTEN_ELSE and text is None and base.kind not in (kinds.FOREIGN, kinds.ESTIMATOR):
                return None
            return self.files(text, write=True, whole=name in file_habits.WHOLE_FILE)
        if name in file_habits.READ_FILE and text is not None:
            return self.files(text)
        return None
