"""Folders outside the project that a cell's strings, values and commands point to."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Final

_MAX_HINTS: Final = 500
_MAX_LENGTH: Final = 4096
_PATTERN: Final = re.compile(r"[*?\[{]")


def paths_in(hints: Iterable[object]) -> Iterator[str]:
    """Give the absolute paths among strings: as they are, below the home folder, `file:` addresses, globs' roots."""
    for count, hint in enumerate(hints):
        if count >= _MAX_HINTS:
            return
        text = _text(hint)
        if text is None or not 0 < len(text) < _MAX_LENGTH or "\0" in text or "\n" in text:
            continue
        text = text.removeprefix("file://").removeprefix("file:")
        if text.startswith("~"):
            text = os.path.expanduser(text)
        if found := _PATTERN.search(text):
            text = text[: found.start()].rpartition("/")[0] + "/"
        if text and ("/" in text or "." in text):
            yield os.path.abspath(text)


def paths_of_command(arguments: object, folder: object) -> Iterator[str]:
    """Give the absolute paths among a command's words; `folder` is where it will run (None: here)."""
    here = _text(folder) or os.getcwd()
    yield os.path.abspath(here)
    if isinstance(arguments, str | bytes | os.PathLike):
        arguments = [arguments]
    if not isinstance(arguments, Iterable):
        return
    for count, word in enumerate(arguments):
        text = _text(word)
        if count >= _MAX_HINTS:
            return
        if text is None or len(text) > 64 * _MAX_LENGTH or "\0" in text:
            continue
        for part in _split(text):
            part = os.path.expanduser(part.split("=", 1)[-1])  # --data=/scratch/x
            if found := _PATTERN.search(part):
                part = part[: found.start()].rpartition("/")[0] + "/"
            if part and len(part) < _MAX_LENGTH:
                yield os.path.abspath(os.path.join(here, part))


def _split(text: str) -> list[str]:
    if not re.search(r"[\s;|&<>]", text):
        return [text]
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        return [text, *lexer][:_MAX_HINTS]
    except ValueError:
        return [text, *text.split()][:_MAX_HINTS]


def _text(value: object) -> str | None:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, bytes):
        value = os.fsdecode(value)
    return value if isinstance(value, str) else None
