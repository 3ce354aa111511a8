"""What a job's runner is told, in one file that travels with the job."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from labnb.model.plain import plain

REQUEST_SCHEMA = 1

# Without slots: this file travels with the runner, which must run on Python 3.9.


@dataclass(frozen=True)
class JobRequest:
    """The cell, what it needs, and what is wanted of it. All paths are the target's.

    The cell: `source` as it stands in the notebook, magic line included; job/cell.py holds it as plain Python with
    the same line numbers (IPython's transformation is done), and `needs_ipython` says that it calls IPython
    (magics, `!`, get_ipython). `label` is its file name in tracebacks.

    Its state: `names` says how each free name is bound: {"state": true} (in the pickle `state`), {"import": "numpy"},
    {"import": "numpy", "attribute": "array"}, {"module": "train"} (a module of the work tree). `state` is the sha256
    of that pickle, "" where there is none; `objects` are all objects that are needed, sha256 -> bytes, in the folder
    `objects_folder`. `by_value` are names whose values hold Python code: they need the Python `python`.
    `bind` are plain values bound last, over the others (`--each lr=0.1`).

    Its place: `work_folder` is the working directory, `project_folder` the folder to which the paths of the record are
    relative ("": the working directory), `path` stands first on sys.path, `environ` is set.

    Recorded: `params` as they were found before the submission; `metrics` and `watched` are the names whose values are
    recorded after the cell as metrics and as params; `out` the names whose values come back, each at most
    `value_limit` bytes, all at most `values_limit`.

    Asked of the executor, for the words of the record only: `memory` (bytes), `time` (seconds); `grace` are the
    seconds before the end at which it sends a signal. `notify` is an address that is told the end.
    """

    uid: str
    token: str
    name: str = ""
    user: str = ""
    target: str = ""
    notebook: str | None = None
    cell_id: str | None = None
    source: str = ""
    label: str = "<cell>"
    needs_ipython: bool = False
    names: dict[str, dict[str, Any]] = field(default_factory=dict)
    state: str = ""
    objects: dict[str, int] = field(default_factory=dict)
    objects_folder: str = ""
    by_value: tuple[str, ...] = ()
    bind: dict[str, Any] = field(default_factory=dict)
    work_folder: str = ""
    project_folder: str = ""
    path: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    value_limit: int = 2_000_000_000
    values_limit: int = 8_000_000_000
    python: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    memory: int | None = None
    time: int | None = None
    grace: int = 60
    notify: str = ""
    schema: int = REQUEST_SCHEMA

    def to_json(self) -> dict[str, Any]:
        """Give the JSON of job/request.json."""
        data: dict[str, Any] = plain(self)
        return data

    @staticmethod
    def from_json(data: dict[str, Any]) -> JobRequest:
        """Read what `to_json` gave; fields added by later versions are passed over. Raises TypeError."""
        known = {f.name for f in dataclasses.fields(JobRequest)}
        kept = {name: value for name, value in data.items() if name in known}
        for name in ("by_value", "path", "metrics", "watched", "out"):
            kept[name] = tuple(kept.get(name, ()))
        return JobRequest(**kept)
