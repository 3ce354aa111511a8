"""The backward slice: what of a session a cell depends on."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterable, Sequence

from labnb.capture.slicing import habits
from labnb.capture.slicing.free import free_names
from labnb.capture.slicing.literals import assigned_once, assignments
from labnb.capture.slicing.scopes import stored_names
from labnb.capture.slicing.source import parse, statements_of
from labnb.capture.slicing.timeline import Node, Timeline
from labnb.model.cell import ExecutedCell
from labnb.model.closure import Closure, Piece
from labnb.model.magic_calls import wrapped_body

_LENT = frozenset(
    {"get_ipython", "display", "In", "Out", "_", "__", "___", "__name__", "__file__", "__builtins__", "exit"}
)
_KEPT_TIMELINES = 4
_timelines: list[Timeline] = []
_lock = threading.Lock()


def slice_session(history: Sequence[ExecutedCell], target: ExecutedCell) -> Closure:
    """Find what a cell depends on among the cells that were executed before it.

    Running the pieces in order in a clean process computes what the cell computed. Where the code cannot tell
    whether something is needed, it is taken.

    The idea is Weiser's ("Program slicing", 1981) at the grain of top-level statements, over executions and not over
    cells as in nbgather ("Managing messes in computational notebooks", 2019). Mutation through aliases,
    containers and functions is followed by an abstract interpretation with allocation sites, after Andersen's
    points-to analysis (1994).

    Args:
        history: the executions of the session, in order; a cell that ran twice is in it twice.
        target: the execution of the cell itself; `failed_line` does not shorten it.

    Returns:
        the closure. A history that continues the one of an earlier call costs only what is new in it.
    """
    with _lock:
        timeline = _follow(history)
        ahead = timeline.copy()
    first = len(ahead.nodes)
    ahead.extend(target, whole=True)
    for generator in sorted(target.randomness):
        _drawn_at_end(ahead, generator, first)
    needed = _backward(ahead.nodes, _roots(ahead, first))
    earlier = [i for i in sorted(needed) if i < first]
    own = statements_of(target.python)
    nodes = [s.node for s in own]
    names = free_names(nodes)
    env = timeline.state.env
    session = {name for name, binding in env.items() if not binding.gone}
    free = frozenset(n for n in names if n in session or not (habits.is_builtin(n) or n in _LENT))
    drawn = frozenset().union(*(ahead.nodes[i].drawn for i in needed), target.randomness)
    pieces = (*_pieces(ahead, earlier), Piece(target.cell, _whole(target.python)))
    kept = [ahead.nodes[i].statement.normalised for i in earlier] + [s.normalised for s in own]
    return Closure(
        pieces=pieces,
        free=free,
        undefined=frozenset() if timeline.state.binders else frozenset(n for n in free if n not in session),
        assigned=_assigned(timeline, earlier, nodes),
        randomness=drawn,
        normalised="\n".join(text for text in kept if text),
    )


def _follow(history: Sequence[ExecutedCell]) -> Timeline:
    """Give the timeline of a history, continuing one that is known."""
    best: Timeline | None = None
    for timeline in _timelines:
        cells = timeline.cells
        longer = best is None or len(cells) > len(best.cells)
        if (
            longer
            and len(cells) <= len(history)
            and all(a is b or a == b for a, b in zip(cells, history, strict=False))
        ):
            best = timeline
    if best is None:
        best = Timeline()
    else:
        _timelines.remove(best)
    for cell in history[len(best.cells) :]:
        best.extend(cell)
    _timelines.append(best)
    del _timelines[:-_KEPT_TIMELINES]
    return best


def _drawn_at_end(timeline: Timeline, generator: str, first: int) -> None:
    """Make the target depend on the state of a generator that it was seen to move."""
    if len(timeline.nodes) == first or any(generator in n.drawn for n in timeline.nodes[first:]):
        return
    rid = timeline.machine.named_region(f"rng:{generator}")
    last = timeline.nodes[-1]
    timeline.nodes[-1] = last._replace(needs=last.needs | timeline.state.heap[rid].writers)


def _roots(timeline: Timeline, first: int) -> set[int]:
    """Give where the walk starts: the cell, settings that act on everything, and the last seeds."""
    roots = {i for i, node in enumerate(timeline.nodes) if i >= first or node.always}
    return roots.union(*timeline.state.seeds.values())


def _backward(nodes: Sequence[Node], roots: Iterable[int]) -> set[int]:
    seen = set(roots)
    stack = list(seen)
    while stack:
        for i in nodes[stack.pop()].needs:
            if i not in seen:
                seen.add(i)
                stack.append(i)
    return seen


def _pieces(timeline: Timeline, needed: Sequence[int]) -> Iterable[Piece]:
    outputs: dict[int, set[str]] = {}
    for node in timeline.nodes:
        for place, name in node.outputs:
            outputs.setdefault(place, set()).add(name)
    by_cell: dict[int, list[int]] = {}
    for i in needed:
        by_cell.setdefault(timeline.nodes[i].cell, []).append(i)
    for place, chosen in by_cell.items():
        cell = timeline.cells[place]
        every = len(statements_of(cell.python)) == len(chosen) and cell.failed_line is None
        if every and not any(i in outputs for i in chosen):
            yield Piece(cell.cell, _whole(cell.python))
            continue
        parts = [
            _displayed(timeline, i, outputs[i]) if i in outputs else timeline.nodes[i].statement.code for i in chosen
        ]
        yield Piece(cell.cell, "\n".join(parts))


def _displayed(timeline: Timeline, place: int, names: set[str]) -> str:
    """Write a displayed expression so that it is kept under the names that IPython gave it."""
    node = timeline.nodes[place]
    assert isinstance(node.statement.node, ast.Expr)
    count = timeline.cells[node.cell].cell.execution_count
    kept = f"_{count if count is not None else f'shown{place}'}"
    lines = [f"{kept} = {ast.unparse(node.statement.node.value)}"]
    if "Out" in names:
        lines.append(f"Out = globals().get('Out', {{}})\nOut[{count}] = {kept}")
    # IPython keeps no None.
    lines += [f"if {kept} is not None:\n    {name} = {kept}" for name in sorted(names - {"Out", kept})]
    return "\n".join(lines)


def _whole(python: str) -> str:
    tree = parse(python)
    body = wrapped_body(tree) if tree is not None else None
    return (python if body is None else body).strip("\n")


def _assigned(timeline: Timeline, needed: Sequence[int], nodes: Sequence[ast.stmt]) -> dict[str, str]:
    """Give the values written in the slice that still hold where the cell starts, and those written in the cell."""
    heap = timeline.state.heap
    stored = stored_names(nodes)
    found: dict[str, str] = {}
    for i in needed:
        for name, value in assignments(timeline.nodes[i].statement.node):
            binding = timeline.state.env.get(name)
            if binding is None or binding.gone or binding.definitions != {i} or name in stored:
                continue
            if not any(heap[r].writers for r in binding.value.regions):
                found[name] = value
    return {**found, **assigned_once(nodes)}
