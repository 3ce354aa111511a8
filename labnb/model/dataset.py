"""Data: files that a run used, datasets, and versions of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class FileUse:
    """A file, or a folder of many files, that a run read or wrote.

    `path` is relative to the project where the file lies inside it (POSIX separators), absolute elsewhere;
    a folder ends in "/". `digest` is "md5:…" of the content, as DVC computes it ("md5:….dir" for folders),
    or None where it could not be taken (a note then says why). `size` is in bytes over all `files`.
    `dataset` and `version` name the dataset in the Data Store whose recorded content this is;
    `version` is None where the content differs from every known version.
    `seen` says how: "open" (inside Python), "watch" (by the file system), "args" (named to a subprocess).
    `cell` is the execution count of the earlier cell that read the file for this one;
    None where the run's own cell did.
    """

    path: str
    digest: str | None
    size: int
    files: int = 1
    dataset: str | None = None
    version: str | None = None
    seen: str = "open"
    cell: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the JSON of the file in a run's `inputs` and `outputs`."""
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def from_json(data: dict[str, Any]) -> FileUse:
        """Read what `to_json` gave; fields added later are passed over."""
        return FileUse(**{name: data[name] for name in FileUse.__slots__ if name in data})


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """One state of a dataset: its name (the path of the data, relative to the project) and content digest."""

    dataset: str
    version: str
    size: int | None = None
    files: int | None = None


class DataState(Enum):
    """How the data of a dataset lie in the work tree and in the cache, compared with the recorded version."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MISSING = "missing"  # not in the work tree; the cache holds it
    NOT_IN_CACHE = "not in cache"  # the cache does not hold all of it, whether or not the work tree does
    UNKNOWN = "unknown"  # it could not be looked at; nobody recorded a version yet


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of the project, as its pointer records it.

    `name` is the path of the data relative to the project. `version` is the recorded digest (md5 in hex, ".dir" behind
    it for a folder), None where none is recorded yet. `size` is in bytes. `pointer` is the file that records it,
    relative to the project. `origin` is "added", "stage" (`source` then names it), "import" or "import-url" (`source`
    says where from).
    """

    name: str
    version: str | None
    pointer: str
    folder: bool = False
    size: int | None = None
    files: int | None = None
    origin: str = "added"
    source: str = ""
    state: DataState = DataState.UNKNOWN

    def to_json(self) -> dict[str, Any]:
        """Give the JSON that `labnb data list --json` shows."""
        data = {name: getattr(self, name) for name in self.__slots__}
        return {**data, "state": self.state.value}


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """One version of a dataset, with what is known of it.

    `version` is the digest, `time` (ISO 8601, UTC), `author` and `message` are of who recorded it first. `tags` are
    names given to it; `revisions` the commits that record it, newest first. `made_by` and `used_by` are the uids of
    runs, newest first. `current` marks the version that the pointer in the work tree records. `recorded` says how it is
    known: "commit", "add" (it was added, and not committed yet), or "run" (a run read, wrote or kept it, and no more).
    """

    dataset: str
    version: str
    time: str = ""
    author: str = ""
    message: str = ""
    size: int | None = None
    files: int | None = None
    tags: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()
    made_by: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    current: bool = False
    recorded: str = "commit"

    def to_json(self) -> dict[str, Any]:
        """Give the JSON that `labnb data log --json` shows."""
        data = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


@dataclass(frozen=True, slots=True)
class Content:
    """What a version holds: its files, each by its path inside the dataset ("" for a dataset that is one file).

    `files` maps them to md5 in hex; `sizes` to bytes, where those are known.
    """

    dataset: str
    version: str
    files: dict[str, str]
    sizes: dict[str, int] = field(default_factory=dict)
