"""The content reader looks into files: heads of tables, facts of images, arrays and sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from labnb.model.data_diff import TableSummary
from labnb.model.preview import Preview


class ContentReader(Protocol):
    """Looks into files of any origin: bounded in bytes and seconds, and nothing in a file is ever executed."""

    def preview(self, path: Path, name: str, rows: int = 20) -> Preview:
        """Show a file's beginning; `name` (with its ending) tells the format. What cannot be shown is said in it."""
        ...

    def summary(self, path: Path, name: str) -> TableSummary | None:
        """Summarise a table; None where the file is no table or cannot be read as one."""
        ...
