"""Where the embedded MLflow store is, and whether it is ready: for processes that have not imported MLflow."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from labnb.runfolder.paths import LabPaths

# The tag of the store's default experiment that names the store itself.
IDENTITY = "labnb.store"


def uri_of(lab: LabPaths) -> str:
    """Give the tracking URI of the embedded store."""
    return sqlite_uri(lab.database)


def sqlite_uri(path: Path) -> str:
    """Write a path as MLflow and SQLAlchemy read it; only what means something in a URI is escaped."""
    return f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F')}"


def database_of(uri: str) -> Path | None:
    """Give the file that `sqlite_uri` named, None for the address of another kind of store."""
    return Path(unquote(uri.removeprefix("sqlite:///"))) if uri.startswith("sqlite:///") else None


def marker_of(lab: LabPaths, version: str) -> str:
    """Say with which MLflow the store was prepared, and where its artifacts were then."""
    return json.dumps({"mlflow": version, "artifacts": lab.artifacts.as_uri()})


def marker_text(lab: LabPaths) -> str:
    """Read what the last preparation left, "" where there was none."""
    try:
        return (lab.mlflow / "prepared").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def ready(lab: LabPaths) -> bool:
    """Whether the store was prepared where it is now. A different MLflow may still have to migrate it."""
    if lab.misplaced:
        return False
    try:
        found = json.loads(marker_text(lab) or "{}")
    except ValueError:
        return False
    return bool(found.get("artifacts") == lab.artifacts.as_uri() and lab.database.exists())


def identity(lab: LabPaths) -> str:
    """Give the name that the store got when it was made, "" where there is none or it cannot be read."""
    if lab.misplaced or not lab.database.exists():
        return ""
    try:
        with closing(sqlite3.connect(f"{lab.database.as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            row = database.execute(
                "SELECT value FROM experiment_tags WHERE experiment_id = 0 AND key = ?", (IDENTITY,)
            ).fetchone()
    except sqlite3.Error:
        return ""
    return str(row[0]) if row else ""
