"""Keeps secrets out of the hidden commit: changed text files are scanned, and redacted where need be."""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from labnb.adapters.git.private import Redacted, State, stat_key
from labnb.adapters.git.process import Git
from labnb.adapters.git.selection import amount, shown
from labnb.model.redaction import redact
from labnb.model.run import Note
from labnb.ports.secret_scanner import SecretScanner

SCAN_LIMIT = 5_000_000
NOTES = 20


@dataclass
class Screen:
    """Looks at files before git does: what git has hashed stays in the object database.

    `state` remembers clean blobs and redacted files, so that an unchanged file is read once.
    """

    scanner: SecretScanner | None
    git: Git
    top: bytes
    state: State
    object_format: str = "sha1"
    unscanned: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Forget what another scanner said."""
        version = str(getattr(self.scanner, "version", "1"))
        if self.state.scanner != version:
            self.state.scanner, self.state.clean, self.state.redacted = version, [], {}
        self._clean = set(self.state.clean)

    def known_clean(self, blob: str) -> bool:
        """Whether a blob was scanned before and held nothing."""
        if blob in self._clean:
            self.seen.add(blob)
            return True
        return False

    def check(self, path: bytes, found: os.stat_result, blob: str = "") -> Redacted | None:
        """Scan a file; give what stands for it when it holds secrets, None when git may take it as it is.

        `blob` is the object that the index holds for exactly this content, where that is known.
        """
        if self.scanner is None or not stat.S_ISREG(found.st_mode):
            return None
        name = os.fsdecode(path)
        known = self.state.redacted.get(name)
        if known is not None and known.stat == stat_key(found):
            return known
        self.state.redacted.pop(name, None)
        try:
            with open(os.path.join(self.top, path), "rb") as file:
                content = file.read(SCAN_LIMIT + 1)
        except OSError:
            return None  # git meets the same trouble and says so
        encoding = encoding_of(content)
        if encoding is None:
            return None
        if len(content) > SCAN_LIMIT:
            self.unscanned.append(f"{shown(path)} ({amount(found.st_size)})")
            return None
        own = blob or blob_name(content, self.object_format)
        if self.known_clean(own):
            return None
        return self._scan(name, content, encoding, found, own)

    def _scan(self, name: str, content: bytes, encoding: str, found: os.stat_result, blob: str) -> Redacted | None:
        assert self.scanner is not None
        errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
        try:
            text = content.decode(encoding, errors)
        except UnicodeError:
            text, encoding = content.decode("latin-1"), "latin-1"
        findings = self.scanner.scan(text)
        if not findings:
            self._clean.add(blob)
            self.seen.add(blob)
            return None
        masked = redact(text, findings).encode(encoding, errors)
        made = self.git.line("hash-object", "-w", "--stdin", stdin=masked)
        places = sorted({(finding.kind, finding.line) for finding in findings}, key=lambda place: place[1])
        redacted = Redacted(stat_key(found), made, places)
        self.state.redacted[name] = redacted
        return redacted

    def close(self, paths: Iterable[bytes]) -> None:
        """Forget what is no longer part of any change: `paths` are those that still differ from HEAD."""
        still = {os.fsdecode(path) for path in paths}
        self.state.redacted = {name: item for name, item in self.state.redacted.items() if name in still}
        self.state.clean = sorted(self.seen)

    def notes(self) -> tuple[Note, ...]:
        """Tell where secrets were found, never what they are."""
        found = [secret_note(name, item) for name, item in sorted(self.state.redacted.items())]
        if len(found) > NOTES:
            more = f"{len(found) - NOTES} more files held secrets; the recorded code has them masked."
            found = [*found[:NOTES], Note("secret_redacted", more)]
        if self.unscanned:
            names = ", ".join(self.unscanned[:5]) + (" …" if len(self.unscanned) > 5 else "")
            message = f"Not searched for secrets, being over {amount(SCAN_LIMIT)}: {names}."
            found.append(Note("not_scanned", message, "Clear large outputs, or keep data out of the code."))
        return tuple(found)


def secret_note(name: str, item: Redacted) -> Note:
    """Say where in a file secrets were found."""
    places = ", ".join(f"line {line} ({kind})" for kind, line in item.found[:5])
    more = f" and {len(item.found) - 5} more" if len(item.found) > 5 else ""
    return Note(
        "secret_redacted",
        f"{shown(os.fsencode(name))} holds a secret: {places}{more}. The recorded code has it masked.",
        "Read it from an environment variable or a keyring instead, and change it if others could see it.",
    )


def encoding_of(content: bytes) -> str | None:
    """Tell how a text is written, None for what is no text."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None if b"\0" in content[:8192] else "utf-8"


def blob_name(content: bytes, object_format: str) -> str:
    """Name a blob as git does (without filters, which give it another name: it is then scanned once more)."""
    digest = hashlib.new(object_format, usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content) + content)
    return digest.hexdigest()
