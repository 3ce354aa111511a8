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
from dataclasses import dataclass
from typing import Any

from labnb.model.dataset import FileUse
from labnb.model.errors import UsageError, nearest
from labnb.model.run import Run, parse_time
from labnb.model.values import as_number

Test = Callable[[Run], bool]

_ATTRIBUTES: dict[str, Callable[[Run], object]] = {
    "run_id": lambda run: run.uid,
    "uid": lambda run: run.uid,
    "run_name": lambda run: run.name,
    "name": lambda run: run.name,
    "status": lambda run: run.status.value,
    "user_id": lambda run: run.user,
    "user": lambda run: run.user,
    "notebook": lambda run: run.notebook or "",
    "fingerprint": lambda run: run.fingerprint or "",
    "published": lambda run: run.published,
    "start_time": lambda run: parse_time(run.started).timestamp() * 1000,
    "created": lambda run: parse_time(run.started).timestamp() * 1000,
    "end_time": lambda run: parse_time(run.ended).timestamp() * 1000 if run.ended else None,
    "duration": lambda run: run.duration,
}
_KINDS = {
    "metric": "metrics", "metrics": "metrics", "param": "params", "params": "params", "parameter": "params",
    "parameters": "params", "tag": "tags", "tags": "tags", "attribute": "attributes", "attributes": "attributes",
    "attr": "attributes", "run": "attributes", "dataset": "datasets", "datasets": "datasets",
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne,
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*'|"(?:[^"])*")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<compare>!=|>=|<=|==|=|>|<)
      | (?P<list>\((?:\s*'(?:[^']|'')*'\s*,?)*\s*\))
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


def parse_filter(text: str) -> Test:
    """Make a test of runs from a filter or free text. Raises UsageError that says where the text goes wrong."""
    if not text.strip():
        return lambda run: True
    if not _LOOKS_LIKE_FILTER.search(text):
        return _free_text(text)
    tokens = _tokens(text)
    tests: list[Test] = []
    while tokens:
        tests.append(_comparison(tokens, text))
        if tokens and not (tokens[0].text.lower() == "and" and len(tokens) > 1):
            raise _wrong(text, tokens[0].at, "comparisons are joined by AND")
        tokens = tokens[1:]
    return lambda run: all(test(run) for test in tests)


def parse_order(text: str) -> tuple[Callable[[Run], object], bool]:
    """Make a key and a direction (True: descending) from "metrics.accuracy DESC"."""
    words = text.split()
    descending = len(words) > 1 and words[-1].lower() == "desc"
    if len(words) > 1 and words[-1].lower() in ("asc", "desc"):
        words = words[:-1]
    read = _reader(" ".join(words), text)
    return read, descending


def sort_runs(runs: Iterable[Run], order_by: str) -> list[Run]:
    """Sort runs by "KEY [ASC|DESC]"; runs without a value come last, as in MLflow."""
    read, descending = parse_order(order_by)
    having: list[tuple[object, Run]] = []
    lacking: list[tuple[object, Run]] = []
    for run in runs:
        value = read(run)
        (lacking if value is None or value != value else having).append((value, run))
    having.sort(key=lambda pair: _comparable(pair[0]), reverse=descending)
    return [run for _, run in having] + [run for _, run in lacking]


def _comparable(value: object) -> tuple[int, float, str]:
    number = as_number(value)
    if number is None and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = None
    return (0, number, "") if number is not None else (1, 0.0, str(value))


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _wrong(text, at, "this is not understood")
        tokens.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
        at = match.end()
    return tokens


def _comparison(tokens: list[_Token], text: str) -> Test:
    """Take one comparison off the front of the tokens."""
    key = tokens.pop(0)
    if key.kind == "string" and key.text.startswith("'"):
        raise _wrong(text, key.at, "a comparison starts with a key, as metrics.accuracy")
    read = _reader(key.text, text)
    if not tokens:
        raise _wrong(text, len(text), "a comparison is missing, as > 0.9")
    sign = tokens.pop(0)
    word = sign.text.lower()
    if word == "not" and tokens and tokens[0].text.lower() in ("in", "like", "ilike"):
        inner = _valued(tokens.pop(0).text.lower(), tokens, text, read)
        return lambda run: not inner(run)
    if word == "is":
        negated = bool(tokens) and tokens[0].text.lower() == "not"
        if negated:
            tokens.pop(0)
        if not tokens or tokens.pop(0).text.lower() != "null":
            raise _wrong(text, sign.at, "IS NULL or IS NOT NULL was expected")
        return lambda run: (read(run) is None) is not negated
    if word not in _COMPARE and word not in ("like", "ilike", "in"):
        raise _wrong(text, sign.at, "a comparison was expected: = != > >= < <= LIKE ILIKE IN")
    return _valued(word, tokens, text, read)


def _valued(sign: str, tokens: list[_Token], text: str, read: Callable[[Run], object]) -> Test:
    if not tokens:
        raise _wrong(text, len(text), "a value is missing")
    value = tokens.pop(0)
    if sign == "in":
        if value.kind != "list":
            raise _wrong(text, value.at, "IN takes a list, as ('a', 'b')")
        members = {item.replace("''", "'") for item in re.findall(r"'((?:[^']|'')*)'", value.text)}
        return lambda run: read(run) in members
    if value.kind == "number":
        if sign in ("like", "ilike"):
            raise _wrong(text, value.at, f"{sign.upper()} takes text in quotes")
        return _number_test(read, _COMPARE[sign], float(value.text))
    if value.kind != "string":
        raise _wrong(text, value.at, f"text stands in quotes: '{value.text}'")
    wanted = value.text[1:-1].replace("''", "'")
    if sign in ("like", "ilike"):
        pattern = re.compile(
            "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in wanted),
            re.DOTALL | (re.IGNORECASE if sign == "ilike" else 0),
        )
        return lambda run: (found := read(run)) is not None and pattern.fullmatch(_as_text(found)) is not None
    compare = _COMPARE[sign]
    return lambda run: (found := read(run)) is not None and compare(_as_text(found), wanted)


def _number_test(read: Callable[[Run], object], compare: Callable[[Any, Any], bool], wanted: float) -> Test:
    def test(run: Run) -> bool:
        found = read(run)
        if isinstance(found, str):
            try:
                found = float(found)
            except ValueError:
                return False
        return found is not None and compare(found, wanted)

    return test


def _reader(key: str, text: str) -> Callable[[Run], object]:
    """Make a function that reads the key's value from a run; None where the run has none."""
    kind_text, dot, name = key.partition(".")
    name = name.strip('`"')
    if not dot:
        kind_text, name = "attributes", key.strip('`"').lower().replace(" ", "_")
    kind = _KINDS.get(kind_text.lower())
    if kind is None:
        raise UsageError(f"There is no {kind_text!r} to compare in {text!r}.", nearest(kind_text, set(_KINDS.values())))
    if kind == "metrics":
        return lambda run: run.metrics.get(name)
    if kind == "params":
        return lambda run: run.params.get(name)
    if kind == "tags":
        return lambda run: run.tags.get(name)
    if kind == "datasets":
        return lambda run: next((_dataset(use, name) for use in run.inputs if use.dataset), None)
    if name not in _ATTRIBUTES:
        raise UsageError(
            f"Runs have no attribute {name!r}.",
            nearest(name, [*_ATTRIBUTES, "metrics.…", "params.…", "tags.…"]),
        )
    return _ATTRIBUTES[name]


def _dataset(use: FileUse, name: str) -> str | None:
    return {"name": use.dataset, "digest": use.version, "version": use.version}.get(name)


def _free_text(text: str) -> Test:
    words = text.lower().split()

    def test(run: Run) -> bool:
        fields = [run.name, run.uid, run.user, run.status.value, run.notebook or ""]
        fields.extend(f"{name}={value}" for name, value in (*run.params.items(), *run.tags.items()))
        fields.extend(run.metrics)
        fields.extend(use.path for use in (*run.inputs, *run.outputs))
        whole = "\n".join(fields).lower()
        return all(word in whole for word in words)

    return test


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _wrong(text: str, at: int, expected: str) -> UsageError:
    return UsageError(
        f"The filter {text!r} goes wrong at character {at + 1}: {expected}.",
        "For example: metrics.accuracy > 0.9 and params.model = 'forest'",
    )
