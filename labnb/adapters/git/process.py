"""Runs git: one place for its options, its environment and its failures."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from labnb.model.errors import CodeStoreError

# Nothing of the researcher's configuration may start programs, sign, gather garbage or write beside our own index.
OPTIONS = (
    "--no-pager",
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.splitIndex=false"),
    *("-c", "core.logAllRefUpdates=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "submodule.recurse=false"),
    # The untracked cache halves the time of a warm look; it lies in our own index, and git fills it
    # for --untracked-files=all only when the setting says the same.
    *("-c", "core.untrackedCache=true"),
    *("-c", "status.showUntrackedFiles=all"),
)

# Variables that say where git's own configuration and programs lie; every other GIT_* would bend a snapshot.
KEPT = frozenset(
    {
        "GIT_CEILING_DIRECTORIES",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_EXEC_PATH",
        "GIT_TEMPLATE_DIR",
    }
)

IDENTITY = {
    "GIT_AUTHOR_NAME": "labnb",
    "GIT_AUTHOR_EMAIL": "labnb@localhost",
    "GIT_COMMITTER_NAME": "labnb",
    "GIT_COMMITTER_EMAIL": "labnb@localhost",
}

TIMEOUT = 20.0


class GitFailed(Exception):
    """Git ended with an error; never leaves the adapter."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"git {command} ended with {status}: {stderr.strip()}")
        self.command = command
        self.status = status
        self.stderr = stderr

    @property
    def reason(self) -> str:
        """The first line of what git said that names a cause."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        causes = [line for line in lines if line.startswith(("fatal:", "error:"))]
        return (causes or lines or [f"git {self.command} ended with status {self.status}"])[0]

    @property
    def read_only(self) -> bool:
        """Whether the repository's own folder could not be written."""
        said = self.stderr.lower()
        signs = ("permission denied", "insufficient permission", "read-only file system", "operation not permitted")
        return any(sign in said for sign in signs)


class GitSlow(GitFailed):
    """Git did not end in time."""


@functools.cache
def program() -> str:
    """Find git once; raise CodeStoreError where there is none."""
    found = shutil.which("git")
    if found is None:
        raise CodeStoreError(
            "The code was not kept: git is not on PATH.",
            "Install it (apt install git, conda install git), then restart the kernel.",
        )
    return found


def clean_environment() -> dict[str, str]:
    """Give this process's environment without what would lead git elsewhere."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in KEPT}
    return env | IDENTITY | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}


@dataclass(frozen=True)
class Git:
    """Git in one folder. `lock` is a file descriptor that the children hold open, so that the lock outlives us."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    lock: int | None = None

    def under(self, *options: str, **env: str) -> Git:
        """Give the same git with more options and variables."""
        return replace(self, options=self.options + options, env={**self.env, **env})

    def run(self, command: str, *args: str | bytes, stdin: bytes = b"", timeout: float = TIMEOUT) -> bytes:
        """Run one command and give its output; raise GitFailed, or GitSlow after `timeout` seconds."""
        line: list[str | bytes] = [program(), *OPTIONS, *self.options, command, *args]
        slow = threading.Event()
        try:
            child = subprocess.Popen(
                line,
                cwd=self.folder,
                env={**clean_environment(), **self.env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=() if self.lock is None else (self.lock,),
                start_new_session=True,  # interrupting a cell must not interrupt git half-way
            )
        except OSError as error:
            raise GitFailed(command, -1, str(error)) from error
        with child, _limited(child, timeout, slow):
            output, said = child.communicate(stdin)
        if slow.is_set():
            raise GitSlow(command, -1, f"git {command} took more than {timeout:.0f} seconds")
        if child.returncode != 0:
            raise GitFailed(command, child.returncode, said.decode("utf-8", "surrogateescape"))
        return output

    def line(self, command: str, *args: str | bytes, stdin: bytes = b"") -> str:
        """Run a command that answers with one line."""
        return self.run(command, *args, stdin=stdin).decode("utf-8", "surrogateescape").strip()


@contextlib.contextmanager
def _limited(child: subprocess.Popen[bytes], timeout: float, slow: threading.Event) -> Iterator[None]:
    """End the child after `timeout` seconds, and when the waiting is interrupted.

    A timer, because `communicate(timeout=)` sleeps in steps after the child has ended: milliseconds on every call.
    """

    def end() -> None:
        slow.set()
        child.kill()

    timer = threading.Timer(timeout, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except BaseException:
        child.kill()
        raise
    finally:
        timer.cancel()
