"""Data of another repository, by `dvc get` in a process of its own (`ports.other_repository`)."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from labnb.adapters.dvc.cache import listing_digest
from labnb.model.errors import DataStoreError, NotFound, StoreUnreachable, UsageError
from labnb.ports.progress import Progress

_COMMIT = re.compile(r"[0-9a-f]{40}")
SECONDS = 60.0


class DvcOtherRepository:
    """Reads from repositories with git and DVC; credentials are those that git and DVC are set up with."""

    def commit(self, repo: str, rev: str | None) -> str:
        """Ask the repository for the commit of a branch or tag; see the port."""
        _check(repo, "repository")
        if rev is not None:
            _check(rev, "revision")
            if _COMMIT.fullmatch(rev):
                return rev
        wanted = ["HEAD"] if rev is None else [rev, f"{rev}^{{}}"]
        done = _run(["git", "ls-remote", "--", repo, *wanted], SECONDS)
        if done.returncode:
            raise StoreUnreachable(
                f"The repository {_public(repo)} cannot be read: {_last(done)}", "Check the address."
            )
        found: dict[str, str] = {}
        for line in done.stdout.splitlines():
            commit, _, name = line.partition("\t")
            found[name] = commit
        # The commit behind an annotated tag stands under its name with ^{}.
        tag = f"refs/tags/{rev}"
        for name in (f"{tag}^{{}}", tag, f"refs/heads/{rev}", "HEAD"):
            if name in found and (rev is None or name != "HEAD"):
                return found[name]
        return ""  # perhaps the start of a commit: git finds it once the repository is cloned

    def get(
        self, repo: str, rev: str | None, path: str, target: Path, progress: Progress
    ) -> tuple[str, dict[str, str]]:
        """Write data of the repository to `target`; see the port."""
        progress(f"getting {path}", 0, None, "B")
        words = [sys.executable, "-m", "dvc", "get", "-o", str(target), *(["--rev", rev] if rev else [])]
        done = _run([*words, "--", repo, path], None)
        if done.returncode or not os.path.lexists(target):
            said = _last(done)
            signs = ("does not exist", "no such file", "unknown git revision", f"unexpected error - ['{path.lower()}']")
            if any(sign in said.lower() for sign in signs):
                at = f" at {rev[:12]}" if rev else ""
                raise NotFound(f"{_public(repo)} has no {path}{at}.", "Give the path of the data inside it.")
            raise DataStoreError(f"{path} cannot be had from {_public(repo)}: {said}", "dvc get says more with -v.")
        if target.is_file():
            return _md5(target), {}
        files = {}
        for found in sorted(target.rglob("*")):
            if found.is_file():
                files[found.relative_to(target).as_posix()] = _md5(found)
        return listing_digest(files), files


def _run(command: list[str], seconds: float | None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "DVC_NO_ANALYTICS": "1", "LC_ALL": "C.UTF-8"}
    env.pop("LABNB_RUN", None)
    try:
        return subprocess.run(
            command, env=env, capture_output=True, text=True, errors="replace", timeout=seconds, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise StoreUnreachable(f"{command[0]} got no answer in {seconds:.0f} s.") from error
    except OSError as error:
        raise DataStoreError(f"{command[0]} cannot be run: {error.strerror}.", "Is it installed?") from error


def _check(text: str, what: str) -> None:
    if not text or text.startswith("-") or "\0" in text or "::" in text:
        raise UsageError(f"{text!r} is no {what}.", "Give a URL or a folder, and a branch, tag or commit.")


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    causes = [line.partition(":")[2].strip() for line in lines if line.startswith(("ERROR:", "fatal:"))]
    return _public((causes or lines[-1:] or [f"it ended with {done.returncode}"])[0])


def _public(text: str) -> str:
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        digest = hashlib.md5(usedforsecurity=False)
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        return digest.hexdigest()
