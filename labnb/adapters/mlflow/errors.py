"""Exceptions of MLflow, SQLAlchemy, SQLite and requests, said as labnb's errors: here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException

from labnb.model.errors import LabError, NotFound, StoreCorrupt, StoreError, StoreLocked, StoreUnreachable

_CORRUPT = (
    "file is not a database", "disk image is malformed", "no such table", "no such column", "can't locate revision",
    "out-of-date database schema", "file is encrypted",
)  # fmt: skip
_LOCKED = ("database is locked", "database table is locked")
_AWAY = (
    "connection refused", "max retries exceeded", "connection aborted", "connection reset", "timed out",
    "could not connect", "failed to establish", "name or service not known", "remote end closed", "too many 5",
    "temporary failure in name resolution", "api request to",
)  # fmt: skip
_GONE = ("resource_does_not_exist",)


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Raise what happens to the store at `uri` as one of the StoreErrors or NotFound."""
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
    first = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    if any(words in lower for words in _CORRUPT):
        return StoreCorrupt(f"The MLflow store {uri} is damaged: {first}.", HINT_CORRUPT)
    if any(words in lower for words in _LOCKED):
        return StoreLocked(f"The MLflow store {uri} is held by another process.", "It is tried again.")
    code = str(getattr(error, "error_code", "")).lower()
    if isinstance(error, MlflowException) and code in _GONE:
        return NotFound(f"{first}", f"It was looked for in {uri}.")
    if isinstance(error, ConnectionError | TimeoutError) or any(words in lower for words in _AWAY):
        return StoreUnreachable(f"The MLflow store {uri} does not answer: {first}.", "It is tried again.")
    return StoreError(f"The MLflow store {uri} refused: {first}.")


HINT_CORRUPT = (
    "The runs themselves are safe in .labnb/runs. Move the file away; `labnb sync` then writes a new one from them."
)
