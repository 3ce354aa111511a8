"""Secrets: where one was found, and text without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MASK = "[redacted]"


@dataclass(frozen=True)  # no slots: it travels with the runner of jobs (Python 3.9)
class Finding:
    """A secret in a text: what kind, on which line (1-based), and the secret itself, never written anywhere."""

    kind: str
    line: int
    secret: str

    def __repr__(self) -> str:
        return f"Finding(kind={self.kind!r}, line={self.line})"


def redact(text: str, findings: Iterable[Finding]) -> str:
    """Give the text with every found secret masked, the longest first."""
    for secret in sorted({finding.secret for finding in findings}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
