"""This machine as a host."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from labnb.model.errors import HostError, HostUnreachable, NotFound
from labnb.ports.host import Finished

_FULL = {errno.ENOSPC: "There is no space left", errno.EDQUOT: "Your quota is used up"}


class LocalHost:
    """Runs commands as children of this process. What they start in the background outlives it."""

    local = True

    def run(self, command: Sequence[str], stdin: bytes = b"", timeout: float = 60.0) -> Finished:
        """Run a command; codes are a shell's: 127 not found, 126 not allowed, 137 killed."""
        try:
            # A session of its own: Ctrl-C in the terminal that Jupyter was started from ends no sbatch half-way.
            done = subprocess.run(
                list(command), input=stdin, capture_output=True, timeout=timeout, check=False, start_new_session=True
            )
        except FileNotFoundError:
            return Finished(127, b"", f"{command[0]}: not found".encode())
        except PermissionError:
            return Finished(126, b"", f"{command[0]}: not allowed".encode())
        except subprocess.TimeoutExpired:
            raise HostUnreachable(f"{command[0]} did not answer within {timeout:g} s.") from None
        except (OSError, ValueError) as error:
            raise HostError(f"{command[0]} cannot be run: {error}.") from error
        code = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Finished(code, done.stdout, done.stderr)

    def put(self, files: Mapping[str, Path | bytes]) -> None:
        """Write files whole, for their owner alone."""
        for name, content in files.items():
            path = _own(name)
            with _translated(path):
                if isinstance(content, Path) and path.exists() and path.samefile(content):
                    continue
                make_private(path.parent)
                _write(path, content)

    def get(self, paths: Mapping[str, Path]) -> None:
        """Copy files whole."""
        missing = []
        for name, target in paths.items():
            path = _own(name)
            if not path.is_file():
                missing.append(name)
                continue
            with _translated(target):
                if target.exists() and target.samefile(path):
                    continue
                make_private(target.parent)
                _write(target, path)
        if missing:
            raise NotFound(f"There is no file {missing[0]} on this machine.")

    def read(self, path: str, offset: int = 0, limit: int = 1_000_000) -> bytes:
        """Read a part of a file."""
        own = _own(path)
        with _translated(own), open(own, "rb") as file:
            file.seek(offset)
            return file.read(limit)

    def close(self) -> None:
        """Nothing is held open."""


def local_host(address: str) -> LocalHost:
    """Give this machine; its address is ""."""
    return LocalHost()


def make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, for their owner alone."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        with contextlib.suppress(FileExistsError):
            parent.mkdir(mode=0o700)


def _write(path: Path, content: Path | bytes) -> None:
    aside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                with open(content, "rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _own(path: str) -> Path:
    return Path(os.path.expanduser(path)) if path.startswith("~/") else Path(path)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {error.filename or path} on this machine.") from None
    except OSError as error:
        if error.errno in _FULL:
            raise HostError(
                f"{_FULL[error.errno]} for {path}.", "Make room, or set folder of the target to another disk."
            ) from error
        raise HostError(f"{path} cannot be used: {error.strerror or error}.") from error
