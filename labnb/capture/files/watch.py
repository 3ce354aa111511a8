"""The files of a cell: evidence from Python's audit hook, from the file system and from forked children, as one."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from labnb.capture.files import audit
from labnb.capture.files.digest import Hasher, Progress
from labnb.capture.files.drain import Drain
from labnb.capture.files.events import CHANGES, CREATE, IS_FOLDER, MOVED_TO, OVERFLOW, Event, Watcher, open_watcher
from labnb.capture.files.folders import Folders
from labnb.capture.files.forked import ChildSink, merge
from labnb.capture.files.handles import OpenHandles, mapped
from labnb.capture.files.hints import paths_in
from labnb.capture.files.ledger import Ledger
from labnb.capture.files.marks import Marks
from labnb.capture.files.recorder import Recorder
from labnb.capture.files.report import FileReport, Reporter
from labnb.capture.files.rules import Rules
from labnb.model.run import Note
from labnb.runfolder.stat_cache import StatCache

_ARM_SECONDS: Final = 0.03
_HINT_SECONDS: Final = 0.01
_MAX_NEW_LINKS: Final = 1_000


class FileWatch:
    """Tells every file that a cell reads or writes. One per kernel process; not to be used from several threads.

    `root` is the project's folder; `ignore` names more files and folders that are never told. Nothing raises: what
    cannot be seen is told in the report's notes.
    """

    def __init__(self, root: Path, *, stat_cache: StatCache, ignore: Iterable[str | os.PathLike[str]] = ()) -> None:
        self._rules = Rules(os.path.realpath(root), ignore)
        self._hasher = Hasher(stat_cache)
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._watcher: Watcher | None = None
        self._folders: Folders | None = None
        self._drain: Drain | None = None
        self._recorder: Recorder | None = None
        self._handles: OpenHandles | None = None
        self._side: Path | None = None
        self._hints: tuple[str, ...] = ()
        self._started = 0
        self._overflow = False
        self._partial = False
        self._tried = False
        self._report = FileReport()

    def prepare(self) -> None:
        """Begin to watch the project's folders beside whatever else happens; `open` does it otherwise."""
        with suppress(Exception):
            self._arm(0.0)

    def open(self, journal: Path | None, hints: Iterable[str] = ()) -> None:
        """Begin the record of a cell, to be called right before it runs.

        `journal` is the path of a file that forked children may append to; `close` removes it (None: a temporary
        file). `hints` are strings and paths in the cell's text and values: folders outside the project that they
        name are watched too.
        """
        if self._recorder is not None:
            self.close()
        with suppress(Exception), audit.aside():
            self._open(journal, tuple(hints))

    def close(self, progress: Progress | None = None, seconds: float | None = None) -> FileReport:
        """End the record and give it. A second call gives the same report again.

        Digests are taken here; `progress(done, total)` is called with bytes. After `seconds` the remaining files
        get no digest, and a note says so.
        """
        recorder, self._recorder = self._recorder, None
        audit.listen(None)
        if recorder is None or os.getpid() != self._pid:
            return self._report
        collects = gc.isenabled()
        try:
            # Of a hundred thousand files a hundred thousand small objects are made: the collector would look at all
            # of the session's again and again, and find nothing.
            gc.disable()
            with audit.aside():
                self._report = self._close(recorder, progress, seconds)
        except Exception as error:  # noqa: BLE001 - the cell's own result stands; the record says what it lacks
            note = Note("files-not-recorded", f"The files of this cell could not be recorded: {error!r}", "")
            self._report = FileReport(notes=(note,))
        finally:
            audit.digested()
            if collects:
                gc.enable()
        return self._report

    def stop(self) -> None:
        """Let go of everything: the end of the kernel, or of a test."""
        self.close()
        if self._drain is not None:
            self._drain.stop()
        with self._lock:
            if self._watcher is not None:
                self._watcher.close()
            self._watcher = self._folders = self._drain = None

    def _open(self, journal: Path | None, hints: tuple[str, ...]) -> None:
        self._overflow = False
        self._arm(_ARM_SECONDS)
        marks = Marks()
        with self._lock:
            self._catch_up()
            folders, watcher, drain = self._folders, self._watcher, self._drain
            if watcher is not None:
                self._handles = OpenHandles(self._rules, watcher)
            self._hints = tuple(paths_in(hints))
            if folders is not None:
                self._watch_hints(folders)
            self._partial = folders is not None and not folders.complete
            self._side = journal or _side_file()
            recorder = Recorder(Ledger(self._rules, self._hasher), marks, folders, drain.wake if drain else None)
            self._started = time.time_ns()
            self._recorder = recorder
        audit.listen(recorder, self._in_child)
        if drain is not None:
            drain.begin()

    def _close(self, recorder: Recorder, progress: Progress | None, seconds: float | None) -> FileReport:
        notes: list[Note] = []
        if self._drain is not None:
            self._drain.end()
        with self._lock:
            self._take(recorder)
            if self._handles is not None:
                self._handles.close()
                self._handles = None
            if recorder.marks.full:
                self._overflow = True
        ledger, folders = recorder.ledger, self._folders
        if self._side is not None and not merge(self._side, ledger):
            notes.append(Note("files-children-limit", "Child processes opened more files than the record takes.", ""))
        reporter = Reporter(ledger, recorder.marks.files, self._started, self._hints)
        wanted = [path for path in self._hints if self._rules.wants(*path.rpartition("/")[::2])]
        reporter.take_mapped(mapped(wanted))
        notes += self._watch_notes(recorder)
        names = {**(folders.names if folders else {}), **ledger.names}
        return reporter.report(self._hasher, names, notes, progress, seconds)

    def _arm(self, seconds: float) -> None:
        """Make the watch at first use, and give its unfinished part some time."""
        with self._lock:  # `prepare` may be at it in another thread
            if not self._tried and os.getpid() == self._pid:
                self._tried = True
                self._watcher = open_watcher(self._rules.root)
                if self._watcher is not None:
                    self._folders = Folders(self._rules, self._watcher)
                    self._drain = Drain(self._watcher, self._on_events, self._folders)
                    self._drain.start()
        if self._folders is None or self._drain is None or self._folders.complete:
            return
        if seconds:
            self._folders.work(time.perf_counter() + seconds)
        if not self._folders.complete:
            self._drain.wake()

    def _watch_hints(self, folders: Folders) -> None:
        for path in self._hints:
            if self._rules.is_inside(path):
                continue
            real = os.path.realpath(path)
            if os.path.isdir(real):
                folders.add_outside(real, recursive=True)
            else:
                parent = os.path.dirname(real)
                if os.path.isdir(parent):
                    folders.add_outside(parent, recursive=False)
        if not folders.complete:
            folders.work(time.perf_counter() + _HINT_SECONDS)

    def _catch_up(self) -> None:
        """Pass over what happened between records, but for folders and links that came and went."""
        if self._watcher is None or self._folders is None:
            return
        links = 0
        for folder, name, mask, _ in self._watcher.read():
            if mask & OVERFLOW:
                self._folders.begin()
                self._folders.work(time.perf_counter() + _ARM_SECONDS)
            elif mask & IS_FOLDER:
                self._folders.moved(f"{folder}/{name}", mask)
            elif mask & (CREATE | MOVED_TO) and links < _MAX_NEW_LINKS:
                links += 1
                self._folders.linked(f"{folder}/{name}")
        if not self._folders.complete:
            self._folders.work(time.perf_counter() + _HINT_SECONDS)

    def _on_events(self) -> bool:
        """Take pending events, in the thread that drains them; whether children ran."""
        with self._lock:
            recorder = self._recorder
            if recorder is None:
                return False
            self._take(recorder)
            return recorder.marks.children

    def _take(self, recorder: Recorder) -> None:
        if self._watcher is None or self._folders is None:
            return
        recorder.marks.begin_batch()
        events = self._watcher.read()
        recorder.marks.end_batch()
        for event in events:
            self._take_event(event, recorder.marks, self._folders, recorder.ledger)

    def _take_event(self, event: Event, marks: Marks, folders: Folders, ledger: Ledger) -> None:
        folder, name, mask, pid = event
        if mask & OVERFLOW:
            self._overflow = True
            folders.begin()
            return
        if mask & IS_FOLDER:
            path = f"{folder}/{name}"
            if folders.moved(path, mask) and marks.believes(pid):
                self._take_new_folder(path, marks, folders)
            return
        link = folders.links.get((folder, name))
        if link is not None:
            folder, name = link
        elif folder in folders.only_links:
            return
        if not mask & CHANGES and f"{folder}/{name}" in ledger.reads:
            return  # Python told it already
        if marks.believes(pid) and self._rules.trusts(folder, name):
            marks.add(folder, name, mask)

    def _take_new_folder(self, path: str, marks: Marks, folders: Folders) -> None:
        """Note what was written into a folder between its making and its watching."""
        with suppress(OSError), os.scandir(path) as scan:
            for item in scan:
                if item.is_dir(follow_symlinks=False):
                    if folders.moved(item.path, CREATE):
                        self._take_new_folder(item.path, marks, folders)
                elif item.stat().st_ctime_ns >= self._started - 20_000_000 and self._rules.trusts(path, item.name):
                    marks.add(path, item.name, CREATE)

    def _in_child(self, _: audit.Sink) -> audit.Sink | None:
        return ChildSink(str(self._side)) if self._side is not None else None

    def _watch_notes(self, recorder: Recorder) -> list[Note]:
        notes = []
        if self._folders is None:
            notes.append(_NOT_WATCHED)
        elif self._overflow:
            notes.append(_OVERFLOW)
        elif self._folders.problem or self._partial:
            why = self._folders.problem or "the project's folders were still being gone through when the cell began"
            notes.append(Note("files-watch-incomplete", _INCOMPLETE.format(why=why), _INCOMPLETE_HINT))
        return notes


_INCOMPLETE: Final = (
    "Files that native libraries or child processes used may be missing, because {why}. "
    "What Python itself opened is complete."
)
_INCOMPLETE_HINT: Final = "Keep labnb.toml in the experiment's own folder, or put fewer folders below it."
_NOT_WATCHED: Final = Note(
    "files-not-watched",
    "Files were seen only as Python opened them: this system offers no news of folders (inotify).",
    "Files that native libraries (Parquet, HDF5) or child processes opened may be missing.",
)
_OVERFLOW: Final = Note(
    "files-overflow",
    "So many files were used at once that the system dropped news of some.",
    "Files that native libraries or child processes opened may be missing; what Python itself opened is complete.",
)


def _side_file() -> Path:
    return Path(tempfile.gettempdir(), f"labnb-files-{os.getpid()}-{time.monotonic_ns()}.jsonl")
