"""The models that runs logged, read from the embedded store without importing MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_MODELS = """
SELECT tags.value, logged_models.name FROM logged_models
JOIN tags ON tags.run_uuid = logged_models.source_run_id AND tags.key = 'labnb.uid' ORDER BY 2
"""


def logged_models(database: Path) -> dict[str, tuple[str, ...]]:
    """Map the uids of runs to the names of the models that they logged; {} where there is no store yet."""
    found: dict[str, tuple[str, ...]] = {}
    if not database.is_file():
        return found
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)) as store:
            for uid, name in store.execute(_MODELS):
                if name not in found.get(uid, ()):
                    found[uid] = (*found.get(uid, ()), name)
    except sqlite3.Error:
        return {}  # a store of another version of MLflow, or a busy one: the lineage goes without models
    return found
