"""The state of the embedded store, for the doctor: read from SQLite and from MLflow's files, without importing it."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from labnb.model.health import StoreFacts
from labnb.runfolder.paths import LabPaths

# Seconds after which a check of a large database is given up: what was read until then was whole.
PATIENCE = 20.0
_REVISION = re.compile(r"""^(down_)?revision(?:\s*:\s*\w+)?\s*=\s*["']([0-9a-z_]+)["']""", re.MULTILINE)


def store_facts(lab: LabPaths) -> StoreFacts:
    """Check the database as a whole, and compare its tables' revision with what the installed MLflow knows."""
    path = lab.database
    if lab.misplaced:
        return StoreFacts(False, misplaced=lab.misplaced, folder=str(lab.mlflow))
    try:
        size = path.stat().st_size
    except OSError:
        return StoreFacts(False, folder=str(lab.mlflow))
    newest, known = _revisions()
    revision, problem = None, ""
    give_up = time.monotonic() + PATIENCE
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
            revision = str(row[0]) if row else None
            database.set_progress_handler(lambda: int(time.monotonic() > give_up), 100_000)
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
            problem = "" if said == "ok" else str(said)
    except sqlite3.OperationalError as error:
        problem = "" if "interrupted" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        problem = str(error)
    fits = revision is None or not known or revision in known
    return StoreFacts(True, size, problem, revision, newest, fits, folder=str(lab.mlflow))


def _revisions() -> tuple[str | None, set[str]]:
    """Give MLflow's newest revision and all that it knows, from the heads of its migrations."""
    try:
        spec = importlib.util.find_spec("mlflow")
    except (ImportError, ValueError):
        return None, set()
    if spec is None or not spec.submodule_search_locations:
        return None, set()
    folder = Path(next(iter(spec.submodule_search_locations)), "store", "db_migrations", "versions")
    known: set[str] = set()
    above: set[str] = set()
    for path in folder.glob("*.py"):
        for down, revision in _REVISION.findall(path.read_text(encoding="utf-8", errors="replace")):
            (above if down else known).add(revision)
    heads = known - above
    return (heads.pop() if len(heads) == 1 else None), known
