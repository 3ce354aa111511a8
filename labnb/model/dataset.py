"""Data: files that a run used, datasets, and versions of them."""

from __future__ import annotations

from dataclasses import dataclass
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
