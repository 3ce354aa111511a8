"""How a check came out, in one word each."""

from __future__ import annotations

from labnb.model.health import Check, State


def ok(check: str, message: str) -> Check:
    """It is well."""
    return Check(check, State.OK, message)


def warn(check: str, message: str, hint: str) -> Check:
    """Something is less than it could be; labnb does its work."""
    return Check(check, State.WARNING, message, hint)


def fail(check: str, message: str, hint: str) -> Check:
    """It keeps labnb from doing its work."""
    return Check(check, State.FAILING, message, hint)
