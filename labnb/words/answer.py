"""What a command answers: as text for a terminal, as HTML for a notebook, as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer; displays itself in a notebook. `code` is the exit code of the command."""

    text: str
    html: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    code: int = 0

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str | None:
        return self.html or None

    def json_text(self) -> str:
        """Write the JSON."""
        return json.dumps(self.data, ensure_ascii=False, indent=1, default=str)


def items(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Make the JSON of a list."""
    return {"schema": 1, "items": found, "next": None}
