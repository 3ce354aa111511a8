"""The line of `%%labrun`: what it may say, and what was asked."""

from __future__ import annotations

import argparse
import ast
import functools
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from labnb.magics.job_options import JobAsk, add_job_options, parse_job
from labnb.model.errors import UsageError, nearest

if TYPE_CHECKING:
    from labnb.model.run import Value

MAGIC = "%%labrun"


@dataclass(frozen=True)
class LabrunRequest:
    """What a `%%labrun` line asks for.

    `params` are set in the session before the cell runs and recorded; `watched` are names whose values are recorded
    as params after it; `metrics` are names whose values are recorded as metrics after it. `job` says where it runs.
    `save` maps datasets to what the cell writes for them ("" for a dataset that lies where it is written).
    """

    name: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    watched: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    quiet: bool = False
    job: JobAsk = field(default_factory=JobAsk)
    save: dict[str, str] = field(default_factory=dict)

    @property
    def plain_params(self) -> dict[str, Value]:
        return {name: _plain(value) for name, value in self.params.items()}


class _Parser(argparse.ArgumentParser):
    """Answers a wrong option with the right ones instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%%labrun: {message}.", "%%labrun? shows its options.")


@functools.cache
def make_parser() -> argparse.ArgumentParser:
    """Make the parser; its options are the documentation of the magic as well."""
    parser = _Parser(prog=MAGIC, add_help=False, allow_abbrev=False)
    parser.add_argument("name", nargs="?", help="A name for the run; by default the notebook's with the cell's number.")
    parser.add_argument(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="With a value: set the name before the cell runs, and record it. Without: record the value that the name "
        "has after the cell; dicts, dataclasses and argparse namespaces field by field.",
    )
    parser.add_argument(
        "-m",
        "--metric",
        action="append",
        default=[],
        metavar="NAMES",
        help="Record the values that these names (a,b,c) have after the cell as metrics.",
    )
    parser.add_argument("-t", "--tag", action="append", default=[], metavar="NAME=VALUE", help="Tag the run.")
    parser.add_argument(
        "--save",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="Make the file or folder PATH that the cell wrote a version of the dataset NAME (a path in the project) "
        "after the cell, made by its run. PATH alone is PATH=PATH.",
    )
    add_job_options(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="Show no card.")
    return parser


def options() -> list[str]:
    """List every option, for completion and for hints."""
    return [option for action in make_parser()._actions for option in action.option_strings]


def parse_request(line: str) -> LabrunRequest:
    """Read what stands after `%%labrun`. Raises UsageError that says what would have been right."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%%labrun: {error}.", "Close the quotes.") from None
    given, unknown = make_parser().parse_known_args(words)
    if unknown:
        wrong = unknown[0]
        hint = nearest(wrong, options()) if wrong.startswith("-") else "A name with spaces stands in quotes."
        raise UsageError(f"%%labrun does not know {wrong!r}.", hint)
    job = parse_job(given)
    params: dict[str, Any] = {}
    watched = []
    for text in given.param:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not name.isidentifier():
            raise UsageError(f"%%labrun: {name!r} is no name of Python.", "Write --param lr=0.1 or --param config.")
        if equals:
            params[name] = literal(value)
        else:
            watched.append(name)
    tags = {}
    for text in given.tag:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"%%labrun: the tag {text!r} has no value.", "Write --tag team=biology.")
        tags[name] = value
    metrics = tuple(name.strip() for text in given.metric for name in text.split(",") if name.strip())
    for name in metrics:
        if not re.fullmatch(r"[^\W\d]\w*(\.\w+|\[[^\]]+\])*", name):
            raise UsageError(f"%%labrun: {name!r} is no name of a value.", "Write --metric accuracy,loss.")
    return LabrunRequest(given.name, params, tuple(watched), metrics, tags, given.quiet, job, _saved(given.save, job))


def _saved(texts: list[str], job: JobAsk) -> dict[str, str]:
    """Read `--save NAME=PATH`: give the path that the cell writes for each dataset."""
    found = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not name.strip() or (equals and not path.strip()):
            raise UsageError(f"%%labrun: --save {text!r} names no file.", "Write --save data/clean.csv=out/clean.csv.")
        found[name.strip()] = path.strip()
    if found and job.elsewhere:
        raise UsageError(
            "%%labrun: --save works in this kernel, not with --on: a job ends at a time of its own, and writes nothing "
            "into the work tree.",
            'When it has ended, labnb.job(id).save("data/clean.csv") makes a version of what it wrote.',
        )
    return found


def literal(text: str) -> Any:
    """Read a value as Python would, or take it as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def find_line(source: str) -> str | None:
    """Give what stands after `%%labrun` in a cell's source; None where the cell has no such line.

    The line may stand below other cell magics (`%%time`), and above them.
    """
    if MAGIC not in source:
        return None
    for line in source.splitlines():
        text = line.strip()
        if not text:
            continue
        if not text.startswith("%%"):
            return None
        word, _, rest = text.partition(" ")
        if word == MAGIC:
            return rest.strip()
    return None


def _plain(value: Any) -> Value:
    from labnb.model.values import simple

    plain = simple(value)
    return plain if plain is not None or value is None else repr(value)
