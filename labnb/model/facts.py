"""What filters, orders and indexes see of a run: keys as `metrics.accuracy`, and the values of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from labnb.model.dataset import FileUse
from labnb.model.errors import UsageError, nearest
from labnb.model.run import Run, parse_time
from labnb.model.values import as_number

ATTRIBUTES: dict[str, Callable[[Run], object]] = {
    "run_id": lambda run: run.uid,
    "uid": lambda run: run.uid,
    "run_name": lambda run: run.name,
    "name": lambda run: run.name,
    "status": lambda run: run.status.value,
    "user_id": lambda run: run.user,
    "user": lambda run: run.user,
    "notebook": lambda run: run.notebook or "",
    "fingerprint": lambda run: run.fingerprint or "",
    "published": lambda run: run.published,
    "start_time": lambda run: _milliseconds(run.started),
    "created": lambda run: _milliseconds(run.started),
    "end_time": lambda run: _milliseconds(run.ended) if run.ended else None,
    "duration": lambda run: run.duration,
}
#: Words for the same attribute.
SAME = {
    "run_id": "uid",
    "run_name": "name",
    "user_id": "user",
    "created": "start_time",
    "started": "start_time",
    "ended": "end_time",
}
KINDS = {
    "metric": "metrics", "metrics": "metrics", "param": "params", "params": "params", "parameter": "params",
    "parameters": "params", "tag": "tags", "tags": "tags", "attribute": "attributes", "attributes": "attributes",
    "attr": "attributes", "run": "attributes", "dataset": "datasets", "datasets": "datasets",
}  # fmt: skip


#: Metrics of which labnb itself took the measure: use of processor, memory, GPUs.
SYSTEM = "system/"


def own_metrics(metrics: Iterable[str]) -> list[str]:
    """Give the names of metrics that a run logged, without those of the system."""
    return [name for name in metrics if not name.startswith(SYSTEM)]


@dataclass(frozen=True, slots=True)
class Key:
    """A param, metric, tag, attribute, or field of the first dataset of a run."""

    kind: str
    name: str

    def read(self, run: Run) -> object:
        """Give the value that a run has; None where it has none."""
        if self.kind == "metrics":
            return run.metrics.get(self.name)
        if self.kind == "params":
            return run.params.get(self.name)
        if self.kind == "tags":
            return run.tags.get(self.name)
        if self.kind == "datasets":
            return next((_dataset(use, self.name) for use in run.inputs if use.dataset), None)
        return ATTRIBUTES[self.name](run)


def key_of(text: str, whole: str) -> Key:
    """Read a key as people write it; `whole` is the text that it stands in. Raises UsageError with the nearest."""
    kind_text, dot, name = text.partition(".")
    name = name.strip('`"')
    if not dot:
        kind_text, name = "attributes", text.strip('`"').lower().replace(" ", "_")
    kind = KINDS.get(kind_text.lower())
    if kind is None:
        raise UsageError(f"There is no {kind_text!r} to compare in {whole!r}.", nearest(kind_text, set(KINDS.values())))
    if kind == "attributes":
        name = SAME.get(name, name)
        if name not in ATTRIBUTES:
            raise UsageError(
                f"Runs have no attribute {name!r}.",
                nearest(name, [*ATTRIBUTES, "metrics.…", "params.…", "tags.…"]),
            )
    return Key(kind, name)


def facts_of(run: Run) -> Iterator[tuple[tuple[str, str], object]]:
    """Give every (kind, name) that the run has a value for, each under one name."""
    for name, read in ATTRIBUTES.items():
        if name not in SAME and (found := read(run)) is not None:
            yield ("attributes", name), found
    for kind, values in (("params", run.params), ("metrics", run.metrics), ("tags", run.tags)):
        for name, value in values.items():
            if value is not None:
                yield (kind, name), value
    for name in ("name", "digest", "version"):
        if (found := Key("datasets", name).read(run)) is not None:
            yield ("datasets", name), found


def rank(value: object) -> float | str | None:
    """Give what a value is ordered by: numbers, and texts that are numbers, before texts; None for what is no number.

    >>> [rank(value) for value in ("0.10", True, "tree", float("nan"))]
    [0.1, 1.0, 'tree', None]
    """
    if type(value) is float:
        return value if value == value else None
    try:
        number = as_number(value)
    except OverflowError:  # a whole number beyond all floats
        number = math.inf if isinstance(value, int) and value > 0 else -math.inf
    if number is not None:
        return None if number != number else number
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        # A text that says "nan" is a text like any other: as a number it would stand nowhere.
        return value if number != number else number
    return str(value)


def as_text(value: object) -> str:
    """Write a value as filters compare it with text."""
    return value if isinstance(value, str) else str(value)


def search_text(run: Run) -> str:
    """Give what free text is looked for in, in small letters, a fact a line."""
    fields = [run.name, run.uid, run.user, run.status.value, run.notebook or ""]
    fields.extend(f"{name}={value}" for name, value in (*run.params.items(), *run.tags.items()))
    fields.extend(run.metrics)
    fields.extend(use.path for use in (*run.inputs, *run.outputs))
    return "\n".join(fields).lower()


def _dataset(use: FileUse, name: str) -> str | None:
    return {"name": use.dataset, "digest": use.version, "version": use.version}.get(name)


def _milliseconds(text: str) -> float:
    return parse_time(text).timestamp() * 1000
