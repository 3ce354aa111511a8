"""What DVC tracks, as its pointers say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LOCK = "dvc.lock"


@dataclass(frozen=True, eq=False)
class Out:
    """Data that DVC tracks, with the version that was recorded; each one is itself, whatever it holds.

    `path` is absolute, `project` the folder of its DVC project; `md5` ends in ".dir" for a folder. `legacy` marks what
    DVC before 3 wrote: texts were hashed with Unix line ends. `files` maps a folder's files to their md5 where the
    pointer itself lists them. `name` is the dataset's where its path is another one: a version was brought there.
    """

    path: str
    md5: str
    project: str
    legacy: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.md5.endswith(".dir")


def is_pointer(name: str) -> bool:
    """Whether a file name is one of DVC's (`.dvc` alone is its folder)."""
    return name == LOCK or (name.endswith(".dvc") and name != ".dvc")
