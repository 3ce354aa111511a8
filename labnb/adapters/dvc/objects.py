"""DVC's cache as a store of objects: each one read-only, named by its md5, and there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator

from labnb.adapters.dvc.aside import Aside, aside
from labnb.adapters.dvc.parallel import Advance
from labnb.adapters.dvc.settings import Settings
from labnb.model.errors import StoreCorrupt
from labnb.runfolder.stat_cache import Signature, StatCache, signature

#: Under the cache, on its file system: what is not an object yet. DVC passes over folders with such a name.
ASIDE = "labnb.tmp"
READ_ONLY = 0o444
_CHUNK = 1 << 20
CLONE = 0x40049409
_NO_CLONE = {errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.ENOSYS, errno.EINVAL, errno.EAGAIN}


class FileChanged(Exception):
    """A file was not the same at the end of its reading as at the beginning."""


class Objects:
    """The cache of one DVC project (`files/md5/xx/…`, and for reading the places of older DVC versions)."""

    def __init__(self, settings: Settings, stat_cache: StatCache) -> None:
        self.cache = settings.cache
        self.above = os.path.join(settings.cache, ASIDE)
        self._stat_cache = stat_cache
        mask = umask()
        self._folder_mode = 0o2775 if settings.shared else 0o777 & ~mask
        self._clones = "reflink" in settings.links
        self._folders: set[str] = set()

    @property
    def clones(self) -> bool:
        """Whether files are cloned, as far as that was tried."""
        return self._clones

    def copies(self, source: str) -> bool:
        """Whether taking a file needs as much room as it has: the file system has no clones of this one."""
        if self._clones:
            with aside(self.above) as place, open(source, "rb") as file, open(place.name(), "xb") as copy:
                self._cloned(file.fileno(), copy.fileno())
        return not self._clones

    def path(self, md5: str) -> str:
        """Say where an object lies or would lie; `md5` may end in ".dir"."""
        return os.path.join(self.cache, "files", "md5", md5[:2], md5[2:])

    def find(self, md5: str) -> str | None:
        """Give the object's file, None where the cache does not have it."""
        for place in (self.path(md5), os.path.join(self.cache, md5[:2], md5[2:])):
            if os.path.isfile(place):
                return place
        return None

    def holds(self, md5: str, size: int | None = None) -> bool:
        """Whether the object is there, of that size, and protected: what DVC itself goes by."""
        try:
            status = os.stat(self.path(md5))
        except OSError:
            return False
        if size is not None and status.st_size != size:
            return False
        return stat.S_IMODE(status.st_mode) == READ_ONLY or self.intact(md5)

    def intact(self, md5: str) -> bool:
        """Whether the object's content has its name; read once for each state of its file."""
        place = self.find(md5)
        if place is None:
            return False
        try:
            sign = signature(os.stat(place))
            known = self._stat_cache.get([(place, sign)]).get(place)
            if known is None:
                begun = time.time_ns()
                known = digest_of(place)
                self._stat_cache.put([(place, sign, known)], begun)
        except (OSError, FileChanged):
            return False
        return known == md5.removesuffix(".dir")

    def missing(self, digests: Iterator[str] | set[str]) -> set[str]:
        """Give those that the cache does not have."""
        return {md5 for md5 in digests if self.find(md5) is None}

    def take(self, source: str, sign: Signature, place: Aside, advance: Advance) -> str:
        """Put a file's content in, reading it once, and give its md5.

        `sign` is the state in which it was listed. Raises FileChanged where it is not in that state all the time,
        OSError where reading or writing fails.
        """
        part = place.name()
        try:
            md5 = self._copied(source, sign, part, advance)
            self.adopt(part, md5, sign.size)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
        return md5

    def put(self, content: bytes, md5: str, place: Aside) -> None:
        """Put an object in whose content and name are known."""
        if self.holds(md5, len(content)) and self.intact(md5):
            return
        part = place.name()
        with open(part, "xb") as file:
            file.write(content)
        self.adopt(part, md5, len(content))

    def adopt(self, part: str, md5: str, size: int) -> None:
        """Make a whole file of the cache's own an object; one that is there and in order stays."""
        place = self.path(md5)
        if self.holds(md5, size):
            os.unlink(part)
            return
        self._make_folder(os.path.dirname(place))
        os.chmod(part, READ_ONLY)
        os.replace(part, place)

    def _copied(self, source: str, sign: Signature, part: str, advance: Advance) -> str:
        with open(source, "rb", buffering=0) as file:
            if signature(os.fstat(file.fileno())) != sign:
                raise FileChanged(source)
            with open(part, "xb", buffering=0) as copy:
                if self._cloned(file.fileno(), copy.fileno()):
                    md5 = digest_of(part, advance)
                else:
                    md5 = _copy(file.fileno(), copy.fileno(), sign.size, advance)
            if signature(os.fstat(file.fileno())) != sign:
                raise FileChanged(source)
        return md5

    def _cloned(self, source: int, target: int) -> bool:
        if not self._clones:
            return False
        try:
            fcntl.ioctl(target, CLONE, source)
        except OSError as error:
            if error.errno not in _NO_CLONE:
                raise
            self._clones = False
        return self._clones

    def _make_folder(self, folder: str) -> None:
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)
            if self._folder_mode & 0o2000:
                with contextlib.suppress(PermissionError):
                    os.chmod(folder, self._folder_mode)
            self._folders.add(folder)


def digest_of(path: str, advance: Advance | None = None) -> str:
    """Give the md5 of a file; raises OSError, and FileChanged where it changes meanwhile."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb", buffering=0) as file:
        before = signature(os.fstat(file.fileno()))
        read = 0
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            read += len(chunk)
            if advance is not None:
                advance(len(chunk))
            if read > before.size:
                break
        if read != before.size or signature(os.fstat(file.fileno())) != before:
            raise FileChanged(path)
    return digest.hexdigest()


def copy_checked(source: str, target: str, md5: str, advance: Advance) -> None:
    """Copy an object to a new file; raises StoreCorrupt where its content does not have its name."""
    with open(source, "rb", buffering=0) as file, open(target, "xb", buffering=0) as copy:
        found = _copy(file.fileno(), copy.fileno(), os.fstat(file.fileno()).st_size, advance)
    if found != md5:
        os.unlink(target)
        raise damaged(source)


def damaged(place: str) -> StoreCorrupt:
    """Say that an object does not hold what its name says."""
    return StoreCorrupt(
        f"The object {place} of the cache is damaged: its content is not what its name says. Nothing was restored.",
        "Remove that file; labnb data pull then fetches it again from a remote.",
    )


def _copy(source: int, target: int, size: int, advance: Advance) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    left = size
    if size >= _PIPED:
        return _copy_large(source, target, size, advance)
    while chunk := os.read(source, min(_CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise FileChanged
        digest.update(chunk)
        _write(target, chunk)
        advance(len(chunk))
    if left:
        raise FileChanged
    return digest.hexdigest()


_PIPED = 64 << 20


def _copy_large(source: int, target: int, size: int, advance: Advance) -> str:
    """Copy with the writing in a thread beside the hashing: both take long, and neither holds the interpreter."""
    from queue import Queue

    digest = hashlib.md5(usedforsecurity=False)
    chunks: Queue[bytes] = Queue(4)
    failed: list[OSError] = []

    def write() -> None:
        while chunk := chunks.get():
            if not failed:
                try:
                    _write(target, chunk)
                except OSError as error:
                    failed.append(error)

    writer = threading.Thread(target=write, name="labnb-copy", daemon=True)
    writer.start()
    left = size
    try:
        while not failed and (chunk := os.read(source, 4 * _CHUNK)):
            left -= len(chunk)
            if left < 0:
                break
            chunks.put(chunk)
            digest.update(chunk)
            advance(len(chunk))
    finally:
        chunks.put(b"")
        writer.join()
    if failed:
        raise failed[0]
    if left:
        raise FileChanged
    return digest.hexdigest()


def _write(target: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(target, view) :]


def umask() -> int:
    """Give the bits that new files of this process do not get."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return int(next(line.split()[1] for line in file if line.startswith("Umask:")), 8)
    except (OSError, StopIteration, ValueError):
        mask = os.umask(0)
        os.umask(mask)
        return mask
