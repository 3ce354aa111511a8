"""Whether a store is asked at present: closed after it failed, for longer each time; a file, so that a restart of the
publisher does not open it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from labnb.runfolder.paths import LabPaths, write_atomic

# Seconds until a failed attempt is repeated: doubled each time up to the longest, and shaken by a fifth, so that many
# publishers that lost one server do not come back to it together.
FIRST_RETRY, LONGEST_RETRY, SHAKE = 1.0, 60.0, 0.2


def retry_after(failures: int, at_least: float = 0.0) -> float:
    """Give the seconds to wait after so many failures in a row; a server may ask for more, up to an hour."""
    wait = min(FIRST_RETRY * 2.0 ** min(failures - 1, 20), LONGEST_RETRY)
    wait *= random.uniform(1 - SHAKE, 1 + SHAKE)  # noqa: S311 - no secret
    return max(min(wait, LONGEST_RETRY), min(at_least, 3600.0))


@dataclass(frozen=True)
class Failure:
    """Why a store is not asked, since when (`failures` attempts in a row), and until when (seconds since the epoch)."""

    store: str
    failures: int
    retry_at: float
    code: str
    error: str


class Gate:
    """The gate of one store of a project."""

    def __init__(self, lab: LabPaths, store: str) -> None:
        self._store = store
        self._path: Path = lab.stores / f"{hashlib.sha256(store.encode()).hexdigest()[:16]}.json"

    def failure(self) -> Failure | None:
        """Give the last failure; None where the last attempt went well, or the file is damaged."""
        return _read(self._path)

    def closed(self) -> Failure | None:
        """Give the failure because of which the store is not to be asked now."""
        failure = self.failure()
        return failure if failure is not None and failure.retry_at > time.time() else None

    def fail(self, code: str, error: str, at_least: float = 0.0) -> Failure:
        """Close it after a failed attempt."""
        before = self.failure()
        failures = (before.failures if before else 0) + 1
        failure = Failure(self._store, failures, time.time() + retry_after(failures, at_least), code, error)
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            write_atomic(self._path, json.dumps(asdict(failure)))
        return failure

    def open(self) -> None:
        """The store has answered, or somebody wants it to be asked now."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def failing_stores(lab: LabPaths) -> list[Failure]:
    """List the stores of a project that failed when they were last asked."""
    try:
        found = [_read(path) for path in sorted(lab.stores.glob("*.json"))]
    except OSError:
        return []
    return [failure for failure in found if failure is not None]


def _read(path: Path) -> Failure | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Failure(**{name: data[name] for name in Failure.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None
