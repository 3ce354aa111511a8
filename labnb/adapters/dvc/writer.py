"""The data writer on DVC: its formats, its cache, its locks; its library where objects go to remotes."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labnb.adapters.dvc import gc as clearing
from labnb.adapters.dvc import remotes as remote_settings
from labnb.adapters.dvc.add import add, keep
from labnb.adapters.dvc.checkout import restore, restore_to, wanted
from labnb.adapters.dvc.exchange import heal
from labnb.adapters.dvc.found import project_of
from labnb.adapters.dvc.project import Project, make_project
from labnb.adapters.dvc.settings import read_settings
from labnb.adapters.dvc.transfer import fetch, pull, push, salvage
from labnb.adapters.dvc.used import projects_below
from labnb.model.data_changes import Added, CheckedOut, Freed, KeptVersion, RemoteInfo, RemoteTest, Transferred
from labnb.model.dataset import DatasetVersion
from labnb.model.errors import DataStoreError, NotFound
from labnb.ports.progress import Progress, silent
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.stat_cache import StatCache


class DvcDataWriter:
    """The writer of one labnb project (`ports.data_writer.DataWriter`), for every DVC project in and around it."""

    def __init__(self, root: Path, *, young: float = clearing.YOUNG) -> None:
        self._root = str(root.resolve())
        self._paths = LabPaths(Path(self._root))
        self._stat_cache = StatCache(self._paths.cache / "stat.db")
        self._young = young

    def add(
        self, path: Path, *, message: str = "", tags: Iterable[str] = (), author: str = "", progress: Progress = silent
    ) -> Added:
        """See the port."""
        place = self._place(path)
        if not os.path.lexists(place):
            raise NotFound(f"There is no file or folder {place}.")
        self._paths.make()
        made: tuple[str, ...] = ()
        if project_of(os.path.dirname(place)) is None:
            if not place.startswith(self._root + os.sep):
                raise DataStoreError(
                    f"{place} lies outside the project {self._root} and in no DVC project.",
                    "Move it into the project, or run dvc init where it lies.",
                )
            made = make_project(self._root)
        project = self._open(place, progress)
        tags = tuple(dict.fromkeys(tags))
        words: dict[str, Any] = {}
        if message:
            words["message"] = message
        if tags:
            words["tags"] = list(tags)
        return add(
            project,
            place,
            self._root,
            words=words,
            author=author,
            tags=tags,
            added=self._paths.versions,
            made=made,
            progress=progress,
        )

    def keep(
        self, path: Path, *, pointers: Mapping[str, str] | None = None, progress: Progress = silent
    ) -> KeptVersion:
        """See the port."""
        place = self._place(path)
        project = Project.around(place, self._root, self._stat_cache)
        return keep(project, place, self._root, pointers or {}, progress)

    def checkout(
        self,
        version: DatasetVersion,
        to: Path | None = None,
        *,
        force: bool = False,
        remote: str = "",
        progress: Progress = silent,
    ) -> CheckedOut:
        """See the port."""
        place = self._place_of(version.dataset)
        project = self._open(place, progress)

        def bring(objects: set[str]) -> int:
            return self._bring(project, version, objects, remote, progress)

        what, fetched = wanted(project, version, place, bring)
        if to is not None:
            done = restore_to(project, what, self._place(to), progress)
        else:
            undo = str(self._paths.home / "undo")
            done = restore(project, what, force=force, undo=undo, progress=progress)
        return CheckedOut(done.path, done.files, done.size, fetched, done.pointer, done.undo, done.note)

    def push(self, versions: Iterable[DatasetVersion], remote: str = "", progress: Progress = silent) -> Transferred:
        """See the port."""
        return self._move(push, versions, remote, progress)

    def pull(self, versions: Iterable[DatasetVersion], remote: str = "", progress: Progress = silent) -> Transferred:
        """See the port."""
        return self._move(pull, versions, remote, progress)

    def remotes(self) -> tuple[RemoteInfo, ...]:
        """See the port."""
        try:
            tops = [top] if (top := self._top()) else []
        except NotFound:  # several: the remotes of all of them
            tops = list(projects_below(self._root))
        return tuple(info for top in tops for info in remote_settings.remotes(read_settings(top)))

    def add_remote(self, name: str, url: str, *, default: bool = False) -> RemoteInfo:
        """See the port."""
        if self._top() is None:
            make_project(self._root)
        return remote_settings.add_remote(self._here(), name, url, default=default)

    def test_remote(self, name: str = "") -> RemoteTest:
        """See the port."""
        return remote_settings.test_remote(self._here(), name)

    def gc(self, keep: Iterable[str], *, dry: bool = True, progress: Progress = silent) -> Freed:
        """See the port."""
        names = {*keep, *self._tagged()}
        tops = list(dict.fromkeys([*filter(None, [project_of(self._root)]), *projects_below(self._root)]))
        if not tops:
            raise NotFound(f"{self._root} is in no DVC project.", "labnb data add makes one.")
        found = []
        for top in tops:
            project = self._open(os.path.join(top, "x"), progress)
            found.append(clearing.free(project, names, self._paths.code, dry=dry, young=self._young, progress=progress))
        return Freed(
            sum(item.objects for item in found),
            sum(item.size for item in found),
            sum(item.kept for item in found),
            sum(item.young for item in found),
            dry,
        )

    def _bring(
        self, project: Project, version: DatasetVersion, objects: set[str], remote: str, progress: Progress
    ) -> int:
        """Fetch what the cache lacks of a version; an error says what is missing, and where it could come from."""
        where = ", ".join(sorted(project.settings.remotes)) or "none is set"
        what = f"{len(objects):,} of its files {'is' if len(objects) == 1 else 'are'}"
        if version.version.endswith(".dir") and version.version in objects:
            what = "the list of its files is"
        lacking = f"{version.dataset}@{version.version[:8]}: {what} not in the cache"
        try:
            fetch(project, objects, remote, progress)
        except (NotFound, DataStoreError) as error:
            raise type(error)(f"{lacking}. {error.message} Nothing was restored.", error.hint) from error
        except Exception as error:
            self._explain(error, f"{lacking}, and could come from a remote ({where}).")
            raise
        return len(objects)

    @staticmethod
    def _explain(error: Exception, what: str) -> None:
        from labnb.model.errors import LabError

        if isinstance(error, LabError):
            error.message = f"{what} {error.message} Nothing was restored."
            error.args = (error.message,)

    def _move(self, how: Any, versions: Iterable[DatasetVersion], remote: str, progress: Progress) -> Transferred:
        """Push or pull, each DVC project its own versions."""
        by_top: dict[str, list[DatasetVersion]] = {}
        for version in versions:
            place = self._place_of(version.dataset)
            top = project_of(os.path.dirname(place))
            if top is None:
                raise NotFound(f"{version.dataset} is in no DVC project.", "labnb data list shows the datasets.")
            by_top.setdefault(top, []).append(version)
        done: list[Transferred] = []
        for top, group in by_top.items():
            done.append(how(self._open(os.path.join(top, "x"), progress), group, remote, progress))
        return Transferred(
            ", ".join(dict.fromkeys(item.remote for item in done)),
            sum(item.objects for item in done),
            sum(item.size for item in done),
            sum(item.already for item in done),
        )

    def _here(self) -> Project:
        return Project.around(os.path.join(self._top() or self._root, "x"), self._root, self._stat_cache)

    def _top(self) -> str | None:
        """Give the DVC project that is meant where nothing names one: around the project or the working folder.

        Else the only one in the project; None where there is none. Raises NotFound that names them, where there are
        several.
        """
        with contextlib.suppress(FileNotFoundError):
            for folder in (self._root, os.path.realpath(os.getcwd())):
                top = project_of(folder)
                if top is not None and (folder == self._root or f"{top}/".startswith(f"{self._root}/")):
                    return top
        below = sorted(projects_below(self._root))
        if len(below) > 1:
            names = ", ".join(os.path.relpath(top, self._root) for top in below)
            raise NotFound(f"There are several DVC projects in {self._root}: {names}.", "Work in the folder of one.")
        return below[0] if below else None

    def _open(self, place: str, progress: Progress) -> Project:
        """Open the DVC project around a place, cleared of what killed processes left in it."""
        project = Project.around(place, self._root, self._stat_cache)
        salvage(project.objects, progress)
        heal(project.work)
        return project

    def _place(self, path: Path) -> str:
        return os.path.normpath(os.path.join(self._root, path))

    def _place_of(self, dataset: str) -> str:
        """Give where a dataset lies; raises NotFound for a name that leads out of its DVC project."""
        place = os.path.normpath(os.path.join(self._root, dataset))
        top = project_of(os.path.dirname(place))
        inside = top is not None and place.startswith(top + os.sep)
        if not inside or not os.path.realpath(os.path.dirname(place)).startswith(os.path.realpath(top or "")):
            raise NotFound(f"There is no dataset {dataset!r} in {self._root}.", "labnb data list shows the datasets.")
        return place

    def _tagged(self) -> set[str]:
        """Give the added versions that somebody gave a name."""
        found: set[str] = set()
        try:
            lines = self._paths.versions.read_text(encoding="utf-8").splitlines()
        except OSError:
            return found
        for line in lines:
            try:
                item = json.loads(line)
                if item.get("tags"):
                    found.add(str(item["version"]))
            except (ValueError, KeyError, AttributeError):
                continue
        return found
