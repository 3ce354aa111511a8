"""The wiring of the Data Store: `Lab.data` puts catalog, writer, reader and runs into their use cases."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from labnb.model.data_diff import diff_contents
from labnb.model.dataset import Dataset, DatasetVersion, DataState, FileUse
from labnb.model.errors import NotFound
from labnb.ports.progress import Progress, silent
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import LabPaths

if TYPE_CHECKING:
    from labnb.model.data_changes import Added, Freed
    from labnb.model.data_diff import DataDiff
    from labnb.model.run import Note, Run, RunStatus
    from labnb.ports.content_reader import ContentReader
    from labnb.ports.data_catalog import DataCatalog
    from labnb.ports.data_writer import DataWriter
    from labnb.ports.file_history import FileHistory
    from labnb.usecases.bring_data import BringData
    from labnb.usecases.data_diff import CompareData
    from labnb.usecases.data_lineage import TraceData
    from labnb.usecases.data_log import DataLog
    from labnb.usecases.data_preview import PreviewData
    from labnb.usecases.keep_data import Follow, KeepData
    from labnb.usecases.save_data import SaveData


class DataLab:
    """The Data Store of a project; every part is made at first use. `remote` is the one that labnb.toml names."""

    def __init__(
        self, root: Path, paths: LabPaths, runs: Callable[[], Sequence[Run]], user: str, remote: str = ""
    ) -> None:
        self.root, self.remote = root, remote
        self._paths, self._runs, self._user = paths, runs, user

    @cached_property
    def catalog(self) -> DataCatalog:
        from labnb.adapters.dvc.catalog import DvcCatalog

        return DvcCatalog(self.root, self._history, self._digests, self._paths.versions)

    @cached_property
    def writer(self) -> DataWriter:
        from labnb.adapters.dvc.writer import DvcDataWriter

        return DvcDataWriter(self.root)

    @cached_property
    def reader(self) -> ContentReader:
        from labnb.adapters.tables import FileReader

        return FileReader()

    @cached_property
    def log(self) -> DataLog:
        from labnb.usecases.data_log import DataLog

        return DataLog(self.catalog, self._runs, self.root)

    @cached_property
    def bring(self) -> BringData:
        from labnb.adapters.dvc.elsewhere import DvcOtherRepository
        from labnb.usecases.bring_data import BringData

        return BringData(
            self.root,
            self._paths.brought,
            self.catalog,
            self.log,
            lambda: self.writer,
            DvcOtherRepository,
            self._code_file,
            self.remote,
        )

    def _code_file(self, revision: str, name: str) -> bytes | None:
        commit = self._history.commit(revision)
        return self._history.read([(commit, name)]).get((commit, name)) if commit else None

    @cached_property
    def _history(self) -> FileHistory:
        from labnb.adapters.git.history import GitFileHistory

        return GitFileHistory(self.root, self._paths.code)

    def keeping(self, policy: str, limit: int, follow: Follow) -> KeepData:
        """What keeps data that changed since their last version; `follow` puts pointers into a code snapshot."""
        from labnb.usecases.keep_data import KeepData

        return KeepData(self.root, lambda: self.writer, self.catalog.belongs, follow, policy, limit)

    @cached_property
    def save(self) -> SaveData:
        from labnb.usecases.save_data import SaveData

        return SaveData(self.root, lambda: self.writer, self._recorded)

    def saved(
        self, asked: Mapping[str, str], run: Run, status: RunStatus, outputs: Sequence[FileUse]
    ) -> tuple[tuple[FileUse, ...], tuple[Note, ...]]:
        """Make versions of what a cell wrote, as `--save` asks (dataset to path, "" where both are the same)."""
        from labnb.model.run import Note, RunStatus

        if status is not RunStatus.FINISHED:
            names = ", ".join(asked)
            return tuple(outputs), (Note("save", f"{names} was not saved: the cell did not finish."),)
        here = Path.cwd()
        paths = {
            os.path.normpath(name) if path else os.path.relpath(here / name, self.root): path or name
            for name, path in asked.items()
        }
        return self.save.save(paths, here, f"{run.name} (run {run.uid[:8]})", self._user, outputs)

    def save_output(self, run: Run, name: str, path: str, outputs: Mapping[str, Path]) -> DatasetVersion:
        """Make a file that a job wrote (`outputs`, by path in the project) a version of a dataset, made by its run."""
        from labnb.usecases.save_data import save_output

        return save_output(self.save, RunFolder(self._paths.run(run.uid)), run, name, path, outputs, self._user)

    def _recorded(self, name: str) -> bool:
        found = [item for item in self.catalog.datasets() if item.name == name]
        return bool(found) and self.catalog.with_state(found[0]).state is DataState.UNCHANGED

    @cached_property
    def compare(self) -> CompareData:
        from labnb.usecases.data_diff import CompareData

        return CompareData(self.catalog, self.log, self.reader)

    @cached_property
    def look(self) -> PreviewData:
        from labnb.usecases.data_preview import PreviewData

        return PreviewData(self.catalog, self.log, self.reader)

    @cached_property
    def trace(self) -> TraceData:
        from labnb.adapters.mlflow.models import logged_models
        from labnb.usecases.data_lineage import TraceData

        return TraceData(self.catalog, self.log, lambda: logged_models(self._paths.database))

    @property
    def in_git(self) -> bool:
        """Whether pointers can be committed."""
        return any((folder / ".git").exists() for folder in (self.root, *self.root.parents))

    def changes(self, dataset: Dataset, progress: Progress = silent) -> DataDiff | None:
        """Compare the files of a folder in the work tree with its recorded version; None where a list is missing."""
        recorded = self.catalog.content(dataset.name, dataset.version or "")
        present = self.catalog.present(dataset.name, progress)
        return diff_contents(recorded, present) if recorded is not None and present is not None else None

    def add(self, path: Path, *, message: str = "", tags: Iterable[str] = (), progress: Progress = silent) -> Added:
        """Make the present content of a path a version; the person is its author."""
        return self.writer.add(path.absolute(), message=message, tags=tags, author=self._user, progress=progress)

    def versions(self, names: Sequence[str], *, whole: bool = False) -> list[DatasetVersion]:
        """Give the versions that are meant: of NAME[@VERSION], or the recorded ones of all datasets; all of them."""
        if whole:
            chosen = [self.log.name(name) for name in names] or [item.name for item in self.catalog.datasets()]
            return [DatasetVersion(name, entry.version) for name in chosen for entry in self.log.log(name)]
        if names:
            entries = [self.log.find(name) for name in names]
            return [DatasetVersion(entry.dataset, entry.version, entry.size, entry.files) for entry in entries]
        found = [DatasetVersion(item.name, item.version) for item in self.catalog.datasets() if item.version]
        if not found:
            raise NotFound("There are no datasets yet.", "labnb data add PATH makes the first one.")
        return found

    def absent(self, versions: Iterable[DatasetVersion]) -> Iterator[DatasetVersion]:
        """Give those of the versions that the work tree records and does not have."""
        recorded = {item.name: item.version for item in self.catalog.datasets()}
        for version in versions:
            if recorded.get(version.dataset) == version.version and not os.path.lexists(self.root / version.dataset):
                yield version

    def gc(self, *, dry: bool = True, progress: Progress = silent) -> Freed:
        """Free what no run, pointer or tagged version uses."""
        from labnb.usecases.data_log import used_digests

        return self.writer.gc(set(used_digests(self._runs())), dry=dry, progress=progress)

    @cached_property
    def _digests(self) -> Callable[[Iterable[str], Progress], Mapping[str, str | None]]:
        from labnb.capture.files.digest import Hasher
        from labnb.runfolder.stat_cache import StatCache, signature

        with contextlib.suppress(OSError):
            self._paths.make()  # digests that are taken once are kept
        hasher = Hasher(StatCache(self._paths.cache / "stat.db"))

        def digests(paths: Iterable[str], progress: Progress) -> Mapping[str, str | None]:
            signs = {}
            for path in paths:
                try:
                    signs[path] = signature(os.stat(path))
                except OSError:
                    continue
            begun = time.monotonic()

            def tell(done: int, total: int) -> None:
                if time.monotonic() - begun > 0.1:
                    progress("looking at data", done, total, "B")

            found = hasher.all(signs.items(), tell)
            return {path: content.md5 for path, content in found.items()}

        return digests
