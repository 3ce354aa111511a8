"""Folders for what is not whole yet: each belongs to a process, and goes when that process is gone."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict

from labnb.runfolder.owner import Owner

OWNER = "owner"
# A folder whose owner cannot be seen (another machine's, or killed before it could write its name) goes after so long.
_UNOWNED, _FOREIGN = 3600.0, 7 * 86400.0
_TRIES = 100


class Aside:
    """A private folder beside what will be renamed out of it; `name()` gives paths in it that nobody else gives."""

    def __init__(self, above: str) -> None:
        self.folder = os.path.join(above, secrets.token_hex(8))
        self._numbers = itertools.count()
        for left in range(_TRIES, -1, -1):
            os.makedirs(above, exist_ok=True)
            try:
                os.mkdir(self.folder)
                break
            except FileNotFoundError:  # whoever was done first took the folder above away
                if not left:
                    raise
        with open(os.path.join(self.folder, OWNER), "x", encoding="utf-8") as file:
            json.dump(asdict(Owner.this()), file)

    def name(self) -> str:
        # next() of a count is one step for all threads.
        return os.path.join(self.folder, f"{next(self._numbers)}.part")

    def close(self) -> None:
        """Remove the folder with everything that was not taken out of it."""
        remove(self.folder)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(self.folder))


@contextlib.contextmanager
def aside(above: str) -> Iterator[Aside]:
    """Make a private folder in the folder `above`, gone at the end; raises OSError."""
    made = Aside(above)
    try:
        yield made
    finally:
        made.close()


def left_behind(above: str) -> Iterator[str]:
    """Give the folders whose process is gone."""
    try:
        found = [entry.path for entry in os.scandir(above) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for folder in found:
        if _is_dead(folder):
            yield folder


def _is_dead(folder: str) -> bool:
    try:
        age = time.time() - os.stat(folder).st_mtime
    except OSError:
        return False
    try:
        with open(os.path.join(folder, OWNER), encoding="utf-8") as file:
            owner = Owner.from_json(json.load(file))
    except (OSError, ValueError, TypeError, AttributeError):
        return age > _UNOWNED
    # One that cannot be seen from here is taken to live, but not for ever.
    return not owner.lives() or age > _FOREIGN


def remove(path: str) -> None:
    """Remove a file or folder, also one whose folders may not be written; what cannot be removed stays."""

    def unlock(function: object, name: str, problem: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(name), 0o700)
            os.unlink(name)

    try:
        os.unlink(path)
    except IsADirectoryError:
        shutil.rmtree(path, onerror=unlock)
    except OSError:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, onerror=unlock)
