"""The errors of labnb, one tree.

::

    LabError                   something is wrong; `code`, message, `hint`
    ├── UsageError             the words of a call are wrong
    │   ├── UnknownName        an option, target, run or setting that does not exist
    │   └── ConfigError        labnb.toml cannot be used
    ├── NotFound               a run, dataset or version that is not there
    ├── StoreError             a store cannot be read or written
    │   ├── StoreCorrupt       it is there, but damaged
    │   ├── StoreLocked        somebody else holds it
    │   ├── StoreMisplaced     it would lie where its locks may not hold
    │   ├── StoreRefused       it wants to know who asks, or does not allow it
    │   └── StoreUnreachable   it is elsewhere, and does not answer
    ├── CodeStoreError         the state of the code cannot be kept
    ├── DataStoreError         a dataset or one of its versions cannot be had
    ├── HostError              a machine cannot do what it was asked
    │   ├── HostRefused        it lets nobody in, or is not who it was
    │   └── HostUnreachable    it does not answer
    ├── ExecutorError          a job cannot be started, seen or ended
    ├── JobError               a job did not end well, or has no result
    ├── StateRefused           a value of the session cannot travel to a job
    ├── Conflict               the thing asked about is not in a state in which that can be done
    ├── TooLarge               more than is taken or given at once
    ├── Stale                  what was asked for was there, and is not kept any more
    └── RecordIncomplete       a part of a record could not be taken

Adapters translate foreign exceptions into these; each face has one table from
these classes to its exit codes, statuses or cards.
"""

from __future__ import annotations

from collections.abc import Iterable


class LabError(Exception):
    """What is wrong, with which thing, and what would have been right."""

    code = "error"
    #: Seconds that whoever refused asks to be left alone; 0 where nothing was said.
    retry_after = 0.0

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(LabError):
    """The words of a call are wrong."""

    code = "usage"


class UnknownName(UsageError):
    """A name that does not exist; the hint lists the nearest ones that do."""

    code = "unknown_name"

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no {kind} {name!r}.", nearest(name, known))


class ConfigError(UsageError):
    """labnb.toml cannot be used."""

    code = "config"


class NotFound(LabError):
    """A run, dataset or version that is not there."""

    code = "not_found"


class StoreError(LabError):
    """A store cannot be read or written."""

    code = "store"


class StoreCorrupt(StoreError):
    """The store is there, but damaged."""

    code = "store_corrupt"


class StoreLocked(StoreError):
    """Somebody else holds the store."""

    code = "store_locked"


class StoreMisplaced(StoreError):
    """The store would lie where its locks may not hold; it is not opened there."""

    code = "store_misplaced"


class StoreRefused(StoreError):
    """The store wants to know who asks, or does not allow it."""

    code = "store_refused"


class StoreUnreachable(StoreError):
    """The store is elsewhere, and does not answer; it may have said for how many seconds."""

    code = "store_unreachable"

    def __init__(self, message: str, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class CodeStoreError(LabError):
    """The state of the code cannot be kept."""

    code = "code_store"


class DataStoreError(LabError):
    """A dataset or one of its versions cannot be had."""

    code = "data_store"


class Conflict(LabError):
    """The thing asked about is not in a state in which that can be done."""

    code = "conflict"


class TooLarge(LabError):
    """More than is taken or given at once."""

    code = "too_large"


class Stale(LabError):
    """What was asked for was there, and is not kept any more."""

    code = "stale"


class RecordIncomplete(LabError):
    """A part of a record could not be taken."""

    code = "record_incomplete"


class HostError(LabError):
    """A machine cannot do what it was asked."""

    code = "host"


class HostRefused(HostError):
    """It lets nobody in, or is not who it was."""

    code = "host_refused"


class HostUnreachable(HostError):
    """It does not answer."""

    code = "host_unreachable"


class ExecutorError(LabError):
    """A job cannot be started, seen or ended."""

    code = "executor"


class JobError(LabError):
    """A job did not end well, or has no result."""

    code = "job"


class StateRefused(LabError):
    """A value of the session cannot travel to a job."""

    code = "state"


def nearest(name: str, known: Iterable[str], limit: int = 5) -> str:
    """Say which of the known names was probably meant.

    >>> nearest("accuray", ["accuracy", "loss"])
    'Did you mean accuracy?'
    """
    import difflib

    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if not names:
        return ""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"There are: {', '.join(names[:limit])}{more}."
