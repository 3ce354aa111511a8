"""The embedded store comes along when the settings put it elsewhere, or the project's folder got another name."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from labnb.runfolder.paths import LabPaths, write_atomic


def carry_over(lab: LabPaths) -> bool:
    """Copy the store from where it was last, as it is; False where there is none, or it cannot be read.

    What a cell logged to MLflow itself lies only there: models, child runs. The last place is left as it is; the paths
    in the copy are put right by whoever reads the marker `prepared`. Call it with the store's lock. Raises OSError.
    """
    before = lab.last_store()
    if not (before / "mlflow.db").is_file():
        before = lab.home / "mlflow"
    if before == lab.mlflow or not (before / "mlflow.db").is_file():
        return False
    aside = lab.mlflow / f"new-{os.getpid()}.db"
    try:
        _copy(before / "mlflow.db", aside)
        if (before / "artifacts").is_dir():
            shutil.copytree(before / "artifacts", lab.artifacts, dirs_exist_ok=True)
        marker = ""
        with contextlib.suppress(OSError, ValueError):
            marker = (before / "prepared").read_text(encoding="utf-8")
        write_atomic(lab.mlflow / "prepared", marker)
        os.replace(aside, lab.database)
    except sqlite3.Error:  # damaged: the runs are written anew from their folders
        aside.unlink(missing_ok=True)
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    """Copy a database of which another process may be writing."""
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=20)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        there.backup(here)
        here.execute("SELECT version_num FROM alembic_version").fetchone()
