"""The bare repositories of labnb's own: they take snapshots where the researcher's repository cannot."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from labnb.adapters.git.process import Git, GitFailed

# Bytes are kept as they are: attributes of the folder must neither convert nor filter.
_ATTRIBUTES = "* -filter -text -ident -working-tree-encoding\n"


def make(place: Path, object_format: str = "sha1", alternate: Path | None = None) -> None:
    """Make a bare repository, whole or not at all; one that is there stays.

    `alternate` is an objects folder to borrow from. Raises GitFailed or OSError.
    """
    if (place / "HEAD").exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f"{place.name}.", dir=place.parent))
    try:
        Git(aside).run("init", "-q", "--bare", "--template=", f"--object-format={object_format}", ".")
        (aside / "info").mkdir(exist_ok=True)
        (aside / "info" / "attributes").write_text(_ATTRIBUTES)
        if alternate is not None:
            (aside / "objects" / "info" / "alternates").write_text(f"{alternate}\n")
        aside.chmod(0o755)
        os.rename(aside, place)
    except OSError:
        if not (place / "HEAD").exists():  # unless another kernel was quicker
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def put_aside_if_damaged(place: Path) -> None:
    """Rename a repository that git cannot open: what it holds may still be saved by hand."""
    try:
        Git(place.parent).under(f"--git-dir={place}").run("rev-parse", "--git-dir")
    except GitFailed:
        if place.exists():
            place.rename(place.with_name(f"{place.name}.damaged-{time.time_ns()}"))
