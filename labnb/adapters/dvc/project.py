"""A DVC project as its writers see it: where it is, its settings, its cache; and how one is made where none is."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from functools import cached_property

from labnb.adapters.dvc.aside import aside, left_behind, remove
from labnb.adapters.dvc.found import Pointers, project_of
from labnb.adapters.dvc.objects import Objects
from labnb.adapters.dvc.settings import Settings, read_settings
from labnb.adapters.dvc.wording import from_os
from labnb.model.errors import DataStoreError, NotFound
from labnb.runfolder.stat_cache import StatCache

#: Under `.dvc/tmp`, which git and DVC do not look into: what is being restored, and notes on it.
WORK = "labnb"
_DVCIGNORE = (
    "# Add patterns of files dvc should ignore, which could improve\n"
    "# the performance. Learn more at\n"
    "# https://dvc.org/doc/user-guide/dvcignore\n"
)


@dataclass(frozen=True)
class Project:
    """One DVC project at `top`, its settings read once for a call."""

    top: str
    settings: Settings
    objects: Objects
    pointers: Pointers
    stat_cache: StatCache

    @staticmethod
    def around(path: str, root: str, stat_cache: StatCache) -> Project:
        """Open the project that a path lies in; raises NotFound where there is none."""
        top = project_of(os.path.dirname(path) if path != root else path)
        if top is None:
            raise NotFound(f"{path} is in no DVC project.", "labnb data add makes one; so does dvc init.")
        settings = read_settings(top)
        return Project(top, settings, Objects(settings, stat_cache), Pointers(root), stat_cache)

    @property
    def work(self) -> str:
        """Where work-tree files are put together, before they are renamed."""
        return os.path.join(self.settings.tmp, WORK)

    @cached_property
    def git(self) -> str | None:
        """The git work tree around the project, None where DVC is told that there is none."""
        return None if self.settings.no_scm else git_top(self.top)


def git_top(folder: str) -> str | None:
    """Find the git work tree that a folder is in."""
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def make_project(root: str) -> tuple[str, ...]:
    """Make a DVC project in a folder as `dvc init` does (`--no-scm` without git, `--subdir` below its top).

    Gives the files that are to be committed; the index of git is not touched. The project is there whole or not at all.
    """
    in_git = git_top(root) is not None
    place = os.path.join(root, ".dvc")
    if in_git and _ignored(place, root):
        raise DataStoreError(f"git ignores {place}, so that no DVC project can be there.", "Add !.dvc to .gitignore.")
    written = [os.path.join(place, "config")]
    above = os.path.join(root, ".labnb-dvc.tmp")
    for folder in left_behind(above):
        remove(folder)
    try:
        with aside(above) as made:
            folder = os.path.join(made.folder, "dvc")
            os.makedirs(os.path.join(folder, "tmp"))
            with open(os.path.join(folder, "config"), "w", encoding="utf-8") as file:
                file.write("" if in_git else "[core]\n    no_scm = True\n")
            if in_git:
                with open(os.path.join(folder, ".gitignore"), "w", encoding="utf-8") as file:
                    file.write("/config.local\n/tmp\n/cache\n")
                written.append(os.path.join(place, ".gitignore"))
            with contextlib.suppress(FileExistsError):
                with open(os.path.join(root, ".dvcignore"), "x", encoding="utf-8") as file:
                    file.write(_DVCIGNORE)
                written.append(file.name)
            with contextlib.suppress(FileExistsError):  # another process was first
                os.rename(folder, place)
    except OSError as error:
        raise from_os(error, f"{root} cannot become a DVC project") from error
    return tuple(written)


def stage(paths: tuple[str, ...], top: str) -> None:
    """Have git take files into its index, where DVC is set to do so (`core.autostage`)."""
    subprocess.run(["git", "add", "--", *paths], cwd=top, capture_output=True, check=False)


def _ignored(path: str, root: str) -> bool:
    try:
        done = subprocess.run(["git", "check-ignore", "-q", "--", path], cwd=root, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0
