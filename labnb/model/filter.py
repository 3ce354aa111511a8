"""MLflow's filter grammar over runs, and free text.

`metrics.accuracy > 0.9 and params.model = 'forest' and tags.team LIKE 'bio%' and attributes.status = 'FINISHED'`;
keys with other characters stand in double quotes or backticks. Beyond MLflow, params that are compared with a
number are compared as numbers. Text with no comparison in it is searched for,
word by word, in names, notebooks, params, tags, data and users.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from labnb.model.errors import UsageError
from labnb.model.facts import Key, as_text, key_of, rank, search_text
from labnb.model.run import Run

Test = Callable[[Run], bool]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne,
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*'|"(?:[^"])*")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<compare>!=|>=|<=|==|=|>|<)
      | (?P<list>\(\s*(?:'(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*\s*,?\s*)?\))
      | (?P<word>(?:\w+\.)?(?:`[^`]*`|"[^"]*"|[\w./-]+))
    )""",
    re.VERBOSE,
)
_LOOKS_LIKE_FILTER = re.compile(
    r"[=<>]|\b(i?like|not\s+in|in|is)\b\s*['(n]|^\s*(metrics?|params?|parameters?|tags?|attributes?|attr|datasets?)\.",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: `sign` is one of = != > >= < <= like ilike in null; `value` a number, a text or texts.

    `negated` stands for NOT, which is also true of runs that have no value.
    """

    key: Key
    sign: str
    value: float | str | frozenset[str] | None = None
    negated: bool = False

    def holds(self, run: Run) -> bool:
        """Whether it is so of a run."""
        return self._holds(self.key.read(run)) is not self.negated

    def _holds(self, found: object) -> bool:
        if self.sign == "null":
            return found is None
        if found is None:
            return False
        if isinstance(self.value, float):
            number = rank(found)
            if isinstance(number, str):
                return False
            return _COMPARE[self.sign](float("nan") if number is None else number, self.value)
        if isinstance(self.value, frozenset):
            return as_text(found) in self.value
        if self.sign in ("like", "ilike"):
            return like(str(self.value), self.sign)(as_text(found))
        return _COMPARE[self.sign](as_text(found), self.value)


@dataclass(frozen=True, slots=True)
class Words:
    """Free text: every word, in small letters, stands somewhere in a run."""

    words: tuple[str, ...]

    def holds(self, run: Run) -> bool:
        """Whether it is so of a run."""
        whole = search_text(run)
        return all(word in whole for word in self.words)


def parse(text: str) -> tuple[Comparison | Words, ...]:
    """Read a filter or free text: all of what it gives must hold. Raises UsageError that says where it goes wrong."""
    if not text.strip():
        return ()
    if not _LOOKS_LIKE_FILTER.search(text):
        return (Words(tuple(text.lower().split())),)
    tokens = _tokens(text)
    found: list[Comparison | Words] = []
    while tokens:
        found.append(_comparison(tokens, text))
        if tokens and not (tokens[0].text.lower() == "and" and len(tokens) > 1):
            raise _wrong(text, tokens[0].at, "comparisons are joined by AND")
        tokens = tokens[1:]
    return tuple(found)


def parse_filter(text: str) -> Test:
    """Make a test of runs from a filter or free text. Raises UsageError that says where the text goes wrong."""
    parts = parse(text)
    return lambda run: all(part.holds(run) for part in parts)


def parse_order(text: str) -> tuple[Key, bool]:
    """Read a key and a direction (True: descending) from "metrics.accuracy DESC"."""
    words = text.split()
    descending = len(words) > 1 and words[-1].lower() == "desc"
    if len(words) > 1 and words[-1].lower() in ("asc", "desc"):
        words = words[:-1]
    return key_of(" ".join(words), text), descending


def sort_runs(runs: Iterable[Run], order_by: str) -> list[Run]:
    """Sort runs by "KEY [ASC|DESC]"; runs without a value come last, as in MLflow."""
    key, descending = parse_order(order_by)
    having: list[tuple[tuple[bool, float | str], Run]] = []
    lacking: list[Run] = []
    for run in runs:
        value = key.read(run)
        found = None if value is None else rank(value)
        if found is None:
            lacking.append(run)
        else:
            having.append(((isinstance(found, str), found), run))
    having.sort(key=lambda pair: pair[0], reverse=descending)
    return [run for _, run in having] + lacking


def like(pattern: str, sign: str) -> Callable[[str], bool]:
    """Make a test of what LIKE and ILIKE take: % for any text, _ for any character; in time linear in the text.

    ILIKE with plain letters finds plain letters, as MLflow's databases do: the Kelvin sign is no k.
    """
    flags = re.DOTALL
    if sign == "ilike":
        flags |= re.IGNORECASE | (re.ASCII if pattern.isascii() else 0)
    parts = pattern.split("%")
    compiled = [re.compile("".join("." if c == "_" else re.escape(c) for c in part), flags) for part in parts]
    if len(parts) == 1:
        return lambda text: compiled[0].fullmatch(text) is not None

    def test(text: str) -> bool:
        # The leftmost place of each part leaves the most room for the rest, so that no place is tried twice.
        found = compiled[0].match(text)
        for part in compiled[1:-1]:
            found = found and part.search(text, found.end())
        at = len(text) - len(parts[-1])
        return found is not None and at >= found.end() and compiled[-1].match(text, at) is not None

    return test


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _wrong(text, at, "this is not understood")
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        at = match.end()
    return tokens


def _comparison(tokens: list[_Token], text: str) -> Comparison:
    """Take one comparison off the front of the tokens."""
    first = tokens.pop(0)
    if first.kind == "string" and first.text.startswith("'"):
        raise _wrong(text, first.at, "a comparison starts with a key, as metrics.accuracy")
    key = key_of(first.text, text)
    if not tokens:
        raise _wrong(text, len(text), "a comparison is missing, as > 0.9")
    sign = tokens.pop(0)
    word = sign.text.lower()
    if word == "not" and tokens and tokens[0].text.lower() in ("in", "like", "ilike"):
        return replace(_valued(key, tokens.pop(0).text.lower(), tokens, text), negated=True)
    if word == "is":
        negated = bool(tokens) and tokens[0].text.lower() == "not"
        if negated:
            tokens.pop(0)
        if not tokens or tokens.pop(0).text.lower() != "null":
            raise _wrong(text, sign.at, "IS NULL or IS NOT NULL was expected")
        return Comparison(key, "null", negated=negated)
    if word not in _COMPARE and word not in ("like", "ilike", "in"):
        raise _wrong(text, sign.at, "a comparison was expected: = != > >= < <= LIKE ILIKE IN")
    return _valued(key, word, tokens, text)


def _valued(key: Key, sign: str, tokens: list[_Token], text: str) -> Comparison:
    if not tokens:
        raise _wrong(text, len(text), "a value is missing")
    value = tokens.pop(0)
    if sign == "in":
        if value.kind != "list":
            raise _wrong(text, value.at, "IN takes a list, as ('a', 'b')")
        members = re.findall(r"'((?:[^']|'')*)'", value.text)
        return Comparison(key, sign, frozenset(item.replace("''", "'") for item in members))
    if value.kind == "number":
        if sign in ("like", "ilike"):
            raise _wrong(text, value.at, f"{sign.upper()} takes text in quotes")
        return Comparison(key, sign, float(value.text))
    if value.kind != "string":
        raise _wrong(text, value.at, f"text stands in quotes: '{value.text}'")
    return Comparison(key, sign, value.text[1:-1].replace("''", "'"))


def _wrong(text: str, at: int, expected: str) -> UsageError:
    return UsageError(
        f"The filter {text!r} goes wrong at character {at + 1}: {expected}.",
        "For example: metrics.accuracy > 0.9 and params.model = 'forest'",
    )
