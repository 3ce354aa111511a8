"""A measured figure, with its peer and its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; `limit` is the most it may be; `peer` names what the same was asked of, with `peer_value`."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    peer: str = ""
    peer_value: float | None = None

    @property
    def missed(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        text = f"{self.name}: {self.value:.3g} {self.unit}"
        if self.limit is not None:
            text += f" (at most {self.limit:g})"
        if self.peer_value is not None:
            text += f"; {self.peer}: {self.peer_value:.3g} {self.unit}, ratio {self.value / self.peer_value:.3g}"
        return text


def middle(values: Sequence[float]) -> float:
    return float(median(values))
