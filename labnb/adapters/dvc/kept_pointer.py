"""What pointers would say of data that a run kept: their present text, with another version of one dataset.

Such texts go into hidden snapshots of the code and nowhere else, so that also outputs of stages and imports, whose
pointers in the work tree are not labnb's to change, can be had back from there by DVC itself.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labnb.adapters.dvc.ingest import State
from labnb.adapters.dvc.out import LOCK
from labnb.adapters.dvc.pointing import out_fields, pointer_text, replace_fields
from labnb.adapters.dvc.revision import PIPELINE, Entry, working_folders
from labnb.model.errors import DataStoreError

# What DVC leaves out of the checksum that it writes into the files of imports (dvc.stage.utils.compute_md5).
_NO_PART = frozenset(
    {"desc", "type", "labels", "meta", "locked", "frozen", "metric", "persist", "isexec", "size", "nfiles"}
)


def kept_pointer(path: str, pointer: str, entry: Entry | None, state: State, told: Mapping[str, str]) -> str:
    """Give the text of a pointer for the data at `path` as they are now.

    `told` holds texts that pointers (by absolute path) got already: one may record several datasets. Raises
    DataStoreError where the pointer cannot be understood, OSError where it cannot be read.
    """
    old = told.get(pointer)
    if old is None and os.path.exists(pointer):
        old = Path(pointer).read_text(encoding="utf-8")
    files = len(state.files) if state.scan.folder else None
    if entry is not None and os.path.basename(pointer) == LOCK:
        fields = out_fields(state.digest, state.scan.size, files, state.scan.executable)
        return _in_lock(old or "", pointer, path, entry, fields)
    text = pointer_text(old, pointer, path, state.digest, state.scan.size, files, state.scan.executable)
    return _with_checksum(old, text) if entry is not None and entry.origin != "added" else text


def _in_lock(old: str, pointer: str, path: str, entry: Entry, fields: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    data = yaml.load(old)
    beside = Path(pointer).with_name(PIPELINE)
    wdir = working_folders(beside.read_bytes() if beside.exists() else None, pointer).get(entry.source, ".")
    base = os.path.join(os.path.dirname(pointer), wdir)
    stages = data.get("stages", {}) if "schema" in data else data
    for out in stages.get(entry.source, {}).get("outs") or ():
        if os.path.normpath(os.path.join(base, str(out.get("path")))) == path:
            replace_fields(out, fields)
            text = io.StringIO()
            yaml.dump(data, text)
            return text.getvalue()
    raise DataStoreError(f"{pointer} does not record {path}.", "dvc repro or dvc commit writes it.")


def _with_checksum(old: str | None, text: str) -> str:
    """Write the file's own checksum anew, where the old one can be understood: a wrong one looks like an edit."""
    import yaml

    before, after = yaml.safe_load(old or "") or {}, yaml.safe_load(text)
    known = before.get("md5")
    if not known or known != _checksum(before):
        return text
    return text.replace(f"md5: {known}\n", f"md5: {_checksum(after)}\n", 1)


def _checksum(data: dict[str, Any]) -> str:
    counted = {name: value for name, value in data.items() if name not in ("md5", "meta", "desc")}
    if counted.get("wdir") == ".":
        del counted["wdir"]
    text = json.dumps(_without(counted), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner) for name, inner in value.items() if name not in _NO_PART}
    return [_without(inner) for inner in value] if isinstance(value, list) else value
