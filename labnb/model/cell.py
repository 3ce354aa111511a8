"""A cell of a notebook, and one execution of it in a session."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cell:
    """Source text and where it stands.

    `source` is as the researcher wrote it, magics included. `notebook` is the path
    that the Jupyter server gave to the session, or None where nothing gave one.
    """

    source: str
    notebook: str | None = None
    cell_id: str | None = None
    execution_count: int | None = None


@dataclass(frozen=True, slots=True)
class ExecutedCell:
    """One execution of a cell in the session, with what was seen of its effects.

    `python` is the source after IPython's transformations (plain Python, with magics as
    `get_ipython()` calls); empty where it could not be transformed. `bound` and `deleted`
    are names whose binding was seen to change at run time (this is how star imports and
    `%run` are understood). `randomness` names the global random generators whose state the cell moved
    ("random", "numpy", "torch"). `kinds` gives the types of values that it bound, as "module.QualifiedName", where
    they were seen: what is known to be a number or a table need not be feared. `failed_line` is the 1-based line of
    `python` at which the cell raised, 0 when it never started (a syntax error), None when it ended well.
    """

    cell: Cell
    python: str
    bound: frozenset[str] = field(default_factory=frozenset)
    deleted: frozenset[str] = field(default_factory=frozenset)
    randomness: frozenset[str] = field(default_factory=frozenset)
    failed_line: int | None = None
    kinds: dict[str, str] = field(default_factory=dict, hash=False)
