"""What `labnb doctor` looks at, and what it says of it: plain facts on one side, checks on the other."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class State(str, enum.Enum):
    """How a check came out: only `FAILING` keeps labnb from doing its work."""

    OK = "ok"
    WARNING = "warning"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's: what was looked at, how it is, and what to do."""

    check: str
    state: State
    message: str
    hint: str = ""

    @property
    def ok(self) -> bool:
        return self.state is not State.FAILING

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check, "ok": self.ok, "state": self.state.value, "message": self.message, "hint": self.hint,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution that labnb requires: `wanted` as its metadata says it, `found` its version or None."""

    name: str
    wanted: str
    found: str | None
    fits: bool


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """The interpreter. `wanted` is labnb's own requirement of it."""

    version: str
    wanted: str
    fits: bool
    executable: str
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True, slots=True)
class JupyterFacts:
    """Jupyter's view of labnb: the files that enable or disable the server extension and hold the labextension.

    `server_file` decides about the server extension, None where no file names it. `labextension` is its folder.
    """

    server: bool | None
    server_file: str | None
    labextension: str | None
    labextension_version: str | None
    disabled_by: str | None
    version: str


@dataclass(frozen=True, slots=True)
class GitFacts:
    """Git, and the repository around the project: `top` is None where there is none, `problem` git's own words."""

    version: str | None
    marker: str | None = None
    head: str | None = None
    ignores: bool | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Remote:
    """A DVC remote; `reachable` and `writable` are None where that cannot be told without a password.

    `missing` is the package that DVC needs for addresses of this kind, "" where it is there.
    """

    name: str
    url: str
    reachable: bool | None
    writable: bool | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class DvcProject:
    """A folder with `.dvc`; `problem` tells why its settings could not be read."""

    root: str
    remotes: tuple[Remote, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """The embedded MLflow store. `revision` is that of its tables, `newest` that of the installed MLflow.

    `known` tells whether the installed MLflow has heard of the revision. `size` is in bytes. `misplaced` is why the
    store may not be opened where it lies, `folder` is where it lies.
    """

    exists: bool
    size: int = 0
    problem: str = ""
    revision: str | None = None
    newest: str | None = None
    known: bool = True
    misplaced: str = ""
    folder: str = ".labnb/mlflow"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A tracking server that runs are published to; `version` is "" where it does not tell, `client` MLflow's here."""

    address: str
    problem: str = ""
    hint: str = ""
    version: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """A target of labnb.toml, and what is wrong with it as far as that can be seen without asking its host."""

    name: str
    executor: str
    host: str
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """Where `.labnb` lies. Bytes; `skew` is the file system's clock minus the system's, in seconds.

    `home` tells what stands at `.labnb`: "folder", "missing", or "file". `problem` is why it cannot be written,
    `closed` names what in it may not be written by this user.
    """

    home: str
    problem: str
    free: int
    total: int
    file_system: str
    mount_point: str
    skew: float | None
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """How much the system lets one user watch; None where there is no such limit."""

    watches: int | None
    instances: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the checks of one project go by; a part that could not be gathered is told in its place.

    `store_place` is where labnb.toml puts the embedded store, None where it lies in `.labnb`.
    """

    python: PythonFacts
    jupyter: JupyterFacts
    git: GitFacts
    dvc_version: str | None
    dvc: tuple[DvcProject, ...]
    store: StoreFacts
    place: PlaceFacts
    limits: LimitFacts
    settings: str
    settings_hint: str
    settings_files: tuple[str, ...]
    store_place: PlaceFacts | None = None
    servers: tuple[ServerFacts, ...] = ()
    targets: tuple[TargetFacts, ...] = ()
    data_remote: str = ""
