"""The options of `%%labrun` that ask for a job: where it runs, with what, and what comes back."""

from __future__ import annotations

import argparse
import ast
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labnb.model.errors import UsageError

if TYPE_CHECKING:
    from labnb.model.resources import Resources

LOCAL = "local"

#: So many members at most has an array of `--each`: a slip of the pen is no reason to fill a cluster.
MEMBERS_AT_MOST = 1000

_RESOURCES = {
    "cpus": ("N", "Processors of the job."),
    "gpus": ("N", "GPUs of the job."),
    "memory": ("SIZE", "Memory of the job on a node: 500M, 8G."),
    "time": ("TIME", "Time after which the job is ended: 4:00:00, 90m, 2d, or minutes."),
    "nodes": ("N", "Nodes of the job."),
    "partition": ("NAME", "The partition (queue) of the scheduler."),
    "account": ("NAME", "The account that is charged."),
    "qos": ("NAME", "The quality of service."),
    "constraint": ("FEATURES", "Features that the node must have."),
}


@dataclass(frozen=True)
class JobAsk:
    """What a line asks of a job; `asked` are the resources, as written, that go over those of the target."""

    target: str = LOCAL
    asked: dict[str, Any] = field(default_factory=dict)
    out: tuple[str, ...] = ()
    wait: bool = False
    after: tuple[str, ...] = ()
    each: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @property
    def elsewhere(self) -> bool:
        """Whether the cell runs elsewhere than in this kernel."""
        return self.target != LOCAL

    @property
    def resources(self) -> Resources:
        """The resources; raises UsageError."""
        from labnb.model.resources import Resources

        return Resources.parse(self.asked, "%%labrun: ")

    @property
    def members(self) -> tuple[dict[str, Any], ...]:
        """The params of every member of the array: each value of each name with each of the others."""
        names = [name for name, _ in self.each]
        return tuple(dict(zip(names, found, strict=True)) for found in itertools.product(*(v for _, v in self.each)))


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; their help is the documentation of the magic as well."""
    parser.add_argument(
        "--on",
        default=LOCAL,
        metavar="TARGET",
        help="Where the cell runs: a target of labnb.toml; 'local' is this kernel, the default.",
    )
    for name, (metavar, text) in _RESOURCES.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=f"{text} It goes over the target's.")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="OPTION",
        help="A further option of the scheduler, handed on as it is: --option=--exclusive.",
    )
    parser.add_argument(
        "-o",
        "--out",
        action="append",
        default=[],
        metavar="NAMES",
        help="The names (a,b,c) whose values come back from the job, into this session at its next prompt.",
    )
    parser.add_argument(
        "--wait", action="store_true", help="Wait for the end of the job. Ctrl-C ends the waiting, not the job."
    )
    parser.add_argument(
        "--after", action="append", default=[], metavar="JOB", help="Start only when these jobs have ended well."
    )
    parser.add_argument(
        "--each",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="A job for each value: --each lr=0.1,0.01. Given several times, each value with each of the others.",
    )


def parse_job(given: argparse.Namespace) -> JobAsk:
    """Read the options. Raises UsageError that says what would have been right."""
    asked = {name: getattr(given, name) for name in _RESOURCES if getattr(given, name) is not None}
    if given.option:
        asked["options"] = given.option
    job = JobAsk(
        target=given.on,
        asked=asked,
        out=_names(given.out),
        wait=given.wait,
        after=tuple(word.strip() for text in given.after for word in text.split(",") if word.strip()),
        each=tuple(_each(text) for text in given.each),
    )
    if asked:
        _ = job.resources  # said now, not when the job is made
    told = [f"--{name}" for name in (*asked, "out", "wait", "after", "each") if getattr(given, name, None)]
    if not job.elsewhere and told:
        raise UsageError(f"%%labrun: {told[0]} is for jobs.", "Say where the cell runs: --on TARGET.")
    names = [name for name, _ in job.each]
    if len(set(names)) < len(names):
        raise UsageError("%%labrun: --each names one name twice.", "Write all its values in one: --each lr=0.1,0.01.")
    count = 1
    for _, values in job.each:
        count *= len(values)
    if count > MEMBERS_AT_MOST:
        raise UsageError(f"%%labrun: --each makes {count:,} jobs.", f"At most {MEMBERS_AT_MOST:,} go at once.")
    return job


def _names(texts: list[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))
    for name in found:
        if not name.isidentifier():
            raise UsageError(f"%%labrun: {name!r} is no name of Python.", "Write --out model,history.")
    return found


def _each(text: str) -> tuple[str, tuple[Any, ...]]:
    from labnb.magics.request import literal

    name, equals, rest = text.partition("=")
    name = name.strip()
    if not name.isidentifier() or not equals:
        raise UsageError(f"%%labrun: {text!r} gives no values of a name.", "Write --each lr=0.1,0.01.")
    try:
        found = ast.literal_eval(f"({rest},)")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = tuple(literal(word.strip()) for word in rest.split(",") if word.strip())
    if len(found) == 1 and isinstance(found[0], (list, tuple)):
        found = tuple(found[0])
    if not found:
        raise UsageError(f"%%labrun: --each {name} has no values.", "Write --each lr=0.1,0.01.")
    return name, tuple(found)
