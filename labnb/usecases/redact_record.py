"""Keep secrets out of a record, and remember where they were."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from labnb.model.closure import Closure
from labnb.model.plain import sound
from labnb.model.redaction import MASK, redact
from labnb.model.run import Note, Value
from labnb.ports.secret_scanner import SecretScanner

_SECRET_NAME = re.compile(
    r"(^|[._-])(password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credentials?)$",
    re.IGNORECASE,
)


class Redactor:
    """Masks secrets in the parts of one record after the other; `notes` tells where, never what.

    Every secret that was found once is masked in all later parts too: a key printed by the cell is the one
    that its source holds.
    """

    def __init__(self, scanner: SecretScanner) -> None:
        self._scanner = scanner
        self._secrets: set[str] = set()
        self._places: dict[tuple[str, str], list[int]] = {}

    def clean(self, text: str, place: str) -> str:
        """Give the text without its secrets, and sound."""
        text = sound(text)
        findings = self._scanner.scan(text) if text else ()
        for finding in findings:
            self._secrets.add(finding.secret)
            self._places.setdefault((place, finding.kind), []).append(finding.line)
        text = redact(text, findings)
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def clean_value(self, name: str, value: Value) -> Value:
        """Give a param's value, masked where its name or its text tells of a secret."""
        if not isinstance(value, str) or not value or value == MASK:
            return value
        if _SECRET_NAME.search(name):
            if len(value) >= 8:  # a shorter one would mask innocent text
                self._secrets.add(value)
            self._places.setdefault((f"the param {name}", "its name"), [])
            return MASK
        return self.clean(value, f"the param {name}")

    def clean_json(self, value: Any, place: str) -> Any:
        """Give JSON with every text in it clean; pictures and other binary data pass as they are."""
        if isinstance(value, str):
            return self.clean(value, place)
        if isinstance(value, (list, tuple)):
            return [self.clean_json(item, place) for item in value]
        if isinstance(value, dict):
            return {
                key: item
                if key.startswith(("image/", "audio/", "video/")) and not key.endswith("+xml")
                else (self.clean_json(item, place))
                for key, item in value.items()
            }
        return value

    def clean_closure(self, closure: Closure) -> Closure:
        """Give the closure without secrets: also those of earlier cells."""
        pieces = tuple(
            dataclasses.replace(
                piece,
                code=self.clean(piece.code, "an earlier cell"),
                cell=dataclasses.replace(piece.cell, source=self.clean(piece.cell.source, "an earlier cell")),
            )
            for piece in closure.pieces
        )
        assigned = {
            name: repr(MASK) if _SECRET_NAME.search(name) else self.clean(source, "an earlier cell")
            for name, source in closure.assigned.items()
        }
        normalised = self.clean(closure.normalised, "an earlier cell")
        return dataclasses.replace(closure, pieces=pieces, assigned=assigned, normalised=normalised)

    def notes(self) -> tuple[Note, ...]:
        """Tell where secrets were found since the redactor was made."""
        found = []
        for (place, kind), lines in self._places.items():
            where = f", line {', '.join(str(line) for line in sorted(set(lines))[:5])}" if lines else ""
            found.append(
                Note(
                    "secret",
                    f"A secret ({kind}) in {place}{where} was masked in the record.",
                    "Read secrets from the environment or a keyring; the masked code will not run by itself.",
                )
            )
        return tuple(found)
