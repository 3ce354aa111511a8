"""A file, or the range of it that was asked for."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from types import TracebackType

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Piece:
    """Bytes `start` to `end` (excluded) of an open file. `status` is 200, 206, or 416 where there is no such range."""

    def __init__(self, fd: int, status: int, start: int, end: int, size: int) -> None:
        self._fd, self.status, self.start, self.end, self.size = fd, status, start, end, size
        self._at = start

    def read(self, limit: int) -> bytes:
        """Give the next bytes; b"" at the end. What was cut off meanwhile is filled up, as its length was promised."""
        wanted = min(limit, self.end - self._at)
        if wanted <= 0:
            return b""
        data = os.pread(self._fd, wanted, self._at) or b"\0" * wanted
        self._at += len(data)
        return data

    def __enter__(self) -> Piece:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)


def piece_of(path: Path, asked: str | None) -> Piece:
    """Open a file (no link, no pipe) for the range that a request asks for. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise FileNotFoundError(2, "it is no file", str(path))
    size = found.st_size
    match = _RANGE.fullmatch(asked or "")
    if match is None or match[1] == match[2] == "":
        return Piece(fd, 200, 0, size, size)
    if match[1] == "":
        start, end = max(size - int(match[2]), 0), size
    else:
        start, end = int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)
    if start >= end:
        return Piece(fd, 416, 0, 0, size)
    return Piece(fd, 206, start, end, size)
