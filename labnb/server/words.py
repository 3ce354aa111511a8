"""Words of a query and bodies of a request, read into the dataclasses that describe them."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from labnb.model.api import Bounds
from labnb.model.errors import UsageError, nearest

#: The words that every question may hold: the project, and what JupyterLab adds against caches and for its token.
EVERYWHERE = ("project", "token", "_xsrf")


def is_stamp(name: str) -> bool:
    """Whether a word is the time stamp that JupyterLab adds to every GET."""
    return name.isdigit()


@lru_cache(maxsize=256)
def hints(kind: type) -> dict[str, Any]:
    """Give the types of a dataclass's fields, with their bounds."""
    return typing.get_type_hints(kind, include_extras=True)


def read_query(kind: type, given: Mapping[str, Sequence[bytes]]) -> Any:
    """Read the words of a URL; raises UsageError that names the word and what it may be."""
    known = [field.name for field in dataclasses.fields(kind)]
    values: dict[str, Any] = {}
    for name, texts in given.items():
        if name in EVERYWHERE or is_stamp(name):
            continue
        if name not in known:
            raise UsageError(f"There is no word {name!r} here.", nearest(name, known) or "It takes none.")
        words = [_decoded(name, text) for text in texts]
        inner, bounds = _opened(hints(kind)[name])
        if typing.get_origin(inner) is list:
            (of,) = typing.get_args(inner)
            # One word may hold several, as comma-separated ids do; names may hold commas, so these are repeated.
            values[name] = [_scalar(name, word, of) for word in words]
            _bound(name, len(words), bounds, "of them")
        else:
            values[name] = _scalar(name, words[-1], hints(kind)[name])
    return _made(kind, values)


def read_body(kind: type, given: Any) -> Any:
    """Read the body of a request, JSON already; raises UsageError that names the field."""
    return _value("The body", given, kind)


def _made(kind: type, values: dict[str, Any]) -> Any:
    missing = [
        field.name
        for field in dataclasses.fields(kind)
        if field.name not in values
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UsageError(
            f"{missing[0]} is missing.", f"It takes: {', '.join(f.name for f in dataclasses.fields(kind))}."
        )
    return kind(**values)


def _decoded(name: str, text: bytes) -> str:
    try:
        word = text.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is no text in UTF-8.") from None
    if "\0" in word:
        raise UsageError(f"{name} holds a zero byte.")
    return word


def _opened(kind: Any) -> tuple[Any, Bounds | None]:
    if typing.get_origin(kind) is Annotated:
        inner, *rest = typing.get_args(kind)
        return inner, next((item for item in rest if isinstance(item, Bounds)), None)
    return kind, None


def _scalar(name: str, word: str, kind: Any) -> Any:
    """Read one word of a URL as a text, number, truth value or one of several words."""
    inner, bounds = _opened(kind)
    if typing.get_origin(inner) in (typing.Union, types.UnionType):
        inner = next(option for option in typing.get_args(inner) if option is not type(None))
    if typing.get_origin(inner) is Literal:
        return _chosen(name, word, inner)
    if inner is bool:
        if word not in ("true", "false"):
            raise UsageError(f"{name} must be true or false, not {word[:40]!r}.")
        return word == "true"
    if inner in (int, float):
        return _number(name, word, inner, bounds)
    _bound(name, len(word), bounds, "characters")
    return word


def _number(name: str, word: str, kind: type, bounds: Bounds | None) -> Any:
    try:
        # Python would take "1_000" and digits of other scripts.
        if not word.isascii() or "_" in word:
            raise ValueError
        number = kind(word)
    except (ValueError, OverflowError):
        number = math.nan
    if isinstance(number, float) and not math.isfinite(number):
        raise UsageError(f"{name} must be a {'whole ' if kind is int else ''}number, not {word[:40]!r}.")
    _bound(name, number, bounds, "")
    return number


def _chosen(name: str, word: Any, kind: Any) -> Any:
    options = typing.get_args(kind)
    if word not in options:
        raise UsageError(f"{name} cannot be {str(word)[:40]!r}.", f"It can be: {', '.join(map(str, options))}.")
    return word


def _bound(name: str, size: float, bounds: Bounds | None, what: str) -> None:
    if bounds is not None and not bounds.least <= size <= bounds.most:
        raise UsageError(f"{name} must be {bounds.least} to {bounds.most} {what}".rstrip() + f", not {size}.")


def _value(name: str, given: Any, kind: Any) -> Any:
    inner, bounds = _opened(kind)
    origin, options = typing.get_origin(inner), typing.get_args(inner)
    if origin in (typing.Union, types.UnionType):
        if given is None and type(None) in options:
            return None
        return _value(name, given, next(option for option in options if option is not type(None)))
    if origin is Literal:
        return _chosen(name, given, inner)
    if dataclasses.is_dataclass(inner) and isinstance(inner, type):
        return _object(name, given, inner)
    if origin in (list, dict):
        if not isinstance(given, origin):
            raise UsageError(f"{name} must be {'a list' if origin is list else 'an object'}.")
        _bound(name, len(given), bounds, "of them")
        if origin is list:
            return [_value(name, item, options[0]) for item in given]
        return {_key(name, key): _value(f"{name} {key[:40]!r}", item, options[1]) for key, item in given.items()}
    return _plain(name, given, inner, bounds)


def _plain(name: str, given: Any, kind: Any, bounds: Bounds | None) -> Any:
    right = isinstance(given, (int, float) if kind is float else kind) and (kind is bool or not isinstance(given, bool))
    if not right:
        raise UsageError(f"{name} must be of type {kind.__name__}.")
    if kind is str:
        _bound(name, len(given), bounds, "characters")
        if "\0" in given:
            raise UsageError(f"{name} holds a zero byte.")
    elif kind is not bool:
        _bound(name, given, bounds, "")
    return given


def _key(name: str, key: str) -> str:
    if not 1 <= len(key) <= 250 or "\0" in key:
        raise UsageError(f"A name in {name} must have 1 to 250 characters.")
    return key


def _object(name: str, given: Any, kind: type) -> Any:
    if not isinstance(given, dict):
        raise UsageError(f"{name} must be a JSON object.")
    known = [field.name for field in dataclasses.fields(kind)]
    for key in given:
        if key not in known:
            raise UsageError(f"{name} has no field {key[:80]!r}.", nearest(key, known))
    return _made(kind, {key: _value(key, item, hints(kind)[key]) for key, item in given.items()})
