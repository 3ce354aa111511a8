"""Makes the present content of a file or folder the recorded version of its dataset, as `dvc add` does."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from labnb.adapters.dvc.aside import Aside, aside
from labnb.adapters.dvc.child import ask
from labnb.adapters.dvc.ingest import State, ingest
from labnb.adapters.dvc.kept_pointer import kept_pointer
from labnb.adapters.dvc.locks import locked
from labnb.adapters.dvc.pointing import covering, pointer_of, pointer_text, write_whole
from labnb.adapters.dvc.project import Project, stage
from labnb.adapters.dvc.revision import Entry, name_of
from labnb.adapters.dvc.wording import from_os
from labnb.model.data_changes import Added, AddedLine, KeptVersion
from labnb.model.dataset import DatasetVersion
from labnb.model.errors import DataStoreError
from labnb.ports.progress import Progress
from labnb.runfolder.stat_cache import signature


def keep(project: Project, path: str, root: str, told: Mapping[str, str], progress: Progress) -> KeptVersion:
    """Put the present content into the cache, and say what a pointer at it would say; see the port."""
    entry = covering(path, project.top, project.pointers)
    state = ingest(path, project.top, project.objects, project.stat_cache, progress)
    pointer = text = None
    if entry is None or entry.path == path:
        pointer = entry.pointer if entry is not None else pointer_of(path)
        try:
            text = kept_pointer(path, pointer, entry, state, told)
        except OSError as error:
            raise from_os(error, f"{pointer} cannot be read") from error
    return KeptVersion(
        dataset=name_of(path, root, project.top),
        version=state.digest,
        size=state.scan.size,
        files=len(state.files),
        pointer_path=pointer,
        pointer_text=text,
    )


def add(
    project: Project,
    path: str,
    root: str,
    *,
    words: dict[str, Any],
    author: str,
    tags: tuple[str, ...],
    added: Path | None,
    made: tuple[str, ...],
    progress: Progress,
) -> Added:
    """Put the present content into the cache, and make the dataset's pointer say so; see the port."""
    _check_addable(path, covering(path, project.top, project.pointers))
    state = ingest(path, project.top, project.objects, project.stat_cache, progress)
    entry = covering(path, project.top, project.pointers)  # as it is now, after a reading that may have been long
    version = DatasetVersion(name_of(path, root, project.top), state.digest, state.scan.size, len(state.files))
    if entry is not None and entry.md5 == state.digest and not words and not entry.legacy and not made:
        return Added(version, entry.pointer, (), False, state.scan.notes)
    written = list(made)
    try:
        with locked(project.settings, (path,)):
            _check_addable(path, entry)
            pointer = entry.pointer if entry is not None else ""
            if entry is None:
                claimed = ask(project.top, {"do": "claim", "path": path})
                pointer = str(claimed["pointer"])
                written += claimed["written"]
            text = _text(pointer, path, state, _words(words, author, tags, state.digest))
            if project.objects.missing({state.digest, *state.files.values()}):
                # dvc gc came between: what nothing names yet is nobody's.
                ingest(path, project.top, project.objects, project.stat_cache, progress)
            write_whole(pointer, text)
            written.append(pointer)
            _link(project, state)
            if project.settings.autostage and project.git:
                stage(tuple(written), project.top)
    except OSError as error:
        raise from_os(error, f"{path} cannot be added") from error
    if added is not None:
        _note(added, version, author, str(words.get("message", "")), tags, text)
    new = entry is None or entry.md5 != state.digest
    return Added(version, pointer, tuple(dict.fromkeys(written)), new, state.scan.notes)


def _check_addable(path: str, entry: Entry | None) -> None:
    if entry is None:
        return
    if entry.path != path:
        raise DataStoreError(
            f"{path} lies in the dataset {entry.path}, which is versioned as a whole.", f"Add {entry.path}."
        )
    if entry.origin == "stage":
        raise DataStoreError(
            f"{path} is an output of the stage {entry.source!r} ({entry.pointer}): its versions are made there.",
            f"dvc repro makes the next one; dvc commit {entry.source} records what lies there now.",
        )
    if entry.origin != "added":
        raise DataStoreError(
            f"{path} is imported from {entry.source} ({entry.pointer}): its versions come from there.",
            f"dvc update {os.path.basename(entry.pointer)} brings the newest; copy the data to version your changes.",
        )
    if entry.listed:
        raise DataStoreError(
            f"{entry.pointer} lists its files for a remote that keeps versions itself.", "dvc add records them."
        )


def _text(pointer: str, path: str, state: State, words: dict[str, Any] | None) -> str:
    old = None
    with contextlib.suppress(FileNotFoundError):
        old = Path(pointer).read_text(encoding="utf-8")
    files = len(state.files) if state.scan.folder else None
    return pointer_text(old, pointer, path, state.digest, state.scan.size, files, state.scan.executable, words)


def _words(words: dict[str, Any], author: str, tags: Iterable[str], digest: str) -> dict[str, Any] | None:
    """Give what the pointer tells of this version; nothing where nobody said anything."""
    if not words:
        return None
    found = {"version": digest, **words, "time": _now()}
    if author:
        found["author"] = author
    return found


def _note(added: Path, version: DatasetVersion, author: str, message: str, tags: tuple[str, ...], text: str) -> None:
    line = AddedLine(
        version.dataset, version.version, version.size or 0, version.files or 0, _now(), author, message, tags, text
    )
    with contextlib.suppress(OSError):  # the pointer says what counts
        added.parent.mkdir(parents=True, exist_ok=True)
        with open(added, "ab") as file:
            file.write(json.dumps(asdict(line)).encode() + b"\n")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _link(project: Project, state: State) -> None:
    """Put links to the cache in the place of the files, where DVC's settings want links that are seen as such."""
    kind = next((kind for kind in project.settings.links if kind != "reflink" or project.objects.clones), "copy")
    if kind not in ("hardlink", "symlink"):
        return
    with aside(project.work) as place:
        for name, md5 in state.files.items():
            if not _linked(project, state, name, md5, kind, place):
                return


def _linked(project: Project, state: State, name: str, md5: str, kind: str, place: Aside) -> bool:
    path, target = state.scan.full(name), project.objects.path(md5)
    part = place.name()
    if os.path.samefile(path, target) or state.scan.files[name].size == 0:
        return True
    try:
        os.link(target, part) if kind == "hardlink" else os.symlink(target, part)
        if signature(os.stat(path)) == state.scan.files[name]:
            os.replace(part, path)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            return False  # not here: the files stay copies, which DVC takes as well
        raise
    return True
