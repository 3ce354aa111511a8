"""Writes the pointers of datasets (`.dvc` files) as DVC writes them, keeping what people wrote into them."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from typing import Any

from labnb.adapters.dvc.found import Pointers
from labnb.adapters.dvc.objects import umask
from labnb.adapters.dvc.out import LOCK, is_pointer
from labnb.adapters.dvc.revision import Entry
from labnb.model.errors import DataStoreError

SUFFIX = ".dvc"
#: Where labnb's own words on a version stand in a pointer, below `meta`, which DVC leaves alone.
MARK = "labnb"


def covering(path: str, top: str, pointers: Pointers) -> Entry | None:
    """Find the output that records the data at `path` in the DVC project `top`: that itself, or a folder around it."""
    around: Entry | None = None
    folder = os.path.dirname(path)
    while True:
        try:
            names = sorted((name for name in os.listdir(folder) if is_pointer(name)), key=lambda name: name == LOCK)
        except OSError:
            names = []
        for name in names:
            for entry in pointers.of(os.path.join(folder, name), top):
                if entry.path == path and not entry.dependency:
                    return entry
                if path.startswith(entry.path + os.sep) and not entry.dependency:
                    around = around or entry
        if folder == top or folder == os.path.dirname(folder):
            return around
        folder = os.path.dirname(folder)


def pointer_of(path: str) -> str:
    """Say where `dvc add` puts the pointer of a new dataset."""
    return path + SUFFIX


def pointer_text(
    old: str | None,
    file: str,
    path: str,
    digest: str,
    size: int,
    files: int | None,
    executable: bool = False,
    words: dict[str, Any] | None = None,
) -> str:
    """Give the text of a pointer at `file` for the data at `path`: the old text with another version, or a new one.

    `files` is the number of files of a folder, None for a file. `words` are labnb's own on this version. Raises
    DataStoreError where the old text is no pointer.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.default_flow_style = False
    fields = out_fields(digest, size, files, executable)
    try:
        data = yaml.load(old) if old else None
    except YAMLError as error:
        raise DataStoreError(f"{file} cannot be read: {' '.join(str(error).split())[:200]}.") from error
    if data is None:
        out: Any = {**fields, "hash": "md5", "path": os.path.basename(path)}
        data = {"outs": [out]}
    else:
        out = _entry(data, file, path)
        replace_fields(out, fields)
    _speak(out, words)
    text = io.StringIO()
    yaml.dump(data, text)
    return text.getvalue()


def out_fields(digest: str, size: int, files: int | None, executable: bool) -> dict[str, Any]:
    """Give what a pointer says of one version; `files` is the number of files of a folder, None for a file."""
    fields: dict[str, Any] = {"md5": digest, "size": size}
    if files is not None:
        fields["nfiles"] = files
    elif executable:
        fields["isexec"] = True
    return fields


def _entry(data: Any, file: str, path: str) -> Any:
    outs = data.get("outs") if isinstance(data, dict) else None
    base = os.path.join(os.path.dirname(file), str(data.get("wdir") or ".")) if isinstance(data, dict) else ""
    for out in outs if isinstance(outs, list) else []:
        if isinstance(out, dict) and os.path.normpath(os.path.join(base, str(out.get("path")))) == path:
            return out
    raise DataStoreError(f"{file} does not record {path}.", "Restore it with git checkout, or remove it.")


def replace_fields(out: Any, fields: dict[str, Any]) -> None:
    """Have an output in a pointer name another version, in DVC's order of fields."""
    for name in ("md5", "size", "nfiles", "isexec", "files", "etag", "version_id"):
        if name not in fields:
            out.pop(name, None)
    place = 0
    for name, value in fields.items():
        if name in out:
            out[name] = value
        elif hasattr(out, "insert"):
            out.insert(place, name, value)
        else:
            out[name] = value
        place += 1
    if "hash" not in out:  # a pointer of DVC before 3
        out.insert(place, "hash", "md5") if hasattr(out, "insert") else out.update(hash="md5")


def _speak(out: Any, words: dict[str, Any] | None) -> None:
    meta = out.get("meta")
    if words:
        if not isinstance(meta, dict):
            out["meta"] = meta = {}
        meta[MARK] = words
    elif isinstance(meta, dict) and MARK in meta:
        del meta[MARK]  # they were on another version
        if not meta:
            del out["meta"]


def write_whole(path: str, text: str) -> None:
    """Write a file of the project whole or not at all, with the rights that it had; raises OSError."""
    handle, aside = tempfile.mkstemp(prefix=".labnb-", suffix=".tmp", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        try:
            mode = os.stat(path).st_mode & 0o7777
        except FileNotFoundError:
            mode = 0o666 & ~umask()
        os.chmod(aside, mode)
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
