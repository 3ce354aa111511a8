"""Finds every digest that a project's pointers name: in the work tree, and in any revision that git still has."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator

from labnb.adapters.dvc.out import is_pointer
from labnb.model.errors import DataStoreError

_DIGEST = re.compile(rb"\b[0-9a-f]{32}(?:\.dir)?\b")


def in_work_tree(top: str, cache: str) -> set[str]:
    """Give the digests of all pointers below a folder, and of the results of stages that DVC remembers."""
    found: set[str] = set()
    for folder, names, files in os.walk(top):
        names[:] = [name for name in names if name != ".git" and os.path.join(folder, name) != cache]
        for name in files:
            if is_pointer(name):
                found |= _in_file(os.path.join(folder, name))
    for folder, _, files in os.walk(os.path.join(cache, "runs")):
        for name in files:
            found |= _in_file(os.path.join(folder, name))
    return found


def in_git(folder: str, *, bare: bool = False) -> set[str]:
    """Give the digests of all pointers that any commit names which git still has, those of hidden references too.

    Raises DataStoreError where git cannot tell all of them: then nobody knows what is used.
    """
    git = ["git", f"--git-dir={folder}"] if bare else ["git", "-C", folder]
    listed = _run([*git, "rev-list", "--objects", "--all", "--reflog", "--indexed-objects"], folder)
    blobs = {
        line.split(b" ", 1)[0]
        for line in listed.splitlines()
        if b" " in line and is_pointer(os.path.basename(os.fsdecode(line.split(b" ", 1)[1])))
    }
    if not blobs:
        return set()
    content = _run([*git, "cat-file", "--batch"], folder, b"\n".join(sorted(blobs)) + b"\n")
    return digests(content)


def digests(content: bytes) -> set[str]:
    """Give everything in a text that looks like a digest; one too many does no harm."""
    return {item.decode() for item in _DIGEST.findall(content)}


def repositories(folder: str) -> Iterator[str]:
    """Give the bare repositories in a folder: those in which labnb keeps the code of projects without git."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for path in (folder, *(os.path.join(folder, name) for name in names)):
        if os.path.isfile(os.path.join(path, "HEAD")) and os.path.isdir(os.path.join(path, "objects")):
            yield path


def projects_below(root: str) -> Iterator[str]:
    """Give the DVC projects in a folder, itself among them."""
    for folder, names, _ in os.walk(root):
        if ".dvc" in names:
            yield folder
        names[:] = [name for name in names if not name.startswith(".")]


def _in_file(path: str) -> set[str]:
    try:
        with open(path, "rb") as file:
            return digests(file.read())
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise DataStoreError(
            f"{path} cannot be read ({error.strerror}), so that nobody knows what it uses. Nothing was freed.",
            "Ask its owner.",
        ) from error


def _run(command: Iterable[str], folder: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(list(command), input=given, capture_output=True, check=False)
    except OSError as error:
        raise DataStoreError(f"git cannot be run: {error.strerror}. Nothing was freed.", "Install git.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DataStoreError(
            f"git cannot tell all revisions of {folder}: {said[-1] if said else done.returncode}. Nothing was freed.",
            "git fsck says more.",
        )
    return done.stdout
