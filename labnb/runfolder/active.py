"""The run that is being recorded in this process, and what user code adds to it.

These are the functions behind `labnb.log`, `labnb.param`, `labnb.tag` and `labnb.artifact`. They never raise
because of the record: hours of work may hang on the cell that calls them. What cannot be taken is told by a warning,
once.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnb.model.values import as_number, simple
from labnb.runfolder.journal import Journal
from labnb.runfolder.paths import RunPaths

#: Child processes of a recorded cell find its run folder here.
RUN_VARIABLE = "LABNB_RUN"


@dataclass
class ActiveRun:
    """Where the calls of user code go; `clean` masks a param's value if it is a secret."""

    paths: RunPaths
    journal: Journal
    clean: Callable[[str, Any], Any] = lambda _, value: value
    warned: set[str] = field(default_factory=set)


ASKED_AT_MOST = 1000
#: What cells that are no runs asked the Data Store for; whoever follows the cells takes it away.
asked_outside: list[dict[str, Any]] = []

_active: ActiveRun | None = None
_warned_outside = False


def activate(run: ActiveRun) -> None:
    """Let the calls go to this run, also those of processes started from now on."""
    global _active
    _active = run
    os.environ[RUN_VARIABLE] = str(run.paths.folder)


def deactivate() -> None:
    """The run has ended."""
    global _active
    _active = None
    os.environ.pop(RUN_VARIABLE, None)


def active() -> ActiveRun | None:
    """Give the run that is recorded in this process, or by the process that started this one."""
    global _active
    if _active is None:
        folder = os.environ.get(RUN_VARIABLE)
        # The far folder of a job has no run.json: what tells of the run there is the job's request.
        if folder and (Path(folder, "run.json").is_file() or Path(folder, "job", "request.json").is_file()):
            paths = RunPaths(Path(folder))
            try:
                _active = ActiveRun(paths, Journal(paths.journal))
            except OSError:
                return None
    return _active


def log(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Log one value of each metric, at `step` or one after the last step.

    Values are numbers: Python's, NumPy's, or tensors of one element. A call takes some 10 µs, and what was
    logged survives the kernel. Outside of a recorded cell nothing happens, with one warning.

    >>> labnb.log({"loss": 0.31, "accuracy": 0.94}, step=7)  # doctest: +SKIP
    """
    run = _active or active()
    if run is None:
        _warn_outside()
        return
    values: dict[str, float] = {}
    try:
        for name, value in metrics.items():
            if type(value) is float:
                values[name] = value
                continue
            number = as_number(value)
            if number is None:
                _warn(run, f"The metric {name!r} is no number but {type(value).__name__}; it was not logged.")
            else:
                values[str(name)] = number
        if values:
            run.journal.metrics(values, None if step is None else int(step))
    except Exception as error:  # noqa: BLE001 - a metric that cannot be logged must not end a training
        _warn(run, f"labnb.log takes a dict of numbers, labnb.log({{'loss': 0.3}}): {error}.")


def param(name: str, value: Any) -> None:
    """Record a param of the run: a number, short text or truth value; anything else as its repr."""
    run = _active or active()
    if run is None:
        _warn_outside()
        return
    plain = simple(value)
    if plain is None and value is not None:
        plain = repr(value)[:500]
    run.journal.add("param", name=str(name), value=run.clean(str(name), plain))


def tag(name: str, value: object) -> None:
    """Tag the run."""
    run = _active or active()
    if run is None:
        _warn_outside()
        return
    run.journal.add("tag", name=str(name), value=str(run.clean(str(name), str(value))))


def artifact(path: str | os.PathLike[str], name: str | None = None) -> None:
    """Keep a copy of a file or folder with the run, under `name` or its own name."""
    run = _active or active()
    if run is None:
        _warn_outside()
        return
    source = Path(path)
    target = run.paths.artifacts / Path(name or source.name)
    if not target.resolve().is_relative_to(run.paths.artifacts.resolve()):
        _warn(run, f"The artifact name {name!r} leads out of the run; it was not kept.")
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
    except OSError as error:
        _warn(run, f"The artifact {source} was not kept: {error}.")
        return
    run.journal.add("artifact", name=target.relative_to(run.paths.artifacts).as_posix())


def used(file: dict[str, Any]) -> None:
    """Note that the running cell asked the Data Store for a file (JSON of a FileUse).

    It is an input then, however it is read.
    """
    run = _active or active()
    if run is None:
        if len(asked_outside) < ASKED_AT_MOST:
            asked_outside.append(file)
        return
    run.journal.add("input", file=file)


def _warn(run: ActiveRun, message: str) -> None:
    if message not in run.warned:
        run.warned.add(message)
        warnings.warn(message, stacklevel=3)
        run.journal.add("note", code="log", message=message)


def _warn_outside() -> None:
    global _warned_outside
    if not _warned_outside:
        _warned_outside = True
        warnings.warn("No run is being recorded here: write %%labrun above the cell.", stacklevel=3)
