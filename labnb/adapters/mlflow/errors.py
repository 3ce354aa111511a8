"""Exceptions of MLflow, SQLAlchemy, SQLite and requests, said as labnb's errors: here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException

from labnb.adapters.mlflow.http import HttpRefusal
from labnb.model.address import without_secrets
from labnb.model.errors import (
    LabError,
    NotFound,
    StoreCorrupt,
    StoreError,
    StoreLocked,
    StoreRefused,
    StoreUnreachable,
)

_CORRUPT = (
    "file is not a database", "disk image is malformed", "no such table", "no such column", "can't locate revision",
    "out-of-date database schema", "file is encrypted",
)  # fmt: skip
_LOCKED = ("database is locked", "database table is locked")
_AWAY = (
    "connection refused", "max retries exceeded", "connection aborted", "connection reset", "timed out",
    "could not connect", "failed to establish", "name or service not known", "remote end closed", "too many 5",
    "temporary failure in name resolution", "api request to", "broken pipe", "connection broken",
    "connection is bad", "server closed the connection", "no route to host", "connection to server at",
)  # fmt: skip
_LOGIN = ("password authentication failed", "no password supplied", "access denied for user")
_SHORT = {
    "connection refused": "nobody listens there",
    "name or service not known": "there is no such host",
    "failed to resolve": "there is no such host",
    "temporary failure in name resolution": "there is no such host, or no network",
    "no route to host": "there is no network to it",
    "network is unreachable": "there is no network to it",
    "timed out": "no answer in time",
    "remote end closed": "it closed the connection",
    "connection reset": "it closed the connection",
    "broken pipe": "it closed the connection",
}
_GONE = ("resource_does_not_exist",)


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Raise what happens to the store at `uri` (without its secrets) as one of the StoreErrors or NotFound."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        raise translate(uri, error) from error


def translate(uri: str, error: Exception) -> LabError:
    """Say an exception as one of labnb's errors."""
    text = f"{type(error).__name__}: {error}"
    lower = text.lower()
    first = without_secrets((str(error).strip() or type(error).__name__).splitlines()[0])[:300]
    said = _answer(error)
    if said is not None:
        return _refused(uri, said)
    if any(words in lower for words in _CORRUPT):
        return StoreCorrupt(f"The MLflow store {uri} is damaged: {first}.", HINT_CORRUPT)
    if any(words in lower for words in _LOCKED):
        return StoreLocked(f"The MLflow store {uri} is held by another process.", "It is tried again.")
    if any(words in lower for words in _LOGIN):
        return StoreRefused(f"The MLflow store {uri} refused the login: {first}.", HINT_LOGIN)
    code = str(getattr(error, "error_code", "")).lower()
    if isinstance(error, MlflowException) and code in _GONE:
        return NotFound(f"{first}", f"It was looked for in {uri}.")
    if isinstance(error, ConnectionError | TimeoutError) or any(words in lower for words in _AWAY):
        return StoreUnreachable(f"The MLflow store {uri} does not answer: {_why(error, first)}.", "It is tried again.")
    return StoreError(f"The MLflow store {uri} refused: {first}.")


def _answer(error: BaseException | None) -> HttpRefusal | None:
    """Find the server's answer behind the exceptions that MLflow makes of it."""
    for _ in range(10):
        if error is None or isinstance(error, HttpRefusal):
            return error
        error = error.__cause__ or error.__context__
    return None


def _refused(uri: str, said: HttpRefusal) -> LabError:
    if said.status == 401:
        return StoreRefused(f"The MLflow store {uri} refused the login ({said}).", HINT_LOGIN)
    if said.status == 403:
        return StoreRefused(f"The MLflow store {uri} does not allow it ({said}).", HINT_FORBIDDEN)
    if said.status in (408, 429, 503):
        return StoreUnreachable(f"The MLflow store {uri} is busy ({said}).", "It is tried again.", said.retry_after)
    return StoreUnreachable(f"The MLflow store {uri} is in trouble ({said}).", "It is tried again.", said.retry_after)


def _why(error: BaseException, first: str) -> str:
    """Say in few words why there is no connection; what MLflow makes of it fills three lines."""
    lower = first.lower()
    for words, short in _SHORT.items():
        if words in lower or words in f"{error}".lower():
            return short
    return first


HINT_CORRUPT = (
    "The runs themselves are safe in .labnb/runs. Move the file away; `labnb sync` then writes a new one from them."
)

HINT_LOGIN = (
    "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or write them into "
    "~/.mlflow/credentials; then `labnb sync`."
)
HINT_FORBIDDEN = (
    "Ask who runs the server for the right to edit the experiment, or name another one: [tracking] experiment in "
    "labnb.toml; then `labnb sync`."
)
