"""Keeps the index of runs as the run folders are: at once where they tell it, by looking where not.

On the way it meets the runs whose processes died, and has their ends written.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from labnb.model.errors import LabError, StoreCorrupt, StoreLocked
from labnb.ports.run_index import Entry, RunIndexWriter
from labnb.ports.run_news import RunNews
from labnb.runfolder.paths import LabPaths
from labnb.usecases.read_index_folder import FolderReader

#: Seconds between two rounds, however much happens; between two looks whether the processes of live runs live.
ROUND, LIVE = 0.25, 2.0
#: Seconds between two looks at what goes on, where changes are not noticed by themselves.
SLOW = 5.0
#: Seconds after which a question has all folders looked at again, where changes are noticed at once, and where not.
AGAIN, AGAIN_BLIND = 60.0, 5.0
BATCH = 200
#: Seconds: so long is read at a stretch, so long is paused then, if anything was asked so short a time ago.
STRETCH, PAUSE, JUST = 0.003, 0.006, 0.1
#: More runs than this are read all at once, after the first of them, which are wanted first.
MANY, FIRST = 3000, 1000

_log = logging.getLogger("labnb")

T = TypeVar("T")
Tell = Callable[[Sequence[str], Sequence[str]], None]
#: Write the end of a run whose process is gone; tells whether there was one to write. Raises LabError or OSError.
Mend = Callable[[str], bool]


@dataclass
class State:
    """How far the keeper is. `waiting` is None while folders are being counted; times are of the epoch."""

    waiting: int | None = None
    checked: float | None = None
    stopped: str = ""


class IndexKeeper:
    """A thread that keeps the index of one project. `tell` is told the uids that changed and that went.

    `prepare` is called for each run that was read and has ended, when there is nothing else to do. `head_start` are
    seconds that the question has which it begins with: both share the interpreter.
    """

    def __init__(
        self,
        lab: LabPaths,
        writer: RunIndexWriter,
        news: RunNews,
        tell: Tell,
        tell_data: Callable[[], None] = lambda: None,
        mend: Mend = lambda uid: False,
        prepare: Callable[[str], None] = lambda uid: None,
        head_start: float = 0.0,
    ) -> None:
        self._writer, self._news, self._tell = writer, news, tell
        self._tell_data, self._mend, self._prepare = tell_data, mend, prepare
        self._unprepared: list[str] = []
        self._head_start = head_start
        self._folders = FolderReader(lab)
        self.state = State()
        self._asked_at = -JUST
        self._all = True
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def live(self) -> bool:
        """Whether changes are noticed when they happen."""
        return self._news.live

    def start(self) -> None:
        """Begin; a second time changes nothing."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="labnb-index", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End, and wait for it."""
        self._ended.set()
        self._news.wake()
        if self._thread is not None:
            self._thread.join(10)
        self._news.close()

    def asked(self) -> None:
        """Somebody asks: have all folders looked at where the last look is long ago."""
        self._asked_at = time.monotonic()
        checked = self.state.checked
        if checked is not None and time.time() - checked > (AGAIN if self._news.live else AGAIN_BLIND):
            self.state.checked = time.time()
            self._all = True
            self._news.wake()

    def look_at(self, uid: str) -> None:
        """Read one run now, in this thread: the next question sees it as it is."""
        self._read([uid])
        if self._folders.found_dead:
            self._news.wake()

    def _run(self) -> None:
        self._ended.wait(self._head_start)
        while not self._ended.is_set():
            try:
                self._round()
                self.state.stopped = ""
            except StoreCorrupt as error:
                _log.warning("labnb: %s", error)
                self._ended.wait(1)
                self._all = True
            except StoreLocked:
                self.state.waiting = None
                self._all = True
                self._ended.wait(2)
            except LabError as error:
                self.state.stopped = str(error)
                self._ended.wait(5)
            except Exception as error:  # noqa: BLE001 - the index must outlive what nobody thought of
                _log.exception("labnb: the index of runs stumbled")
                self.state.stopped = f"{type(error).__name__}: {error}"
                self._ended.wait(5)

    def _round(self) -> None:
        if self._all:
            self._all = False
            self._look_at_all()
        self._mend_dead()
        live = self._folders.live
        # What was written between the reading and the following is read now.
        self._read(self._news.follow(live))
        pause = LIVE if self._folders.owned else None if self._news.live or not live else SLOW
        news = self._news.wait(0 if self._unprepared else pause)
        if self._ended.is_set():
            return
        self._all = self._all or news.all
        # One that goes on may have lost its process, which no file tells.
        self._read({*news.uids, *self._folders.orphans(), *(() if self._news.live else live)})
        self._mend_dead()
        if news.data:
            self._tell_data()
        self._prepare_some()
        if news.uids or news.data:
            self._ended.wait(ROUND)

    def _look_at_all(self) -> None:
        """Compare all folders with the index; read what is new or other, the newest first."""
        self.state.waiting = None
        known = self._writer.states("folder")
        there = dict(self._politely(self._folders.names()))
        gone = [uid for uid in known if uid not in there]
        self._announce((), self._writer.remove(gone, "folder"))
        news = [uid for uid in self._politely(there) if not self._folders.same(uid, known.get(uid))]
        news.sort(key=lambda uid: there[uid], reverse=True)
        self.state.waiting = len(news)
        for batch in _batches(news[:FIRST] if len(news) > MANY else news, BATCH):
            if self._ended.is_set():
                return
            self._read(self._politely(batch))
            self.state.waiting -= len(batch)
        if len(news) > MANY:
            self._writer.load(self._entries(news[FIRST:]))
            self._tell(news[:FIRST], ())
        self.state.waiting = 0
        self.state.checked = time.time()

    def _entries(self, uids: Sequence[str]) -> Iterator[Entry]:
        for uid in self._politely(uids):
            if self._ended.is_set():
                raise StoreLocked("The server ends.")
            # The last one waits until all of them are found.
            self.state.waiting = max((self.state.waiting or 2) - 1, 1)
            with contextlib.suppress(LabError):
                entry = self._folders.read(uid)
                if entry is not None:
                    self._note(entry)
                    yield entry

    def _politely(self, much: Iterable[T]) -> Iterator[T]:
        """Go through much, and make way while somebody waits for an answer: both share the interpreter."""
        begun = time.monotonic()
        for one in much:
            yield one
            now = time.monotonic()
            if now - begun > STRETCH:
                # The event loop, at least, comes in between.
                time.sleep(PAUSE if now - self._asked_at < JUST else 0.0001)
                begun = time.monotonic()

    def _read(self, uids: Iterable[str]) -> None:
        entries, gone = [], []
        for uid in uids:
            try:
                entry = self._folders.read(uid)
            except LabError:
                continue  # a folder that is being made, or a damaged one: labnb doctor tells of those
            if entry is None:
                gone.append(uid)
            else:
                entries.append(entry)
                self._note(entry)
        changed = self._writer.put(entries) if entries else ()
        self._announce(changed, self._writer.remove(gone, "folder") if gone else ())

    def _mend_dead(self) -> None:
        """Have the ends of dead runs written, and tell of them as they are then."""
        mended = []
        for uid in self._folders.dead():
            try:
                if self._mend(uid):
                    mended.append(uid)
            except (LabError, OSError) as error:  # shown as ended all the same, and tried again at the next look
                _log.warning("labnb: the end of run %s cannot be written: %s", uid, error)
        if mended:
            _log.info("labnb: wrote the ends of runs whose processes died: %s", ", ".join(mended))
            self._read(mended)
            self._tell(mended, ())

    def _note(self, entry: Entry) -> None:
        if entry.run.status.ended:
            self._unprepared.append(entry.run.uid)

    def _prepare_some(self) -> None:
        """Prepare what there is time for; the last that were read are the first that are looked at."""
        begun = time.monotonic()
        while self._unprepared and not self._ended.is_set() and time.monotonic() - begun < ROUND:
            self._prepare(self._unprepared.pop())

    def _announce(self, changed: Sequence[str], gone: Sequence[str]) -> None:
        if changed or gone:
            self._tell(changed, gone)


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[at : at + size] for at in range(0, len(items), size))
