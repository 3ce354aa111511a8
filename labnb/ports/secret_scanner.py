"""The secret scanner finds secrets in text."""

from __future__ import annotations

from typing import Protocol

from labnb.model.redaction import Finding


class SecretScanner(Protocol):
    """Finds what must not enter a record."""

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Find secrets in source, diffs, logs or output; bounded work for any text."""
        ...
