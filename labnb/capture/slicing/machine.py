"""The abstract machine: reading, changing and binding, with an account of who needs whom.

One machine interprets the statements of a session one after the other. For each it collects the earlier statements
that it depends on: those that bound the names it reads, and those that last changed the objects it reaches.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterable, Sequence

from labnb.capture.slicing import habits, kinds
from labnb.capture.slicing.scopes import Function
from labnb.capture.slicing.state import ATOM, NOTHING, Binding, Frame, FunctionRef, State, Value, join, join_bindings

#: Calls of the notebook's own functions that are followed within one statement; above, they are taken as a whole.
FUEL = 400
ROUNDS = 6
#: How much of the heap is walked for one statement before it is taken to read and change everything.
STEPS = 12_000


class TooMuch(Exception):
    """A statement is too tangled to be followed."""


class Machine:
    """State and bookkeeping; the expressions, calls and statements are in the classes below this one."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.functions: dict[ast.AST, Function] = {}
        self.begin(-1, frozenset())

    def begin(
        self, number: int, randomness: frozenset[str], bound: frozenset[str] = frozenset(), sole: bool = True
    ) -> None:
        """Start the account of a statement.

        Args:
            number: its place in the session.
            randomness: the global generators that its cell moved.
            bound: names that were seen to be bound by its cell.
            sole: whether no other statement of the cell binds names that its words do not show.
        """
        self.number = number
        self.randomness = randomness
        self.bound = bound
        self.sole = sole
        self.needs: set[int] = set()
        self.reads: set[str] = set()
        self.drawn: set[str] = set()
        self.seeded: set[str] = set()
        self.always = False
        self.binds_unseen = False
        self.frame: int | None = None
        self.weak = 0
        self.maybe = 0
        self.depth = 0
        self.fuel = FUEL
        self.stack: list[Function] = []
        self.active: list[int] = []
        self.recursed: set[Function] = set()
        self.hooked: dict[FunctionRef, tuple[frozenset[int], int]] = {}
        self.version = 0
        self.limit = self.state.steps + STEPS

    # What other rooms of the machine do.

    def value(self, node: ast.expr | None) -> Value:
        """Evaluate an expression."""
        raise NotImplementedError

    def run(self, nodes: Sequence[ast.AST]) -> None:
        """Execute statements."""
        raise NotImplementedError

    def function(self, node: ast.AST) -> Function:
        """Give what is fixed about a function, reading it once."""
        known = self.functions.get(node)
        if known is None:
            frame = self.state.frames.get(self.frame) if self.frame is not None else None
            in_class = frame is not None and frame.function is None and "__class__" in frame.names
            known = self.functions[node] = Function(node, in_class)  # type: ignore[arg-type]
        return known

    # Regions.

    def fresh(self, node: ast.AST | str, kind: str = kinds.UNKNOWN, holds: frozenset[int] = NOTHING) -> Value:
        """Give a value made here."""
        return Value(frozenset((self.state.region((self.number, self.frame, node), kind, holds),)), kind)

    def named_region(self, name: str) -> int:
        """Give a region of the world outside: a module, a generator, a file."""
        return self.state.region(name)

    def touch(self, regions: Iterable[int]) -> None:
        """Read regions with all they reach: whoever changed them last is needed."""
        regions = frozenset(regions)
        if not regions:
            return
        heap = self.state.heap
        for rid in self.state.reach(regions):
            self.needs |= heap[rid].writers
        if self.state.steps > self.limit:
            raise TooMuch

    def write(self, regions: Iterable[int]) -> None:
        """Change regions: this statement needs those that changed them before, and later readers need it."""
        heap, me = self.state.heap, frozenset((self.number,))
        for rid in regions:
            region = heap[rid]
            self.needs |= region.writers
            if region.writers != me:
                heap[rid] = region._replace(writers=me)

    def hold(self, regions: Iterable[int], held: frozenset[int]) -> None:
        """Note that regions may now hold others."""
        if not held:
            return
        for rid in regions:
            self.version += self.state.hold(rid, held)

    def change(self, value: Value, held: frozenset[int] = NOTHING, deep: bool = True, spare: bool = False) -> None:
        """Change what a value stands for, and perhaps let it hold other regions.

        Args:
            value: what is changed.
            held: regions that it may keep hold of.
            deep: whether what it reaches may be changed too.
            spare: whether tables, arrays and boxes of data that it reaches are known to be left alone.
        """
        targets: set[int] = set(value.regions)
        if deep:
            heap = self.state.heap
            disk: set[int] = set()
            for rid in self.state.reach(value.regions):
                kind = heap[rid].kind
                if kind == kinds.DISK:
                    disk.add(rid)
                elif kind not in (kinds.CODE, kinds.CLASS) and not (spare and kind in kinds.PLAIN):
                    targets.add(rid)
            if disk:
                # Who reads a file moves on in it, and leaves the file as it is.
                held_open = [heap[r].holds for r in targets if heap[r].kind != kinds.READER]
                targets |= disk.intersection(frozenset().union(*held_open))
        self.state.steps += len(targets)
        if self.state.steps > self.limit:
            raise TooMuch
        self.write(targets)
        self.hold(targets, held)

    def refs(self, value: Value) -> frozenset[FunctionRef]:
        """Give the notebook's functions that can be reached from a value."""
        return self.state.references(value.regions) if value.regions else frozenset()

    # Names.

    def load(self, name: str) -> Value:
        """Read a name by Python's rules: frames around, then the session, then the builtins."""
        found = self.local(name)
        if found is not None:
            self.touch(found.regions)
            return found
        return self.load_global(name)

    def local(self, name: str) -> Value | None:
        """Read a name from the frames around; None where it is none of theirs."""
        key = self.frame
        first = True
        while key is not None:
            frame = self.state.frames[key]
            is_class = frame.function is None and "__class__" in frame.names
            if (first or not is_class) and name in frame.names and name in frame.values:
                return frame.values[name]
            if name in frame.names and not is_class:
                return Value(frozenset((self.state.region(("unbound", key, name)),)))
            if frame.function is not None and name in frame.function.outer:
                return None
            first = False
            key = frame.parent
        return None

    def load_global(self, name: str) -> Value:
        """Read a name of the session, or a builtin."""
        binding = self.state.env.get(name)
        self.reads.add(name)
        if binding is not None:
            self.needs |= binding.definitions
            if not binding.gone:
                self.touch(binding.value.regions)
                return binding.value
        elif not habits.is_builtin(name) and name != "get_ipython":
            self.needs |= self.state.binders
        if name == "display":
            return Value(NOTHING, "@IPython.display.display")
        if name == "get_ipython":
            return Value(frozenset((self.named_region("ipython"),)), kinds.QUIET)
        if habits.is_builtin(name):
            return Value(NOTHING, f"@builtins.{name}")
        return Value(frozenset((self.state.region(("unseen", name)),)))

    def store(self, name: str, value: Value) -> None:
        """Bind a name where Python would."""
        key = self.frame
        while key is not None:
            frame = self.state.frames[key]
            if name in frame.names:
                old = frame.values.get(name)
                if old is not None and (self.weak or key != self.frame):
                    value = join((old, value))
                if key != self.frame:
                    self.write((self.cells(key),))
                if old != value:
                    self.version += 1
                    frame.values[name] = value
                return
            if frame.function is not None and name in frame.function.outer:
                break
            key = frame.parent
        in_function = self.frame is not None
        self.store_global(name, value, weak=bool(self.weak or (in_function and self.maybe)))

    def cells(self, frame: int) -> int:
        """Give the region of the variables that a frame shares with the functions that are made in it."""
        return self.state.region(("cells", frame), kinds.CELLS)

    def store_global(self, name: str, value: Value, weak: bool = False) -> None:
        """Bind a name of the session; a weak binding may not have happened."""
        definitions = frozenset((self.number,))
        old = self.state.env.get(name)
        if weak and old is not None:
            definitions |= old.definitions
            value = value if old.gone else join((old.value, value))
        binding = Binding(definitions, value)
        if binding != old:
            self.version += 1
            self.state.env[name] = binding

    def delete(self, name: str) -> None:
        """Unbind a name."""
        key = self.frame
        if key is not None and name in self.state.frames[key].names:
            return
        old = self.state.env.get(name)
        self.load_global(name)
        if self.weak and old is not None:
            self.state.env[name] = old._replace(definitions=old.definitions | {self.number})
        else:
            self.state.env[name] = Binding(frozenset((self.number,)), ATOM, gone=True)

    # Paths through the code.

    def branches(self, *paths: Callable[[], None]) -> None:
        """Follow several paths of which one is taken."""
        frame = self.state.frames[self.frame] if self.frame is not None else None
        start_env = self.state.env
        start_values = frame.values if frame else {}
        self.maybe += 1
        envs, values = [], []
        for path in paths:
            if frame:
                frame.values = dict(start_values)
            else:
                self.state.env = dict(start_env)
            path()
            envs.append(self.state.env)
            values.append(frame.values if frame else {})
        self.maybe -= 1
        if frame:
            merged = values[0]
            for other in values[1:]:
                merged = {
                    n: join(v for v in (merged.get(n), other.get(n)) if v is not None) for n in {**merged, **other}
                }
            frame.values = merged
        else:
            env = envs[0]
            for after in envs[1:]:
                env = join_bindings(env, after)
            self.state.env = env

    def loosely(self, path: Callable[[], None], again: bool = False) -> None:
        """Follow a path that may stop anywhere or not be taken; `again` until nothing new is learned."""
        self.weak += 1
        self.maybe += 1
        for _ in range(ROUNDS if again else 1):
            before = self.version
            path()
            if self.version == before:
                break
        self.weak -= 1
        self.maybe -= 1

    def within(self, key: Hashable, names: set[str], function: Function | None, parent: int | None) -> int:
        """Make the frame of a call, a class body or a comprehension; the same for the same place."""
        number = self.state.number(key)
        if number not in self.state.frames:
            self.state.frames[number] = Frame(parent, names, function)
        return number
