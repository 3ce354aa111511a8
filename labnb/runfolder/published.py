"""How far a run was published, per store: `published.json` in its run folder, written by the publisher alone.

A store stands there under its name: "embedded" is the project's own, any other is named by its address without secrets.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labnb.model.run import MlflowLink
from labnb.runfolder.paths import write_atomic

EMBEDDED = "embedded"

# One thread per store writes the states of a run.
_writing = threading.Lock()


@dataclass
class StoreState:
    """What one store holds of the run.

    `store` is the store's own identity: where it differs, the store was made anew and nothing of the rest holds.
    `offset` counts the bytes of the journal whose points are in the store. `artifacts` maps artifact paths to
    [size in bytes, modification time in ns] of the file that was stored. `copied` is the state of run.json that
    was copied whole ("" while the run goes on). `adopted` is the state of run.json for which that was copied which the
    cell's own code had left in the embedded store, `notes` what could not be. `failures`, `tried`, `retry_at` (seconds
    since the epoch) and `error` tell of attempts that failed in a row.
    """

    store: str = ""
    link: MlflowLink | None = None
    offset: int = 0
    artifacts: dict[str, list[int]] = field(default_factory=dict)
    data: str = ""
    copied: str = ""
    adopted: str = ""
    notes: list[str] = field(default_factory=list)
    failures: int = 0
    tried: float = 0.0
    retry_at: float = 0.0
    error: str = ""

    @staticmethod
    def from_json(data: dict[str, Any]) -> StoreState:
        """Read what `dataclasses.asdict` gave; fields of later versions are passed over."""
        known = {f.name for f in dataclasses.fields(StoreState)}
        kept = {name: value for name, value in data.items() if name in known}
        kept["link"] = MlflowLink(**kept["link"]) if kept.get("link") else None
        return StoreState(**kept)


@dataclass
class Published:
    """The states of a run in all stores, by the stores' names."""

    stores: dict[str, StoreState] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """Say it as the faces do: local, publishing, published, or failing."""
        states = self.stores.values()
        if any(state.failures for state in states):
            return "failing"
        if states and all(state.copied for state in states):
            return "published"
        return "publishing" if any(state.link for state in states) else "local"

    @property
    def why(self) -> str:
        """Say why it is failing, "" where it is not."""
        return next((state.error for state in self.stores.values() if state.failures), "")

    @property
    def link(self) -> MlflowLink | None:
        """Where the run can be seen: in the last store that has it, as the lab's own comes after the embedded one."""
        return next((state.link for state in reversed(self.stores.values()) if state.link), None)

    @staticmethod
    def read(path: Path) -> Published:
        """Read it; one that is missing or damaged is empty, because publishing again does no harm."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return Published({name: StoreState.from_json(item) for name, item in data["stores"].items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return Published()

    @staticmethod
    def update(path: Path, name: str, state: StoreState) -> Published:
        """Write the state of one store and leave those of others as they are; raises OSError."""
        with _writing:
            published = Published.read(path)
            published.stores[name] = state
            published.write(path)
            return published

    @staticmethod
    def expect(path: Path, *names: str) -> None:
        """Say which stores the run is to go to, before they are asked; raises OSError.

        What another store had not taken when the settings named it is forgotten.
        """
        with _writing:
            published = Published.read(path)
            stores = {name: state for name, state in published.stores.items() if name not in names and state.copied}
            stores |= {name: published.stores.get(name, StoreState()) for name in names}
            if list(published.stores) != list(stores):
                Published(stores).write(path)

    def write(self, path: Path) -> None:
        """Write it, whole or not at all; raises OSError."""
        data = {name: dataclasses.asdict(state) for name, state in self.stores.items()}
        write_atomic(path, json.dumps({"schema": 1, "stores": data}, indent=1))
