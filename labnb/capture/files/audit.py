"""Python's audit hook: every `open` inside this process, as it happens.

A hook cannot be taken away again, so there is one per process, and it does nothing while no sink listens. It runs
inside the user's own calls: it never raises, and it passes KeyboardInterrupt on, which is the user's.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Sink(Protocol):
    """What listens to the hook. Paths are as the user's code gave them: text, bytes, path objects, descriptors."""

    def opened(self, path: object, flags: int) -> None:
        """A file is about to be opened."""

    def connected(self, database: object) -> None:
        """A SQLite database is about to be opened."""

    def renamed(self, source: object, target: object) -> None:
        """A file or folder is about to be renamed."""

    def removed(self, path: object) -> None:
        """A file is about to be removed."""

    def linked(self, target: object) -> None:
        """A link is about to be made under this name."""

    def listed(self, folder: object) -> None:
        """A folder is about to be listed."""

    def spawned(self, arguments: object, folder: object) -> None:
        """A process is about to be started, with these arguments, in this folder (None: the present one)."""

    def in_aside(self, path: object) -> None:
        """labnb itself opens a file."""


class _Local(threading.local):
    """Whether a thread works for labnb: those of its own have its name."""

    def __init__(self) -> None:
        self.own = threading.current_thread().name.startswith("labnb-")
        self.aside = int(self.own)


#: What labnb's own threads opened while nobody listened: when (seconds), and the path. What labnb opens in the thread
#: of the cells is closed again before the next cell begins.
_own: deque[tuple[float, object]] = deque(maxlen=4096)
_YOUNG = 2.0

_local = _Local()
_sink: Sink | None = None
_child_sink: Callable[[Sink], Sink | None] | None = None
_installed = False


def listen(sink: Sink | None, in_child: Callable[[Sink], Sink | None] | None = None) -> None:
    """Send events to `sink` from now on (None: to nobody). `in_child` makes the sink of a forked child."""
    global _sink, _child_sink
    if sink is not None:
        _install()
    _child_sink = in_child
    _sink = sink
    if sink is not None:
        # The file system's news of what labnb's threads opened a moment ago may come only now.
        young = time.monotonic() - _YOUNG
        while _own:
            opened, path = _own.popleft()
            if opened > young:
                sink.in_aside(path)


def digested() -> None:
    """The digests of a record are taken: what its threads opened for them is closed."""
    _own.clear()


@contextmanager
def aside() -> Iterator[None]:
    """In this thread, what happens inside is labnb's own work and no part of the user's cell."""
    _local.aside += 1
    try:
        yield
    finally:
        _local.aside -= 1


def _install() -> None:
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    global _sink
    _local.aside, _local.own = 0, False
    if _sink is not None:
        try:
            _sink = _child_sink(_sink) if _child_sink is not None else None
        except Exception:  # noqa: BLE001 - a fork of the user's program must never fail because of a record
            _sink = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    sink = _sink
    if sink is None:
        if event == "open" and _installed and _local.own:
            _own.append((time.monotonic(), args[0]))
        return
    handle = _HANDLERS.get(event)
    if handle is None:
        return
    try:
        if _local.aside:
            if event == "open":
                sink.in_aside(args[0])
            return
        handle(sink, args)
    except Exception:  # noqa: BLE001, S110 - the user's call goes on whatever the record cannot take
        pass


def _open(sink: Sink, args: tuple[Any, ...]) -> None:
    sink.opened(args[0], args[2])


def _rename(sink: Sink, args: tuple[Any, ...]) -> None:
    sink.renamed(_at(args[0], args[2]), _at(args[1], args[3]))


def _link(sink: Sink, args: tuple[Any, ...]) -> None:
    sink.linked(_at(args[1], args[-1]))


def _popen(sink: Sink, args: tuple[Any, ...]) -> None:
    sink.spawned(args[1], args[2])


def _at(path: object, folder: object) -> object:
    """Resolve a path that is relative to a folder's descriptor (-1 or None: to the working directory)."""
    if not isinstance(folder, int) or folder < 0 or isinstance(path, int):
        return path
    text = os.fsdecode(path)  # type: ignore[arg-type]
    return text if os.path.isabs(text) else f"{os.readlink(f'/proc/self/fd/{folder}')}/{text}"


_HANDLERS: dict[str, Callable[[Sink, tuple[Any, ...]], None]] = {
    "open": _open,
    "sqlite3.connect": lambda sink, args: sink.connected(args[0]),
    "os.rename": _rename,
    "os.remove": lambda sink, args: sink.removed(_at(args[0], args[1])),
    "os.truncate": lambda sink, args: sink.opened(args[0], os.O_RDWR),
    "os.link": _link,
    "os.symlink": _link,
    "os.listdir": lambda sink, args: sink.listed(args[0]),
    "os.scandir": lambda sink, args: sink.listed(args[0]),
    "subprocess.Popen": _popen,
    "os.posix_spawn": lambda sink, args: sink.spawned(args[1], None),
    "os.system": lambda sink, args: sink.spawned(args[0], None),
    "os.exec": lambda sink, args: sink.spawned(args[1], None),
    "os.spawn": lambda sink, args: sink.spawned(args[2], None),
    "os.fork": lambda sink, _: sink.spawned((), None),
    "os.forkpty": lambda sink, _: sink.spawned((), None),
    "pty.spawn": lambda sink, args: sink.spawned(args[0], None),
}
