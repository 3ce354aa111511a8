"""The snapshot of a cell: what makes it repeatable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from labnb.model.closure import Closure
from labnb.model.plain import digest_of, plain


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """The state of the work tree, kept as a commit on a hidden ref.

    `commit` is HEAD (what the researcher calls the version), `ref` the hidden ref and `snapshot` the commit on it
    that holds the work tree as it was, uncommitted and untracked files included. `left_out` lists files that the
    snapshot does not hold, each with the reason ("big.bin: 120 MB, over the limit of 10 MB").
    `submodules` maps a submodule's path to the commit that was checked out.
    """

    commit: str | None = None
    ref: str | None = None
    snapshot: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool = False
    left_out: tuple[str, ...] = ()
    submodules: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the code ran.

    `lock` holds requirement lines that uv or pip can install; `python` is "3.11.7";
    `loaded` maps distributions whose modules were imported to their versions;
    `variables` the environment variables on the allow-list; `hardware` cpu, memory (bytes), gpus.
    """

    python: str
    platform: str
    lock: tuple[str, ...] = ()
    loaded: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)

    @property
    def lock_digest(self) -> str:
        """The digest of the lock: equal for equal environments."""
        return digest_of(list(self.lock))

    def summary(self) -> dict[str, Any]:
        """Give what run.json says of it."""
        return {
            "python": self.python,
            "platform": self.platform,
            "lock": self.lock_digest,
            "packages": len(self.lock),
            "hardware": self.hardware,
        }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Closure + code version + environment; the data versions lie with the run's inputs."""

    closure: Closure
    code: CodeVersion
    environment: Environment

    def to_json(self) -> dict[str, Any]:
        """Give the content of `snapshot.json`."""
        data = {"closure": plain(self.closure), "code": plain(self.code), "environment": plain(self.environment)}
        return {"schema": 1, "digest": digest_of(data), **data}
