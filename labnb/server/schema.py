"""JSON schemas of the dataclasses that REST speaks."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from typing import Annotated, Any, Literal

from labnb.model.api import Bounds
from labnb.server.words import hints

#: The least and the most of which kind of schema, by its type.
_BOUNDS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
}


class Schemas:
    """Collects the schemas of all dataclasses that are named; `asked` keeps defaults optional, as in a body."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    def of(self, kind: Any, *, asked: bool = False) -> dict[str, Any]:
        """Give the schema of a type; that of a dataclass is kept under its name and referred to."""
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, options = typing.get_origin(kind), typing.get_args(kind)
        if origin is Annotated:
            return self._bounded(self.of(options[0], asked=asked), options[1:])
        if origin is Literal:
            return {"enum": list(options)} if len(options) > 1 else {"const": options[0]}
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(option, asked=asked) for option in options]}
        if origin in (list, tuple):
            return {"type": "array", "items": self.of(options[0], asked=asked)}
        if origin is dict:
            schema: dict[str, Any] = {"type": "object", "additionalProperties": self.of(options[1], asked=asked)}
            if asked:
                schema["propertyNames"] = {"minLength": 1, "maxLength": 250}
            return schema
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            self.found.setdefault(kind.__name__, {"type": "string", "enum": [item.value for item in kind]})
            return {"$ref": f"#/components/schemas/{kind.__name__}"}
        return self._object(kind, asked=asked)

    def _object(self, kind: type, *, asked: bool) -> dict[str, Any]:
        name = kind.__name__
        if name not in self.found:
            self.found[name] = {}  # a type may hold itself
            fields = dataclasses.fields(kind)
            needed = [
                field.name
                for field in fields
                if not asked or (field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)
            ]
            schema: dict[str, Any] = {
                "type": "object",
                "description": description_of(kind),
                "properties": {field.name: self.of(hints(kind)[field.name], asked=asked) for field in fields},
                "required": needed,
                "additionalProperties": False,
            }
            if not schema["description"]:
                del schema["description"]
            self.found[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}

    def _bounded(self, schema: dict[str, Any], rest: tuple[Any, ...]) -> dict[str, Any]:
        for bounds in (item for item in rest if isinstance(item, Bounds)):
            least, most = _BOUNDS[schema["type"]]
            schema |= {least: bounds.least, most: bounds.most}
        return schema


def description_of(kind: type) -> str:
    """Give the docstring of a dataclass as one paragraph, "" where it wrote none itself."""
    text = inspect.cleandoc(kind.__doc__ or "")
    return "" if text.startswith(f"{kind.__name__}(") else " ".join(text.split())
