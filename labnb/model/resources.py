"""Resources: what a job may use, in one vocabulary over all executors."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

from labnb.model.errors import UsageError, nearest

_SIZES = {"": 1_000_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000, "T": 1_000_000_000_000}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_TIME = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job asks for; None leaves it to the executor.

    `memory` is in bytes for the whole job on a node, `time` in seconds of wall time. `partition`, `account`, `qos` and
    `constraint` are the scheduler's own words. `options` are further options of the scheduler, handed on as they are
    ("--exclusive").
    """

    cpus: int | None = None
    gpus: int | None = None
    memory: int | None = None
    time: int | None = None
    nodes: int | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    options: tuple[str, ...] = ()

    @staticmethod
    def parse(given: dict[str, Any], where: str = "") -> Resources:
        """Read resources as people write them: `memory` "8G" or MB, `time` "4:00:00", "90m" or minutes.

        Raises UsageError that names `where`, the wrong key or value, and what would have been right.
        """
        known = [field.name for field in fields(Resources)]
        values: dict[str, Any] = {}
        for key, value in given.items():
            if key not in known:
                raise UsageError(f"{where}There is no resource {key!r}.", nearest(key, known))
            values[key] = _READERS[key](key, value, where)
        return Resources(**values)

    def over(self, other: Resources) -> Resources:
        """Give these, and the other's where these say nothing."""
        mine = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in (None, ())}
        return replace(other, **mine)

    def to_json(self) -> dict[str, Any]:
        """Give what is asked for, and nothing of what is not."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in (None, ())}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def _count(key: str, value: object, where: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if number < (0 if key == "gpus" else 1):
        raise UsageError(f"{where}{key} must be a whole number, not {value!r}.", f"Write {key}=2.")
    return number


def _bytes(key: str, value: object, where: str) -> int:
    found = _SIZE.fullmatch(str(value).strip())
    if found is None or not float(found[1]):
        raise UsageError(f"{where}{key} must be a size, not {value!r}.", "Write 500M or 8G.")
    return int(float(found[1]) * _SIZES[found[2].upper()])


def _seconds(key: str, value: object, where: str) -> int:
    text = str(value).strip()
    seconds = 0
    if text.isdigit():
        seconds = int(text) * 60
    elif found := _TIME.fullmatch(text):
        days, hours, minutes, rest = (int(part or 0) for part in found.groups())
        seconds = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    elif _SPAN.fullmatch(text):
        for number, unit in re.findall(r"([\d.]+)([smhd])", text.lower()):
            seconds += int(float(number) * _UNITS[unit])
    if seconds <= 0:
        raise UsageError(f"{where}{key} must be a time, not {value!r}.", "Write 4:00:00, 90m or 2d.")
    return seconds


def _word(key: str, value: object, where: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w.,:&|()*+\[\]=/@%-]+", value):
        raise UsageError(f"{where}{key} must be a name, not {value!r}.")
    return value


def _options(key: str, value: object, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(i, str) and i.startswith("-") for i in items):
        raise UsageError(f"{where}{key} must be a list of options.", 'Write options = ["--exclusive"].')
    if any("\n" in item or "\0" in item for item in items):
        raise UsageError(f"{where}an option is one line.")
    return tuple(items)


_READERS = {
    "cpus": _count,
    "gpus": _count,
    "memory": _bytes,
    "time": _seconds,
    "nodes": _count,
    "partition": _word,
    "account": _word,
    "qos": _word,
    "constraint": _word,
    "options": _options,
}
