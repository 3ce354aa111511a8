"""The lock of an environment for another machine: wheels that lie on this one travel, folders of this one do not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from labnb.model.run import Note
from labnb.usecases.work_tree import digest_file

_LOCAL = re.compile(r"^(?P<name>[\w.\[\],-]+) @ (?P<uri>file://\S+)")


def far_lock(lines: Iterable[str], wheels: str) -> tuple[str, dict[str, Path], list[Note]]:
    """Give the lock's text for a host that shares no files with this one, and the files to be sent: far path -> file.

    `wheels` is the folder for wheels there, absolute. Notes tell what the environment goes without. Raises OSError.
    """
    kept: list[str] = []
    files: dict[str, Path] = {}
    without: list[str] = []
    for line in lines:
        found = _LOCAL.match(line)
        if found is None:
            kept.append(line)
            continue
        source = Path(unquote(urlsplit(found["uri"]).path))
        if not source.is_file():
            without.append(found["name"])
            continue
        place = f"{wheels}/{digest_file(source).removeprefix('md5:')}/{source.name}"
        files[place] = source
        kept.append(f"{found['name']} @ file://{quote(place)}")
    notes = []
    if without:
        names = ", ".join(without)
        text = f"The environment of the job is built without {names}: installed here from a folder, or from a file."
        hint = "Modules of the project itself travel with the job; other code needs a package index or a git address."
        notes.append(Note("packages", text, hint))
    return "".join(f"{line}\n" for line in kept), files, notes
