"""Failures as REST says them: one table from the class of an error to its status."""

from __future__ import annotations

from http import HTTPStatus

from labnb.model.api import Problem
from labnb.model.errors import (
    CodeStoreError,
    ConfigError,
    Conflict,
    DataStoreError,
    ExecutorError,
    HostError,
    HostUnreachable,
    JobError,
    LabError,
    NotFound,
    Stale,
    StoreError,
    StoreLocked,
    StoreRefused,
    StoreUnreachable,
    TooLarge,
    UsageError,
)
from labnb.model.plain import sound

#: The first class that fits, by the order of inheritance, gives the status.
STATUSES: dict[type[LabError], int] = {
    NotFound: 404,
    ConfigError: 409,
    UsageError: 400,
    StoreLocked: 503,
    StoreRefused: 502,
    StoreUnreachable: 502,
    HostUnreachable: 502,
    HostError: 502,
    ExecutorError: 502,
    StoreError: 500,
    CodeStoreError: 500,
    DataStoreError: 500,
    JobError: 409,
    Conflict: 409,
    TooLarge: 413,
    Stale: 410,
    LabError: 500,
}


class Busy(LabError):
    """The server has too many questions to answer already."""

    code = "busy"


STATUSES[Busy] = 503

#: Of failures that have no error of ours: what to do about them.
_HINTS = {
    400: "docs/rest.md and /labnb/api/openapi.json say what may be asked.",
    403: "Log in again, or ask whoever runs this server for the permission.",
    404: "/labnb/api/openapi.json lists what there is.",
    405: "/labnb/api/openapi.json lists what may be asked of each resource.",
    500: "The server's log has the traceback.",
}


def problem_of(error: LabError) -> tuple[int, Problem]:
    """Give status and Problem of one of labnb's own errors."""
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return status, Problem(error.code, sound(error.message), sound(error.hint))


def problem_of_status(status: int, message: str = "") -> Problem:
    """Give the Problem of a status that the web server itself came to."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return Problem(phrase.lower().replace(" ", "_"), message or f"{phrase}.", _HINTS.get(status, ""))
