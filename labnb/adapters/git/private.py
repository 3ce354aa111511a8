"""What the code store keeps for itself between runs: a private index, what it knows of it, and a lock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from labnb.model.errors import CodeStoreError

LOCK_SECONDS = 10.0


@dataclass
class Redacted:
    """A file that holds secrets: which stat it had, the blob without them, and (kind, line) of each."""

    stat: list[int]
    blob: str
    found: list[tuple[str, int]]


@dataclass
class State:
    """What is known of the private index.

    `source` is the stat of the researcher's index that it was copied from (empty where there was none), None
    when it must be copied again;
    `snapshot` the last commit made of it and `head` that commit's parent, both None while it is being changed.
    `sizes` are the bytes of the files that labnb put into it, by path; `clean` the blobs without secrets;
    `scanner` what they were scanned with. `files` are the stats of a folder's files where there is no repository.
    """

    source: list[int] | None = None
    head: str | None = None
    snapshot: str | None = None
    submodules: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    clean: list[str] = field(default_factory=list)
    redacted: dict[str, Redacted] = field(default_factory=dict)
    scanner: str = ""
    files: dict[str, list[int]] = field(default_factory=dict)

    @staticmethod
    def from_json(data: dict[str, Any]) -> State:
        """Read what was written; raises TypeError, KeyError or ValueError for anything else."""
        known = {f.name: data[f.name] for f in fields(State)}
        known["redacted"] = {
            path: Redacted(list(item["stat"]), str(item["blob"]), [(str(k), int(n)) for k, n in item["found"]])
            for path, item in known["redacted"].items()
        }
        return State(**known)


@dataclass
class Private:
    """The folder that holds it all. Only who holds the lock may use the index."""

    folder: Path
    lock: int | None = None

    @property
    def index(self) -> Path:
        """The private index."""
        return self.folder / "index"

    @property
    def _state_file(self) -> Path:
        return self.folder / "state.json"

    def load(self) -> State:
        """Give what is known; nothing, when it was never written or cannot be read."""
        try:
            return State.from_json(json.loads(self._state_file.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return State()

    def save(self, state: State) -> None:
        """Write aside, then rename: a reader sees the old state or the new one."""
        aside = self._state_file.with_name(f"state.{os.getpid()}.tmp")
        aside.write_text(json.dumps(asdict(state)))
        os.replace(aside, self._state_file)

    def copy_index(self, source: Path) -> list[int]:
        """Take over the researcher's index; give the stat that it had, empty where there is none."""
        before = stat_or_nothing(source)
        if not before:
            self.forget_index()
            return before
        aside = self.index.with_name("index.copy")
        # The time is kept: by it git knows which files changed in the same moment as the index was written.
        shutil.copy2(source, aside)
        os.replace(aside, self.index)
        return before

    def forget_index(self) -> None:
        """Remove the private index: the next one starts from nothing."""
        self.index.unlink(missing_ok=True)


def stat_key(found: os.stat_result) -> list[int]:
    """Give what tells one state of a file from another: size, time (ns) and inode."""
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def stat_or_nothing(path: Path) -> list[int]:
    """Give the key of a file, empty where there is none."""
    try:
        return stat_key(os.stat(path))
    except FileNotFoundError:
        return []


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[Private]:
    """Hold the private folder alone, or, where that takes too long, an empty one that is thrown away.

    The lock ends with the last process that has it open, so a git that outlives a killed kernel still counts.
    Raises CodeStoreError where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise CodeStoreError(
            f"The code was not kept: {folder} cannot be written ({error.strerror}).",
            "Make the project's .labnb folder writable.",
        ) from error
    try:
        if _locked(lock):
            # Whoever wrote these is gone: nobody else holds the lock.
            for left in ("index.lock", "index.copy"):
                (folder / left).unlink(missing_ok=True)
            yield Private(folder, lock)
        else:
            with tempfile.TemporaryDirectory(prefix="labnb-index-") as other:
                yield Private(Path(other))
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    give_up = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                return False
            time.sleep(0.005)
        except OSError:  # a file system without locks
            return False
        else:
            return True
