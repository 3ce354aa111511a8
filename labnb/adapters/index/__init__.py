"""The index of runs in SQLite, curves in columns, and news of run folders."""

from __future__ import annotations

from labnb.adapters.index.store import SqliteRunIndex

__all__ = ["SqliteRunIndex"]
