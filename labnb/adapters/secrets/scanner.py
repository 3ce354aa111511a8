"""Finds what must not enter a record."""

from __future__ import annotations

import bisect
import os
import re
import string
from collections.abc import Iterator

from labnb.adapters.secrets.assignments import named_secrets
from labnb.adapters.secrets.environ import environment_values, secret_variables
from labnb.adapters.secrets.formats import known_formats, long_words
from labnb.adapters.secrets.vendors import vendor_secrets
from labnb.model.redaction import MASK, Finding

# To be raised with every change of the rules: what was found clean before is then scanned again.
RULES = 1

SHORTEST = 4

_TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class DetectSecretsScanner:
    """The secret scanner (`ports.secret_scanner.SecretScanner`).

    Its work grows with the length of the text and no faster, also for a single line of megabytes.
    """

    @property
    def version(self) -> str:
        """Name the rules and the secret variables in force: what was clean under others may not be now."""
        return f"{RULES}:{','.join(sorted(secret_variables(os.environ)))}"

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Find secrets, in the order in which they stand; each kind once a line."""
        if len(text) < SHORTEST:
            return ()
        found = {(at, secret): kind for kind, at, secret in self._all(text) if _may_be_masked(secret)}
        if not found:
            return ()
        ends = [match.start() for match in re.finditer("\n", text)]
        findings: dict[Finding, None] = {}
        for (at, secret), kind in sorted(found.items(), key=lambda item: item[0][0]):
            findings[Finding(kind, bisect.bisect_left(ends, at) + 1, secret)] = None
        return tuple(findings)

    def _all(self, text: str) -> Iterator[tuple[str, int, str]]:
        lower, words = lower_case(text), long_words(text)
        yield from named_secrets(text, lower)
        yield from vendor_secrets(text, lower, words.lower())
        yield from known_formats(text, words)
        yield from environment_values(text, secret_variables(os.environ))


def lower_case(text: str) -> str:
    """Write a text in lower case, every character in its place (some grow when lowered)."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.translate(_TO_LOWER)


def _may_be_masked(secret: str) -> bool:
    """Whether masking ends: what is part of the mask itself would be found again."""
    return len(secret) >= SHORTEST and secret not in MASK
