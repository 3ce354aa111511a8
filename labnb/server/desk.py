"""The server's side of all questions: a bounded pool of threads, and a shelf per project."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from labnb.config import CONFIG_NAME, find_root
from labnb.model.api import Project
from labnb.model.errors import NotFound
from labnb.server.problems import Busy

if TYPE_CHECKING:
    from labnb.server.announcer import Announcer
    from labnb.server.shelf import Shelf

T = TypeVar("T")

THREADS, WAITING = 4, 64
#: How deep below the server's folder projects are looked for, and in how many folders.
DEPTH, FOLDERS = 4, 3000


class Desk:
    """Answers questions beside the event loop. Costs nothing until the first one."""

    def __init__(self, folder: Path, announcer: Announcer | None = None, log: logging.Logger | None = None) -> None:
        self.folder = folder
        self.announcer = announcer
        self.log = log or logging.getLogger("labnb")
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._shelves: dict[str, Shelf] = {}
        self._roots: dict[str, Path] = {}
        self._lock = threading.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread of the pool; raises Busy where too much waits already, and what the work raises.

        What it raises that is no Exception comes as a RuntimeError, except what stops a process.
        """
        if self._waiting >= WAITING:
            busy = Busy("The server has too many questions to answer.", "Ask again in a second.")
            busy.retry_after = 1
            raise busy
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="labnb-server")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _only_exceptions, work)
        finally:
            self._waiting -= 1

    def shelf(self, project: str = "") -> Shelf:
        """Give the shelf of a project by its id, that of the server's folder for ""; raises NotFound."""
        from labnb.server.shelf import Shelf

        if not project:
            root = find_root(self.folder)
            project = id_of(root)
        elif (known := self._roots.get(project)) is not None:
            root = known
        else:
            self.projects("")
            if project not in self._roots:
                raise NotFound(f"There is no project {project[:64]!r}.", "GET projects lists them.")
            root = self._roots[project]
        with self._lock:
            shelf = self._shelves.get(project)
            if shelf is None:
                shelf = self._shelves[project] = Shelf(project, root, self.folder, self.announcer, self.log)
        return shelf

    def projects(self, notebook: str) -> list[Project]:
        """List the projects under the server's folder; that of the notebook (Jupyter's path of it) first."""
        here = find_root(self._folder_of(notebook))
        found = dict.fromkeys([here, find_root(self.folder), *self._below()])
        with self._lock:
            self._roots = {id_of(root): root for root in found}
        return [Project(id_of(root), root.name or str(root), self._shown(root), root == here) for root in found]

    def close(self) -> None:
        """End threads and watches."""
        with self._lock:
            shelves, self._shelves = list(self._shelves.values()), {}
        for shelf in shelves:
            shelf.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _folder_of(self, notebook: str) -> Path:
        """Give the folder of a notebook, which no path leads out of the server's folder."""
        top = self.folder.resolve()
        folder = Path(os.path.normpath(top / notebook.lstrip("/"))).parent if notebook else top
        return folder if folder.is_relative_to(top) and folder.is_dir() else top

    def _below(self) -> Iterator[Path]:
        waiting, seen = [(self.folder.resolve(), 0)], 0
        while waiting and seen < FOLDERS:
            folder, depth = waiting.pop(0)
            seen += 1
            try:
                entries = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            if (folder / ".labnb" / "runs").is_dir() or (folder / CONFIG_NAME).is_file():
                yield folder
            if depth < DEPTH:
                names = sorted(entry.name for entry in entries if not entry.name.startswith((".", "node_modules")))
                waiting.extend((folder / name, depth + 1) for name in names)

    def _shown(self, root: Path) -> str:
        """Write where a project lies, seen from the server's folder."""
        return os.path.relpath(root, self.folder.resolve())


def _only_exceptions(work: Callable[[], T]) -> T:
    """Do the work so that whatever goes wrong is an Exception: the web server leaves anything else without an answer.

    Native code that panics raises a BaseException, and a StopIteration is one that no future can hold.
    """
    try:
        return work()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if isinstance(error, Exception) and not isinstance(error, StopIteration):
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def id_of(root: Path) -> str:
    """Make the id of a project from where it lies."""
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
