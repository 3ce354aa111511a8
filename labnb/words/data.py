"""The words of `labnb data …` and `%labdata …`: the parser, and what each command answers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labnb.words import data_answers as answers
from labnb.words.answer import Answer

if TYPE_CHECKING:
    from labnb.lab import Lab
    from labnb.ports.progress import Progress

Call = Callable[["Lab", argparse.Namespace, "Progress"], Answer]

_SPEC = "NAME[@VERSION]; VERSION is a tag, a digest or its start, a revision of the code, or latest"


def add_words(commands: Any) -> None:
    """Add the commands below `labnb data` to a parser's subparsers; `word` of what they parse is a `Call`."""
    one = _Adder(commands)
    one("list", "list the datasets with their state", lambda lab, given, show: answers.listed(lab, show))

    add = one("add", "make the present content of files or folders a version", _add)
    add.add_argument("path", nargs="+", help="a file or a folder")
    add.add_argument("-m", "--message", default="", help="what changed, for the log")
    add.add_argument("-t", "--tag", action="append", default=[], help="a name for the version, such as v1")

    one("status", "say what differs from what is recorded", lambda lab, given, show: answers.status(lab, show))

    log = one("log", "list the versions of a dataset and the runs that made and used them",
              lambda lab, given, show: answers.log(lab, given.name))  # fmt: skip
    log.add_argument("name", help="the dataset")

    diff = one("diff", "compare two versions: files, and in tables rows, columns and values",
               lambda lab, given, show: answers.diff(lab, given.before, given.after, show))  # fmt: skip
    diff.add_argument("before", help=_SPEC)
    diff.add_argument("after", nargs="?", help="the same, or @VERSION; without it, what lies in the work tree")

    preview = one("preview", "look into a version",
                  lambda lab, given, show: answers.preview(lab, given.name, given.path, given.rows))  # fmt: skip
    preview.add_argument("name", help=f"{_SPEC}; without a version, what lies in the work tree")
    preview.add_argument("path", nargs="?", default="", help="a file in a folder")
    preview.add_argument("-n", "--rows", type=int, default=10, help="so many rows of a table (default 10)")

    checkout = one("checkout", "bring a version back", _checkout)
    checkout.add_argument("name", help=_SPEC)
    checkout.add_argument("--to", metavar="DIR", help="to another place, which must not exist yet")
    checkout.add_argument("--force", action="store_true", help="also over files that no version holds")

    for word, text in (("push", "copy versions to a remote"), ("pull", "fetch versions, and files that are missing")):
        moved = one(word, text, _push if word == "push" else _pull)
        moved.add_argument("name", nargs="*", help=f"{_SPEC}; without one, the versions that the work tree records")
        moved.add_argument("-r", "--remote", default="", help="the remote, by default the project's")
        moved.add_argument("--all", action="store_true", help="all versions, not only the present ones")

    remote = one("remote", "remotes: add, list, test", None)
    words = _Adder(remote.add_subparsers(dest="remote_word", metavar="WORD", required=True))
    added = words("add", "write a remote into the project's settings", lambda lab, given, show: answers.remote_add(
        lab, given.name, given.url, default=given.default))  # fmt: skip
    added.add_argument("name", help="its name")
    added.add_argument("url", help="a folder, s3://…, ssh://…, as DVC knows them")
    added.add_argument("-d", "--default", action="store_true", help="use it where none is named")
    words("list", "list the remotes", lambda lab, given, show: answers.remotes(lab))
    test = words("test", "reach it, write, read and remove a small object",
                 lambda lab, given, show: answers.remote_test(lab, given.name))  # fmt: skip
    test.add_argument("name", nargs="?", default="", help="its name, by default the default one")

    gc = one("gc", "free what nothing uses; shows what that is, unless --yes",
             lambda lab, given, show: answers.gc(lab, dry=not given.yes or given.dry_run, progress=show))  # fmt: skip
    gc.add_argument("--yes", action="store_true", help="do it")
    gc.add_argument("--dry-run", action="store_true", help="show only, which is the default")

    lineage = one("lineage", "show what a version was made of, and what became of it",
                  lambda lab, given, show: answers.lineage(lab, given.name))  # fmt: skip
    lineage.add_argument("name", help=_SPEC)


class _Adder:
    """Adds a command, with the options that all have."""

    def __init__(self, commands: Any) -> None:
        self._commands = commands

    def __call__(self, word: str, text: str, call: Call | None) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = self._commands.add_parser(word, help=text, description=text)
        if call is not None:
            parser.add_argument("--json", action="store_true", help="as JSON")
            parser.set_defaults(word=call)
        return parser


def _add(lab: Lab, given: argparse.Namespace, progress: Progress) -> Answer:
    return answers.add(lab, [Path(path) for path in given.path], given.message, given.tag, progress)


def _checkout(lab: Lab, given: argparse.Namespace, progress: Progress) -> Answer:
    return answers.checkout(lab, given.name, given.to, force=given.force, progress=progress)


def _push(lab: Lab, given: argparse.Namespace, progress: Progress) -> Answer:
    return answers.push(lab, given.name, given.remote, whole=given.all, progress=progress)


def _pull(lab: Lab, given: argparse.Namespace, progress: Progress) -> Answer:
    return answers.pull(lab, given.name, given.remote, whole=given.all, progress=progress)
