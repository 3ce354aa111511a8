"""Data that changed since their last version are not lost: after the cell their content goes to the Data Store.

The pointer goes into the hidden snapshot of the code; the researcher's files, pointers and branch stay as they are.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labnb.model.data_changes import KeptVersion
from labnb.model.dataset import FileUse
from labnb.model.errors import LabError
from labnb.model.preview import size_text
from labnb.model.run import Note
from labnb.model.snapshot import CodeVersion
from labnb.ports.data_writer import DataWriter

#: What is larger (bytes, files) is kept beside the next cells: the researcher does not wait for it.
AT_ONCE = 64_000_000
FILES_AT_ONCE = 500
NAMED = 5

#: What folders that were read in part stand for: md5 by path inside them, by their digest.
Parts = Mapping[str, Mapping[str, str]]
Belongs = Callable[[FileUse, str, str, Parts], bool]
Follow = Callable[[CodeVersion, Mapping[str, str]], CodeVersion]


@dataclass(frozen=True)
class Kept:
    """What became of changed data: the inputs with their versions, the code snapshot with their pointers, notes.

    `waiting` are datasets too large to be kept at once.
    """

    inputs: tuple[FileUse, ...]
    code: CodeVersion | None
    notes: tuple[Note, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeepData:
    """The use case. `policy` and `limit` (bytes) are those of labnb.toml.

    `belongs` says whether a file that a run read is, with its digest, in a version of a dataset. `follow` puts files
    (by absolute path) into a hidden snapshot.
    """

    root: Path
    writer: Callable[[], DataWriter]
    belongs: Belongs
    follow: Follow
    policy: str
    limit: int

    def keep(self, inputs: Sequence[FileUse], code: CodeVersion | None, parts: Parts, *, wait: bool = True) -> Kept:
        """Keep the datasets among the inputs that have no version; with `wait` false only those that take no time."""
        names = changed(inputs)
        if not names or self.policy == "off":
            return Kept(tuple(inputs), code)
        if self.policy == "record":
            why = "[data] policy is record."
            return Kept(tuple(inputs), code, (_not_kept(names, why, 'policy = "version" keeps the content as well.'),))
        # Who does not wait does not wait for a look at all files of a large folder either.
        waiting = [] if wait else [name for name in names if self._takes_long(name)]
        now, notes = self.allowed([name for name in names if name not in waiting])
        kept = self.keep_these(now, inputs, code, parts)
        if waiting:
            notes.append(keeping(waiting))
        return Kept(kept.inputs, kept.code, (*notes, *kept.notes), tuple(waiting))

    def allowed(self, names: Sequence[str]) -> tuple[list[str], list[Note]]:
        """Give the datasets that are not too large to be kept, and a note on those that are."""
        sizes = {name: self._measure(name, self.limit, None)[0] for name in names}
        large = [f"{name} ({size_text(size)})" for name, size in sizes.items() if size > self.limit]
        if not large:
            return list(names), []
        hint = "[data] max_version_mb in labnb.toml allows more; labnb data add makes it a version."
        note = _not_kept(large, f"Larger than {size_text(self.limit)}.", hint)
        return [name for name in names if sizes[name] <= self.limit], [note]

    def keep_these(
        self, names: Iterable[str], inputs: Sequence[FileUse], code: CodeVersion | None, parts: Parts
    ) -> Kept:
        """Keep these datasets, however long it takes; what cannot be kept is told."""
        notes: list[Note] = []
        pointers: dict[str, str] = {}
        for name in names:
            try:
                version = self.writer().keep(self.root / name, pointers=pointers)
            except LabError as error:
                notes.append(Note("data_not_kept", f"{name} was not kept: {error.message}", error.hint))
                continue
            before = inputs
            inputs = self._with_version(name, version, inputs, parts)
            lost = [use.path for use in inputs if use.dataset == name and use.version is None]
            if lost:
                shown = ", ".join(lost[:NAMED]) + (" …" if len(lost) > NAMED else "")
                hint = "The digests that the run read are recorded."
                notes.append(Note("data_not_kept", f"Changed again before it could be kept: {shown}.", hint))
            if inputs != before:
                short = version.version[:8]
                message = f"{name} has changed since its last version; its content was kept as {name}@{short}."
                hint = f"labnb data add {name} makes it a version for everyone."
                if version.pointer_path and version.pointer_path != f"{self.root / name}.dvc":
                    hint = "It is what a stage made or an import brought, and is not that any more."
                notes.append(Note("data_kept", message, hint))
                if version.pointer_path and version.pointer_text is not None:
                    pointers[version.pointer_path] = version.pointer_text
        if pointers and code is not None:
            try:
                code = self.follow(code, pointers)
            except LabError as error:
                message = f"The pointers of kept data are not in the snapshot of the code: {error.message}"
                notes.append(Note("data_pointer", message, error.hint))
        return Kept(tuple(inputs), code, tuple(notes))

    def _with_version(
        self, name: str, version: KeptVersion, inputs: Sequence[FileUse], parts: Parts
    ) -> tuple[FileUse, ...]:
        """Name the version at the files that are in it; those of a folder become one entry when all of them are."""
        found = [
            dataclasses.replace(use, version=version.version)
            if use.dataset == name and self.belongs(use, name, version.version, parts)
            else use
            for use in inputs
        ]
        own = [use for use in found if use.dataset == name]
        if len(own) < 2 or any(use.version != version.version for use in own):
            return tuple(found)
        whole = FileUse(
            path=f"{name}/",
            digest=f"md5:{version.version}",
            size=sum(use.size for use in own),
            files=sum(use.files for use in own),
            dataset=name,
            version=version.version,
            seen=own[0].seen,
            cell=own[0].cell if len({use.cell for use in own}) == 1 else None,
        )
        return tuple(whole if use is own[0] else use for use in found if use is own[0] or use not in own)

    def _takes_long(self, name: str) -> bool:
        size, files = self._measure(name, AT_ONCE, FILES_AT_ONCE)
        return size > AT_ONCE or files > FILES_AT_ONCE

    def _measure(self, name: str, most: int, files_at_most: int | None) -> tuple[int, int]:
        """Give bytes and number of files of a dataset, as far as it can be looked at; looks no further than needed."""
        path = os.path.join(self.root, name)
        if not os.path.isdir(path):
            try:
                return os.stat(path).st_size, 1
            except OSError:
                return 0, 1
        size = files = 0
        waiting = [path]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as listing:
                    for entry in listing:
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        else:
                            size += entry.stat().st_size
                            files += 1
                            if size > most or (files_at_most is not None and files > files_at_most):
                                return size, files
            except OSError:
                continue
        return size, files


def changed(inputs: Iterable[FileUse]) -> list[str]:
    """Name the datasets of which something was read that no version holds."""
    names = dict.fromkeys(use.dataset or "" for use in inputs if use.version is None and use.digest)
    return [name for name in names if name]


def keeping(names: Sequence[str]) -> Note:
    """Say that large data are being kept; the note goes when they are."""
    shown = ", ".join(names[:NAMED])
    return Note(
        "data_keeping",
        f"{shown}: changed since the last version; the content is being kept beside the work.",
        "If the kernel ends before that is done, the next session of the project goes on with it.",
    )


def _not_kept(names: Sequence[str], why: str, hint: str) -> Note:
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    message = f"Changed since the last version, and recorded by digest alone, not kept: {shown}. {why}"
    return Note("data_recorded", message, hint)
