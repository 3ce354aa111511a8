"""The closure of a cell: what it needs from its session."""

from __future__ import annotations

from dataclasses import dataclass, field

from labnb.model.cell import Cell


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of one executed cell that a later cell depends on, in source order."""

    cell: Cell
    code: str


@dataclass(frozen=True, slots=True)
class Closure:
    """A backward slice over the session's executed cells, ready to run.

    `pieces` holds the earlier code in execution order, then the cell itself as the last piece.
    `free` are the names that the cell reads from its session; `undefined` those of them that no
    executed cell was seen to define; `assigned` maps names assigned from literals in the slice
    or in the cell to their values, as source (`{"lr": "0.1"}`).
    `normalised` is the code without comments, docstrings and formatting: what the fingerprint sees.
    """

    pieces: tuple[Piece, ...]
    free: frozenset[str] = field(default_factory=frozenset)
    undefined: frozenset[str] = field(default_factory=frozenset)
    assigned: dict[str, str] = field(default_factory=dict)
    randomness: frozenset[str] = field(default_factory=frozenset)
    normalised: str = ""
