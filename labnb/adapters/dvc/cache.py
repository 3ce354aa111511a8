"""Finds the DVC cache of a project, and the listings of folders in it."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
from collections.abc import Mapping

from labnb.model.errors import DataStoreError


def cache_folder(top: str) -> str:
    """Give the cache that the project's settings name (`.dvc/config`, overridden by `.dvc/config.local`).

    Settings of the user and the machine count less, as for DVC. Raises DataStoreError for a file that is no config.
    """
    home = os.path.join(top, ".dvc")
    found = os.path.join(home, "cache")
    for path in (*_common_settings(), os.path.join(home, "config"), os.path.join(home, "config.local")):
        value = _setting(path)
        if value:
            # A relative path is relative to the file that says it.
            found = os.path.normpath(os.path.join(os.path.dirname(path), os.path.expanduser(value)))
    return found


def settings_files(top: str) -> list[str]:
    """Give the files whose change may move the cache."""
    home = os.path.join(top, ".dvc")
    return [*_common_settings(), os.path.join(home, "config"), os.path.join(home, "config.local")]


def read_listing(cache: str, md5: str) -> dict[str, str] | None:
    """Map the files of a recorded folder to their md5; None where the cache does not hold the listing."""
    name = os.path.join(md5[:2], md5[2:])
    for place in (os.path.join(cache, "files", "md5", name), os.path.join(cache, name)):
        try:
            with open(place, "rb") as file:
                entries = json.load(file)
            return {str(entry["relpath"]): str(entry["md5"]) for entry in entries}
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataStoreError(
                f"The listing {place} cannot be read: {error}.",
                "Remove it and run dvc fetch, or dvc add the data again.",
            ) from error
    return None


def listing_digest(files: Mapping[str, str]) -> str:
    """Digest a folder as DVC does: the md5 of the JSON of its sorted listing, and ".dir"."""
    entries = [{"md5": files[name], "relpath": name} for name in sorted(files)]
    text = json.dumps(entries, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def unix_digest(path: str, limit: int = 64_000_000) -> str | None:
    """Digest a text as DVC before 3 did, with Unix line ends.

    None where that makes no difference, and over `limit` bytes.
    """
    try:
        if os.stat(path).st_size > limit:
            return None
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    if b"\r\n" not in content or b"\0" in content[:512]:
        return None
    return hashlib.md5(content.replace(b"\r\n", b"\n"), usedforsecurity=False).hexdigest()


def _common_settings() -> list[str]:
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    system = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or "/etc/xdg/dvc"
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or os.path.join(config, "dvc")
    return [os.path.join(system, "config"), os.path.join(user, "config")]


def _setting(path: str) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="\0none")
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ""
    except (OSError, configparser.Error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataStoreError(f"{path} cannot be read: {reason}.", "dvc config --list says more.") from error
    return parser.get("cache", "dir", fallback="").strip().strip("\"'")
