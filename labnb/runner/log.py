"""What the job prints: at once into log.txt, from Python, from compiled code, and from child processes."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labnb.adapters.secrets.environ import secret_variables
from labnb.model.output import terminal_text
from labnb.model.redaction import MASK
from labnb.runfolder.paths import RunPaths

#: Characters of an unfinished line from which on only what a terminal still shows of it is kept.
_LONG_LINE = 4096


class Mask:
    """Masks the values of the target's own secret variables; the near side masks everything else when it collects."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._secrets = sorted({v.strip() for v in secret_variables(environ).values()}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Give the text without them."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def param(self, name: str, value: Any) -> Any:
        """Give the value of a param without them."""
        return self.text(value) if isinstance(value, str) else value

    def json(self, value: Any) -> Any:
        """Give JSON with every text in it clean."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (list, tuple)):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {key: self.json(item) for key, item in value.items()}
        return value


class Log:
    """log.txt and log.tail. Whole lines are written at once; the line that is not whole yet stands in the tail.

    A line that is written over by carriage returns (a progress bar) is kept as a terminal shows it.
    """

    def __init__(self, paths: RunPaths, mask: Mask) -> None:
        self._handle = os.open(paths.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._path: Path = paths.log
        self._tail = paths.log_tail
        self._mask = mask
        self._held: dict[str, str] = {}
        self._told = ""
        self._lock = threading.RLock()
        self.failed = ""

    def write(self, stream: str, text: str) -> None:
        """Add what was printed to a stream."""
        with self._lock:
            lines, newline, rest = (self._held.pop(stream, "") + text).rpartition("\n")
            if rest:
                if len(rest) > _LONG_LINE:
                    rest = terminal_text(rest)
                    if len(rest) > 100_000:
                        lines, newline, rest = f"{lines}{newline}{rest}", "\n", ""
                if rest:
                    self._held[stream] = rest
            if newline:
                self._append(terminal_text(lines) + "\n")

    def line(self, text: str) -> None:
        """Add a line of labnb's own."""
        with self._lock:
            self._append(f"[labnb] {text}\n")

    def size(self) -> int:
        """Give the bytes of log.txt."""
        with contextlib.suppress(OSError):
            return os.fstat(self._handle).st_size
        return 0

    def beat(self) -> None:
        """Write the tail anew where it changed."""
        with self._lock:
            held = next(reversed(list(self._held.values())), "")
            text = self._mask.text(terminal_text(held))
            if text == self._told:
                return
            self._told = text
        with contextlib.suppress(OSError):
            if text:
                self._tail.write_text(text, encoding="utf-8", errors="backslashreplace")
            else:
                self._tail.unlink()

    def finish(self) -> None:
        """Write the lines that were never ended."""
        with self._lock:
            for text in self._held.values():
                self._append(terminal_text(text) + "\n")
            self._held.clear()
        self.beat()

    def _append(self, text: str) -> None:
        data = self._mask.text(text).encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(self._handle, data) :]
        except OSError as error:
            self.failed = error.strerror or str(error)


class Stream(io.TextIOBase):
    """What stands in for sys.stdout and sys.stderr; its descriptor is the one that child processes inherit."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, name: str, fd: int, log: Log) -> None:
        self.name = f"<{name}>"
        self._name = name
        self._fd = fd
        self._log = log
        self._pid = os.getpid()
        self.buffer = _Bytes(self)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if os.getpid() != self._pid:  # a forked child: its parent reads the pipe and keeps the record
            data = text.encode("utf-8", "backslashreplace")
            while data:
                data = data[os.write(self._fd, data) :]
        elif text:
            self._log.write(self._name, text)
        return len(text)

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        """Everything is written at once."""

    def close(self) -> None:
        """The stream is the job's, not the cell's to close."""


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._stream.write(self._decode(data))
        return len(data)


class Pipe:
    """Takes what reaches a file descriptor past Python, and hands it to a stream."""

    def __init__(self, fd: int, hand: Callable[[str], object]) -> None:
        self._hand = hand
        self._read, write = os.pipe()
        self.original = os.dup(fd)
        os.dup2(write, fd)
        os.close(write)
        self._fd = fd
        self._bytes = 0
        self._thread = threading.Thread(target=self._run, name="labnb-output", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give the descriptor back; what is in the pipe is read first, unless children hold it open."""
        os.dup2(self.original, self._fd)
        deadline = time.monotonic() + 1.0
        seen = -1
        # Children that outlive the cell keep the pipe open: then silence is taken for the end.
        while self._thread.is_alive() and time.monotonic() < deadline:
            self._thread.join(0.02 if seen < 0 else 0.1)
            if seen == self._bytes:
                return
            seen = self._bytes

    def _run(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        while True:
            try:
                data = os.read(self._read, 1 << 16)
            except OSError:
                return
            text = decode(data, not data)
            if text:
                with contextlib.suppress(Exception):  # the reader must go on, or children would block
                    self._hand(text)
            self._bytes += len(data)
            if not data:
                return


class Flush:
    """Has compiled code's own buffer of standard output written out, which is large where it is no terminal."""

    def __init__(self) -> None:
        self._call: Callable[[], object] | None = None
        self._tried = False

    def __call__(self) -> None:
        if not self._tried:
            self._tried = True
            with contextlib.suppress(Exception):  # another C library: then the buffer is written when it is full
                import ctypes

                library = ctypes.CDLL(None)
                # Not all streams at once: one on which the cell waits would hold this thread.
                stdout = ctypes.c_void_p.in_dll(library, "stdout")
                self._call = lambda: library.fflush(stdout)
        if self._call is not None:
            self._call()
