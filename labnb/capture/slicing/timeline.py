"""A session as a line of statements, each with those that it depends on."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

from labnb.capture.slicing import kinds
from labnb.capture.slicing.machine import TooMuch
from labnb.capture.slicing.outside import OUTPUT
from labnb.capture.slicing.source import Statement, ran, statements_of
from labnb.capture.slicing.state import ATOM, NOTHING, Binding, State, Value, join
from labnb.capture.slicing.statements import Statements
from labnb.model.cell import ExecutedCell

_UNSEEN_BINDERS = frozenset({"exec", "eval", "globals", "locals", "vars", "get_ipython"})


class Node(NamedTuple):
    """One executed statement.

    `needs` are the places in the session of the statements that it depends on, `outputs` the places whose displayed
    values it reads by the names that IPython gives them (`_`, `_3`).
    """

    cell: int
    statement: Statement
    needs: frozenset[int]
    always: bool
    drawn: frozenset[str]
    outputs: frozenset[tuple[int, str]]


class Timeline:
    """The statements of a session in the order in which they ran.

    The forward half of the slicer: an abstract interpretation that says which statements may have bound the
    names and changed the objects that a statement uses.
    """

    def __init__(self) -> None:
        self.cells: list[ExecutedCell] = []
        self.nodes: list[Node] = []
        self.machine = Statements(State())
        self.stumbled: list[str] = []
        self._displayed: list[tuple[int, Value]] = []

    @property
    def state(self) -> State:
        """What is known of the session now."""
        return self.machine.state

    def copy(self) -> Timeline:
        """Copy it, so that a look ahead leaves no trace."""
        twin = Timeline()
        twin.cells = list(self.cells)
        twin.nodes = list(self.nodes)
        twin.machine = Statements(self.state.copy())
        twin.machine.functions = self.machine.functions
        twin._displayed = list(self._displayed)
        return twin

    def extend(self, cell: ExecutedCell, whole: bool = False) -> None:
        """Follow one more execution.

        Args:
            cell: what was executed.
            whole: follow all its statements, also those after the line at which it failed.
        """
        place = len(self.cells)
        self.cells.append(cell)
        statements = tuple((s, False) for s in statements_of(cell.python)) if whole else ran(cell)
        start = len(self.nodes)
        stored = frozenset().union(*(s.stores for s, _ in statements), frozenset())
        last = {name: i for i, (s, _) in enumerate(statements) for name in s.stores}
        sole = sum(_binds_unseen(s) for s, _ in statements) <= 1
        for i, (statement, guarded) in enumerate(statements):
            number = len(self.nodes)
            # Names that the cell's words bind may have been bound by a star import before that.
            self.machine.begin(number, cell.randomness, cell.bound, sole)
            value = self._follow(statement, guarded)
            if self.machine.binds_unseen:
                self._bind_unseen(number, cell, cell.bound - stored, weak=not sole)
            self.machine.needs.discard(number)
            self.nodes.append(self._node(place, statement))
            for name in sorted(statement.stores | cell.bound):
                if last.get(name, i) == i and name in cell.kinds:
                    self._know_kind(name, cell.kinds[name])
            if i == len(statements) - 1 and isinstance(statement.node, ast.Expr) and not statement.neutral:
                self._display(number, value, cell)
        self._attribute_rest(start, cell)

    def _follow(self, statement: Statement, guarded: bool) -> Value:
        machine = self.machine
        env = dict(self.state.env)
        try:
            if guarded:
                machine.loosely(lambda: machine.run([statement.node]))
            elif isinstance(statement.node, ast.Expr):
                value = machine.value(statement.node.value)
                machine.hooks(value, statement.node)
                return value
            else:
                machine.run([statement.node])
        except TooMuch:
            self._give_up(statement, env)
        except Exception as error:  # noqa: BLE001 - a fault here must not cost the researcher the record
            self.stumbled.append(f"{type(error).__name__}: {error}: {statement.code}")
            self._give_up(statement, env)
        return ATOM

    def _give_up(self, statement: Statement, env: dict[str, Binding]) -> None:
        """Take a statement to read and change everything: better a slice that is too large than none."""
        machine = self.machine
        self.state.env = env
        # What was found before is kept: regions that were written no longer know who wrote them before.
        needs, always, drawn = machine.needs, machine.always, machine.drawn
        machine.begin(machine.number, machine.randomness, machine.bound, machine.sole)
        machine.needs, machine.always, machine.drawn = needs, always, drawn
        machine.limit *= 1000
        machine.world()
        outer = frozenset().union(*(f.outer for f in machine.functions.values()), statement.stores)
        held = frozenset().union(*(b.value.regions for b in env.values()), frozenset())
        for name in sorted(outer):
            machine.store_global(name, machine.fresh(statement.node, holds=held), weak=True)

    def _node(self, place: int, statement: Statement) -> Node:
        machine = self.machine
        outputs = {
            (d, name)
            for name in machine.reads
            if OUTPUT.fullmatch(name) and name in self.state.env
            for d in self.state.env[name].definitions & machine.needs
            if isinstance(self.nodes[d].statement.node, ast.Expr)
        }
        return Node(
            place, statement, frozenset(machine.needs), machine.always, frozenset(machine.drawn), frozenset(outputs)
        )

    def _bind_unseen(self, number: int, cell: ExecutedCell, names: Iterable[str], weak: bool) -> None:
        """Bind what code that cannot be seen was seen to bind."""
        state = self.state
        state.binders |= {number}
        for name in sorted(names):
            binding = state.env.get(name)
            if OUTPUT.fullmatch(name) or (binding is not None and number in binding.definitions):
                continue
            value = Value(frozenset((state.region(("unseen", number)),)))
            self.machine.store_global(name, value, weak=weak)
            if name in cell.kinds:
                self._know_kind(name, cell.kinds[name])

    def _attribute_rest(self, start: int, cell: ExecutedCell) -> None:
        """Account for names and draws that were seen but that no statement explains: any call may be the cause."""
        mine = range(start, len(self.nodes))
        callers = frozenset(i for i in mine if self.nodes[i].statement.has_call) or frozenset(mine)
        if not callers:
            return
        state = self.state
        for name in sorted(cell.bound):
            binding = state.env.get(name)
            if OUTPUT.fullmatch(name) or (binding is not None and any(d in mine for d in binding.definitions)):
                continue
            value = Value(frozenset((state.region(("unseen", start, name)),)))
            old = binding.definitions if binding is not None else NOTHING
            state.env[name] = Binding(old | callers, join((binding.value, value)) if binding else value)
        for name in sorted(cell.deleted):
            binding = state.env.get(name)
            if binding is not None and not binding.gone:
                state.env[name] = Binding(callers, ATOM, gone=True)
        for generator in sorted(cell.randomness):
            rid = self.machine.named_region(f"rng:{generator}")
            if state.heap[rid].writers & frozenset(mine):
                continue
            for i in sorted(callers):
                node = self.nodes[i]
                self.nodes[i] = node._replace(
                    needs=node.needs | state.heap[rid].writers, drawn=node.drawn | {generator}
                )
                state.heap[rid] = state.heap[rid]._replace(writers=frozenset((i,)))

    def _know_kind(self, name: str, path: str) -> None:
        """Use what was seen of the type of a name's value."""
        state = self.state
        binding = state.env.get(name)
        if binding is None or binding.gone or binding.value.kind.startswith("@"):
            return
        kind = kinds.kind_of_type(path)
        if kind == kinds.ATOM:
            value = Value(NOTHING, kinds.ATOM, binding.value.text)
        elif kind in ("", kinds.CODE):
            return
        else:
            value = binding.value._replace(kind=kind)
            if len(value.regions) == 1:
                (rid,) = value.regions
                if state.heap[rid].kind == "" and kind not in (kinds.BOX, kinds.EAGER):
                    state.heap[rid] = state.heap[rid]._replace(kind=kind)
        state.env[name] = binding._replace(value=value)

    def _display(self, number: int, value: Value, cell: ExecutedCell) -> None:
        """Bind the names that IPython gives to a displayed value."""
        self._displayed.append((number, value))
        env = self.state.env
        mine = frozenset((number,))
        older = [env.get(n) for n in ("_", "__")]
        for name, binding in (("__", older[0]), ("___", older[1])):
            if binding is not None:
                env[name] = binding
        # A value of None is not kept, so what was there before may still be.
        previous = older[0]
        if previous is not None and isinstance(self.nodes[number].statement.node, ast.Expr):
            env["_"] = Binding(previous.definitions | mine, join((previous.value, value)))
        else:
            env["_"] = Binding(mine, value)
        if cell.cell.execution_count is not None:
            env[f"_{cell.cell.execution_count}"] = Binding(mine, value)
        shown = frozenset(n for n, _ in self._displayed)
        env["Out"] = Binding(shown, Value(frozenset().union(*(v.regions for _, v in self._displayed)), kinds.BOX))


def _binds_unseen(statement: Statement) -> bool:
    for node in ast.walk(statement.node):
        if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
            return True
        if isinstance(node, ast.Name) and node.id in _UNSEEN_BINDERS:
            return True
    return False
