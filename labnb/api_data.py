"""Data in Python: `labnb.open` and `labnb.path` read any version, of this project or of another repository.

>>> import labnb, pandas as pd
>>> pd.read_csv(labnb.path("data/train.csv", rev="v1"))                       # doctest: +SKIP
>>> labnb.open("data/train.csv", rev="v1").read()                             # doctest: +SKIP
>>> labnb.path("data", rev="main", repo="https://git.lab.example/cells")      # doctest: +SKIP
"""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import IO, Any

from labnb.capture.files import aside
from labnb.lab import Lab, open_lab
from labnb.model.errors import UsageError
from labnb.runfolder.active import used
from labnb.words.bars import Bars

__all__ = ["open", "path"]

_labs: dict[str, Lab] = {}


def path(name: str | os.PathLike[str], rev: str | None = None, repo: str | None = None) -> Path:
    """Give a path where a version of a dataset (a file or a folder) can be read; it must not be written to.

    `rev` is a tag, a digest or its start, a revision of the code, or "latest"; without it and `repo`, the path in the
    work tree is given where the data lie there, else the recorded version. `repo` is the URL or folder of another
    repository. What is not on this machine is fetched. In a recorded cell, the version is an input of the run.

    Raises NotFound that lists the nearest names, DataStoreError, StoreUnreachable.
    """
    lab = _lab()
    given = os.fspath(name)
    if rev is None and repo is None:
        here = lab.root / given
        if here.exists():
            return here
    if rev is not None and not isinstance(rev, str):
        raise UsageError(f"rev must be a text, not {type(rev).__name__}.", 'Write rev="v1".')
    # What labnb reads and writes to bring the data is no work of the cell.
    with aside(), Bars() as bars:
        brought = lab.data.bring.bring(given, rev, os.path.expanduser(repo) if repo else None, bars)
    used(brought.use.to_json())
    return brought.path


def open(  # noqa: A001 - the word of Python
    name: str | os.PathLike[str],
    mode: str = "r",
    rev: str | None = None,
    repo: str | None = None,
    encoding: str | None = None,
) -> IO[Any]:
    """Open a file of a version for reading; see `path`. Raises UsageError for a mode that writes, and for a folder."""
    if set(mode) - set("rbt"):
        raise UsageError(f"labnb.open reads versions; it cannot open with mode {mode!r}.", 'Use "r" or "rb".')
    found = path(name, rev, repo)
    if found.is_dir():
        raise UsageError(f"{os.fspath(name)} is a folder.", "labnb.path gives the folder; open a file in it.")
    return builtins.open(found, mode, encoding=encoding or (None if "b" in mode else "utf-8"))


def _lab() -> Lab:
    """Give the project of the current folder, opened once."""
    here = os.getcwd()
    if here not in _labs:
        _labs[here] = open_lab(here)
    return _labs[here]
