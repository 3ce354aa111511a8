"""The OpenAPI document, made from the operations: `GET /labnb/api/openapi.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

from labnb.model.api import Free, Problem
from labnb.server.answers import text_of
from labnb.server.operation import Ask, Download, Operation, Ready
from labnb.server.schema import Schemas
from labnb.server.words import hints

_PROJECT = {
    "name": "project",
    "in": "query",
    "required": False,
    "description": "The id of a project (GET projects lists them); that of the server's folder where it is left out.",
    "schema": {"type": "string", "maxLength": 64},
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Make the whole document; paths are relative to `/labnb/api/` under the server's base URL."""
    schemas = Schemas()
    problem = schemas.of(Problem)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(f"/{operation.path}", {})[operation.verb.lower()] = _said(operation, schemas, problem)
    return {
        "openapi": "3.1.0",
        "info": {"title": "labnb", "version": version("labnb"), "summary": "Runs, datasets and jobs of a project."},
        "servers": [{"url": "/labnb/api", "description": "under the base URL of the Jupyter server"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.found.items())),
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "token …"}
            },
        },
    }


def _said(operation: Operation, schemas: Schemas, problem: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.says,
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": _ID}}
                for name in operation.parameters
            ),
            *_words(operation.query, schemas),
            _PROJECT,
        ],
        "responses": {
            str(operation.status): _answer(operation.answer, schemas),
            "default": {"description": "A problem.", "content": {"application/json": {"schema": problem}}},
        },
    }
    if operation.body is not None:
        schema = schemas.of(operation.body, asked=True)
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return said


_ID = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"


def _words(kind: type, schemas: Schemas) -> Iterable[dict[str, Any]]:
    for field in dataclasses.fields(kind):
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        schema = schemas.of(_without_null(hints(kind)[field.name]), asked=True)
        if not missing and field.default not in (dataclasses.MISSING, None):
            schema["default"] = field.default
        word = {"name": field.name, "in": "query", "required": missing, "schema": schema}
        if schema.get("type") == "array":
            word |= {"style": "form", "explode": True}
        yield word


def _without_null(kind: Any) -> Any:
    options = getattr(kind, "__args__", ())
    return next((o for o in options if o is not type(None)), kind) if type(None) in options else kind


def _answer(kind: Any, schemas: Schemas) -> dict[str, Any]:
    if kind is Download:
        binary = {"schema": {"type": "string", "contentEncoding": "binary"}}
        return {"description": "The file, as an attachment; ranges are answered.", "content": {"*/*": binary}}
    schema = {"type": "object"} if kind is Free else schemas.of(kind)
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


@cache
def _text() -> str:
    from labnb.server.operations import OPERATIONS

    return text_of(document(OPERATIONS))


def openapi(ask: Ask) -> Ready:
    """Answer with the document itself."""
    return Ready(_text())


OPERATIONS = (Operation("GET", "openapi.json", "openapi", openapi, Free, "This document."),)
