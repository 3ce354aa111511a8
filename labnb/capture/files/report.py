"""From the evidence of one cell to what its record says of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from labnb.capture.files.collapse import Entry, collapse
from labnb.capture.files.digest import Content, Hasher, Progress
from labnb.capture.files.events import CHANGES, CREATE
from labnb.capture.files.ledger import Ledger, Reading, Writing, regular
from labnb.capture.files.marks import Mark
from labnb.model.dataset import FileUse
from labnb.model.run import Note
from labnb.runfolder.stat_cache import Signature

_TOLD: Final = 5  # names in one note


@dataclass(frozen=True, slots=True)
class FileReport:
    """The files that a cell read (as they were when it read them) and wrote (as they are when it ended).

    `parts` says, by its digest, what a folder that was read in part stands for: md5 by path inside it.
    """

    inputs: tuple[FileUse, ...] = ()
    outputs: tuple[FileUse, ...] = ()
    notes: tuple[Note, ...] = ()
    parts: dict[str, dict[str, str]] = field(default_factory=dict)


class Reporter:
    """Merges the evidence. `started_ns` is when the cell began, in nanoseconds since the epoch.

    `named` are absolute paths that the cell's text and values name: what labnb itself reads there meanwhile, the cell
    reads as well.
    """

    def __init__(
        self, ledger: Ledger, marks: dict[tuple[str, str], Mark], started_ns: int, named: Iterable[str] = ()
    ) -> None:
        self._ledger = ledger
        self._named = {path.rstrip("/") for path in named}
        self._started = started_ns - 20_000_000  # the file system's clock ticks in steps of some milliseconds
        self._inputs: dict[str, Reading] = dict(ledger.reads)
        self._outputs: dict[str, tuple[Signature, str]] = {}
        self._problems: dict[str, list[str]] = {}
        for key, writing in ledger.writes.items():
            self._take_writing(key, writing)
        known: set[Signature] = set()
        if marks:
            known = {reading.sign for reading in self._inputs.values()} | {sign for sign, _ in self._outputs.values()}
        for (folder, name), mark in marks.items():
            self._take_mark(f"{folder}/{name}", mark, known)

    def take_mapped(self, files: Iterable[str]) -> None:
        """Add files that the cell can read through memory maps made earlier."""
        for key in files:
            sign = regular(key)
            if sign is not None and key not in self._outputs:
                self._inputs.setdefault(key, Reading(sign, seen="watch"))

    def report(
        self,
        hasher: Hasher,
        names: dict[str, str],
        notes: Iterable[Note],
        progress: Progress | None = None,
        seconds: float | None = None,
    ) -> FileReport:
        """Take the digests and give the report; `names` maps real folders to the links that lead to them."""
        wanted = {key: item.sign for key, item in self._inputs.items() if item.md5 is None and item.sign.size >= 0}
        wanted |= {key: sign for key, (sign, _) in self._outputs.items()}
        known = hasher.known(wanted.items())
        contents = hasher.all(((key, sign) for key, sign in wanted.items() if key not in known), progress, seconds)
        contents.update((key, Content(known[key], wanted[key])) for key in self._outputs if key in known)
        old = {key: self._inputs[key].sign for key in self._inputs.keys() & self._outputs.keys()}
        known_old = hasher.known(old.items()) if old else {}
        root = self._ledger.rules.root
        shown = _shown(root, names)
        # Most often all were read in a state whose digest is known, and there may be a hundred thousand of them.
        plain = known.keys() - self._outputs.keys() - self._ledger.too_big.keys()
        inputs = [
            Entry(key, known[key], reading.sign.size, reading.seen)
            if key in plain
            else self._input(key, reading, contents, known_old)
            for key, reading in self._inputs.items()
        ]
        outputs = [self._output(key, seen, contents[key]) for key, (_, seen) in self._outputs.items()]
        parts: dict[str, dict[str, str]] = {}
        return FileReport(
            collapse([entry for entry in inputs if entry is not None], root, shown, parts),
            collapse(outputs, root, shown),
            (*notes, *self._notes(shown)),
            parts,
        )

    def _take_writing(self, key: str, writing: Writing) -> None:
        now = regular(key)
        if now is None:
            return  # made and removed within the cell, or never made
        if writing.before is not None and now == writing.before:
            if not writing.surely or not os.access(key, os.W_OK):
                return  # opened for writing and left as it was, or the opening failed
        elif writing.before is None and writing.seen != "open" and not self._is_young(now):
            return
        self._outputs[key] = (now, writing.seen)

    def _take_mark(self, key: str, mark: Mark, known: set[Signature]) -> None:
        if key in self._outputs:
            return
        if key in self._ledger.aside and key not in self._inputs and not self._is_named(key):
            return
        now = regular(key)
        reading = self._inputs.get(key)
        changed = now is not None and bool(mark.bits & CHANGES) and self._is_young(now)
        if reading is not None:
            if now is not None and changed and now != reading.sign:
                self._outputs[key] = (now, "watch")
        elif key in self._ledger.writes:
            return
        elif now is None:
            if mark.first == "r":
                self._inputs[key] = Reading(Signature(0, -1, 0, 0), seen="watch")
        elif now in known:
            return  # another name (a link) of a file that is already told
        elif changed or (mark.first == "?" and self._is_young(now)):
            self._outputs[key] = (now, "watch")
            if mark.first == "r" and not mark.bits & CREATE:
                self._inputs[key] = Reading(Signature(0, -1, 0, 0), seen="watch")
        else:
            self._inputs[key] = Reading(now, seen="watch")

    def _is_named(self, key: str) -> bool:
        folder = key
        while folder and folder != self._ledger.rules.root:
            if folder in self._named:
                return True
            folder = folder.rpartition("/")[0]
        return False

    def _is_young(self, sign: Signature) -> bool:
        return max(sign.mtime_ns, sign.ctime_ns) >= self._started

    def _input(
        self, key: str, reading: Reading, contents: dict[str, Content], known_old: dict[str, str]
    ) -> Entry | None:
        size = max(reading.sign.size, 0)
        md5 = reading.md5
        if md5 is None and key in known_old:
            md5 = known_old[key]
        if md5 is None and key in self._ledger.too_big:
            self._tell("old content not kept", key)
        elif md5 is None and (key in self._outputs or reading.sign.size < 0):
            self._tell("changed", key)
        elif md5 is None:
            content = contents[key]
            if content.problem == "unreadable" and reading.seen == "open":
                return None  # what cannot be opened now could not be opened by the cell either
            md5 = content.md5 if content.sign is None or _same(content.sign, reading.sign) else None
            if md5 is None:
                self._tell(content.problem or "changed", key)
        return Entry(key, md5, size, reading.seen)

    def _output(self, key: str, seen: str, content: Content) -> Entry:
        if content.md5 is None:
            self._tell(content.problem, key)
        size = content.sign.size if content.sign is not None else self._outputs[key][0].size
        return Entry(key, content.md5, size, seen)

    def _tell(self, problem: str, key: str) -> None:
        self._problems.setdefault("changed" if problem == "gone" else problem, []).append(key)

    def _notes(self, shown: Callable[[str], str]) -> list[Note]:
        notes = []
        for problem, keys in self._problems.items():
            names = ", ".join(shown(key) for key in keys[:_TOLD])
            more = f" and {len(keys) - _TOLD} more" if len(keys) > _TOLD else ""
            code, message, hint = _PROBLEMS.get(problem, _PROBLEMS["unreadable"])
            notes.append(Note(code, message.format(files=names + more), hint))
        return notes


_PROBLEMS: Final = {
    "changed": (
        "file-changed",
        "Without digest, because their content changed or went away while the cell ran: {files}",
        "Write results to files of their own, so that what was read stays as it was.",
    ),
    "unreadable": (
        "file-unreadable",
        "Without digest, because they cannot be read now: {files}",
        "Check the permissions.",
    ),
    "not a file": ("file-unreadable", "Without digest, because they are no regular files: {files}", ""),
    "late": (
        "file-not-hashed",
        "Without digest, because hashing took longer than allowed: {files}",
        "The next run that reads these files continues where this one stopped.",
    ),
    "old content not kept": (
        "file-changed",
        "Read and then overwritten, and too large to take the old content's digest in passing: {files}",
        "Write results to files of their own, so that what was read stays as it was.",
    ),
}


def _same(one: Signature, other: Signature) -> bool:
    """Whether two states hold the same content; the change time also moves with permissions and links."""
    return one[:3] == other[:3]


def _shown(root: str, names: dict[str, str]) -> Callable[[str], str]:
    inside = root.rstrip("/") + "/"

    def show(key: str) -> str:
        if not key.startswith(inside) and names:
            folder = key
            while folder:
                folder = folder.rpartition("/")[0]
                if folder in names:
                    key = names[folder] + key[len(folder) :]
                    break
        # Names that are not text in UTF-8 must still be text in JSON.
        key = key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return key.removeprefix(inside)

    return show
