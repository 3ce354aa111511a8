"""Where a version of data comes from, and what became of it: data and the steps between them in one graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labnb.model.dataset import FileUse
from labnb.model.facts import own_metrics
from labnb.model.run import Run

#: So many nodes are followed; what lies beyond is told.
LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class Node:
    """A version of data ("data"), a "run", a "stage" of DVC, a "model" that a run logged, a "source" of an import.

    `id` is "NAME@VERSION" for data, the uid of a run, "UID/PATH" of a model; `label` is for people; `facts` are a few
    of its fields.
    """

    id: str
    kind: str
    label: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` went into, or made, `target`; `how` is "read", "wrote", "logged" or "imported"."""

    source: str
    target: str
    how: str


@dataclass(frozen=True, slots=True)
class Step:
    """What makes data of data: a run, or a stage of DVC. `models` are the paths of models that it logged."""

    node: Node
    inputs: tuple[FileUse, ...]
    outputs: tuple[FileUse, ...]
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """The graph around one version; `target` is its node's id. `cut` says that not everything was followed."""

    target: str
    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    cut: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give the JSON that `labnb data lineage --json` shows."""
        nodes = [{name: getattr(node, name) for name in Node.__slots__} for node in self.nodes.values()]
        edges = [{name: getattr(edge, name) for name in Edge.__slots__} for edge in self.edges]
        return {"schema": 1, "target": self.target, "nodes": nodes, "edges": edges, "cut": self.cut}


def lineage(
    dataset: str,
    version: str,
    steps: Iterable[Step],
    listing: Callable[[str, str], Mapping[str, str] | None] = lambda dataset, version: None,
    source: Callable[[str], str] = lambda dataset: "",
) -> Lineage:
    """Build the graph of `dataset@version`.

    Down: the steps that made it, the versions that those read, on to data that no step made. Up: the steps that read
    it, what they wrote, the models that they logged, and on. Everything is followed once, so that circles end.
    `listing` gives the files of a folder's version (path to md5): a step that wrote one of them made a part of it.
    `source` says where a dataset was imported from, "" where it was not.
    """
    index = _Index(list(steps), listing, source)
    start = _data_node(dataset, version)
    graph = _Graph({start.id: start})
    graph.follow(start, index.below)
    graph.follow(start, index.above)
    return Lineage(start.id, graph.nodes, tuple(dict.fromkeys(graph.edges)), graph.cut)


def run_step(run: Run, models: Iterable[str] = ()) -> Step:
    """Make the step of a run."""
    facts: dict[str, Any] = {"name": run.name, "status": run.status.value, "started": run.started, "user": run.user}
    facts["metrics"] = {name: run.metrics[name] for name in own_metrics(run.metrics)}
    label = f"{run.uid[:8]} {run.name} ({run.started[:10]}, {run.status.value.lower()})"
    return Step(Node(run.uid, "run", label, facts), run.inputs, run.outputs, tuple(models))


def key_of(use: FileUse) -> str | None:
    """Name the data of a file by which it is found in other steps: its version, or its path and digest.

    Both are the same for a whole dataset: what a run wrote before it was added is found as well.
    """
    if use.dataset and use.version:
        return f"{use.dataset}@{use.version}"
    digest = (use.digest or "").removeprefix("md5:")
    return f"{use.path.rstrip('/')}@{digest}" if digest else None


def tree(graph: Lineage, down: bool = True) -> list[str]:
    """Draw what the target came from (`down`), or what became of it, a line per node.

    A node that was drawn already is named again, but not what lies behind it.
    """
    near: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        here, there = (edge.target, edge.source) if down else (edge.source, edge.target)
        near.setdefault(here, []).append((there, edge.how))
    lines, drawn = [graph.nodes[graph.target].label], {graph.target}
    # A stack of one's own: a chain of a thousand steps is no error.
    stack = _branches(near.get(graph.target, []), "")
    while stack:
        there, how, before, last = stack.pop()
        node = graph.nodes[there]
        again = there in drawn and bool(near.get(there))
        word = _WORDS.get((how, node.kind, down), how)
        lines.append(f"{before}{'└─' if last else '├─'} {word} {node.label}{' (see above)' if again else ''}")
        if there not in drawn:
            drawn.add(there)
            stack.extend(_branches(near.get(there, []), before + ("   " if last else "│  ")))
    return lines


def _branches(children: list[tuple[str, str]], before: str) -> list[tuple[str, str, str, bool]]:
    """Give the branches to draw, the first one last, as a stack wants them."""
    found = [(there, how, before, at == len(children) - 1) for at, (there, how) in enumerate(children)]
    return found[::-1]


_WORDS = {
    ("wrote", "run", True): "made by run",
    ("wrote", "stage", True): "made by stage",
    ("read", "data", True): "from",
    ("imported", "source", True): "imported from",
    ("read", "run", False): "used by run",
    ("read", "stage", False): "used by stage",
    ("wrote", "data", False): "which wrote",
    ("logged", "model", False): "which logged",
}


class _Index:
    """Finds the neighbours of a node."""

    def __init__(
        self,
        steps: list[Step],
        listing: Callable[[str, str], Mapping[str, str] | None],
        source: Callable[[str], str],
    ) -> None:
        self._steps = {step.node.id: step for step in steps}
        self._listing, self._source = listing, source
        self._makers: dict[str, list[Step]] = {}
        self._readers: dict[str, list[Step]] = {}
        for step in steps:
            for use in step.outputs:
                # A part of a folder that was written is found by its own path as well.
                own = f"{use.path.rstrip('/')}@{(use.digest or '').removeprefix('md5:')}"
                for key in dict.fromkeys((key_of(use), own)):
                    if key is not None:
                        self._makers.setdefault(key, []).append(step)
            for key in dict.fromkeys(map(key_of, step.inputs)):
                if key is not None:
                    self._readers.setdefault(key, []).append(step)

    def below(self, node: Node) -> list[tuple[Node, Edge]]:
        if node.kind == "data":
            found = [(step.node, Edge(step.node.id, node.id, "wrote")) for step in self._makers_of(node)]
            origin = self._source(str(node.facts.get("dataset") or ""))
            if origin and not found:
                found.append((Node(origin, "source", origin), Edge(origin, node.id, "imported")))
            return found
        step = self._steps.get(node.id)
        return [(there, Edge(there.id, node.id, "read")) for there in _data_nodes(step.inputs)] if step else []

    def above(self, node: Node) -> list[tuple[Node, Edge]]:
        if node.kind == "data":
            return [(step.node, Edge(node.id, step.node.id, "read")) for step in self._readers.get(node.id, ())]
        step = self._steps.get(node.id)
        if step is None:
            return []
        found = [(there, Edge(node.id, there.id, "wrote")) for there in _data_nodes(step.outputs)]
        for path in step.models:
            model = Node(f"{node.id}/{path}", "model", f"model {path}", {"run": node.id, "path": path})
            found.append((model, Edge(node.id, model.id, "logged")))
        return found

    def _makers_of(self, node: Node) -> list[Step]:
        found = list(self._makers.get(node.id, ()))
        dataset, version = str(node.facts.get("dataset") or ""), str(node.facts.get("version") or "")
        if version.endswith(".dir"):
            for path, md5 in (self._listing(dataset, version) or {}).items():
                found.extend(self._makers.get(f"{dataset}/{path}@{md5}", ()))
        return list({step.node.id: step for step in found}.values())


@dataclass
class _Graph:
    nodes: dict[str, Node]
    edges: list[Edge] = field(default_factory=list)
    cut: bool = False

    def follow(self, start: Node, neighbours: Callable[[Node], list[tuple[Node, Edge]]]) -> None:
        seen, waiting = {start.id}, deque([start])
        while waiting:
            for node, edge in neighbours(waiting.popleft()):
                if node.id not in self.nodes and len(self.nodes) >= LIMIT:
                    self.cut = True
                    continue
                self.nodes.setdefault(node.id, node)
                self.edges.append(edge)
                if node.id not in seen:
                    seen.add(node.id)
                    waiting.append(node)


def _data_nodes(uses: Iterable[FileUse]) -> list[Node]:
    found: dict[str, Node] = {}
    for use in uses:
        key = key_of(use)
        if key is None:
            continue
        name, _, version = key.rpartition("@")
        found[key] = _data_node(name, version, versioned=bool(use.dataset and use.version))
    return list(found.values())


def _data_node(dataset: str, version: str, versioned: bool = True) -> Node:
    label = f"{dataset}@{version[:8]}" + ("" if versioned else " (no version)")
    return Node(f"{dataset}@{version}", "data", label, {"dataset": dataset, "version": version})
