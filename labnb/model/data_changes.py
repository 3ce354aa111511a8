"""What writing to the Data Store came to: versions added, kept and restored, objects moved and freed, remotes."""

from __future__ import annotations

from dataclasses import dataclass

from labnb.model.dataset import DatasetVersion


@dataclass(frozen=True, slots=True)
class Added:
    """A dataset's new version, for everyone to see.

    `pointer` is the `.dvc` file that names it, `written` are the files of the project that were changed or made
    (absolute; the ones to commit). `new` is False where the version was there before. `notes` are warnings, one line
    each: names that another system cannot hold, folders that git tracks.
    """

    version: DatasetVersion
    pointer: str
    written: tuple[str, ...] = ()
    new: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """Content that lies in the cache now, while files, pointers and git are as they were.

    `pointer_path` (absolute) is where the pointer to that version would stand (a `.dvc` file, or a pipeline's
    `dvc.lock`), `pointer_text` what it would say; None for a part of a dataset. `size` is in bytes.
    """

    dataset: str
    version: str
    size: int
    files: int
    pointer_path: str | None
    pointer_text: str | None


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A version in the work tree, or in a folder of the user's.

    `path` is where it lies (absolute). `pointer` is the `.dvc` file that names it now, None where none was changed.
    `undo` is where the files lie that it replaced and that no version holds, None where there were none.
    `note` says what the user has to know: that a pipeline's lock file names another version.
    """

    path: str
    files: int
    size: int
    fetched: int = 0
    pointer: str | None = None
    undo: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Transferred:
    """Objects that were moved between the cache and a remote: how many, their bytes, and how many were there before."""

    remote: str
    objects: int
    size: int
    already: int


@dataclass(frozen=True, slots=True)
class RemoteInfo:
    """A DVC remote: its name, its address (no login in it), whether it is the default, and the file that says so."""

    name: str
    url: str
    default: bool
    level: str


@dataclass(frozen=True, slots=True)
class RemoteTest:
    """What works of a remote; None for what was not tried because the step before it failed.

    `problem` and `hint` say what is wrong and which setting would be right; both are "" where all works.
    """

    name: str
    url: str
    reachable: bool
    can_read: bool | None = None
    can_write: bool | None = None
    problem: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.reachable and self.can_read and self.can_write)


@dataclass(frozen=True, slots=True)
class Freed:
    """Objects of the cache that nothing uses: freed, or (`dry`) what would be. `kept` counts those in use.

    `young` counts unused objects that were spared because they came so recently that a run may still be about to
    name them. Sizes are in bytes.
    """

    objects: int
    size: int
    kept: int
    young: int
    dry: bool


@dataclass(frozen=True, slots=True)
class AddedLine:
    """A line of the project's list of added versions: what a pointer alone does not tell, and git may not know yet.

    `time` is ISO 8601 in UTC; `tags` are the names given to the version; `pointer_text` is the whole `.dvc` file.
    """

    dataset: str
    version: str
    size: int
    files: int
    time: str
    author: str
    message: str = ""
    tags: tuple[str, ...] = ()
    pointer_text: str = ""
