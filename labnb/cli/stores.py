"""The stores of a project as its publisher knows them: which a run goes to, and how each is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from labnb.adapters.mlflow.embedded import uri_of
from labnb.config import Config, load_config, written
from labnb.model.address import absolute, without_secrets
from labnb.model.errors import LabError, StoreError, StoreMisplaced
from labnb.model.run import Run
from labnb.ports.result_store import ResultStore
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.gate import Gate
from labnb.runfolder.mounts import ELSEWHERE
from labnb.runfolder.paths import LabPaths
from labnb.runfolder.published import EMBEDDED
from labnb.usecases.publish_queue import StoreQueue


class Stores:
    """Reads the settings once; `changed` says that they are others by now, `problem` what is wrong with them."""

    def __init__(self, lab: LabPaths) -> None:
        self._lab = lab
        self._written = written(lab.root)
        self.problem = ""
        try:
            self.config = load_config(lab.root)
        except LabError as error:  # a setting that cannot be read must not keep runs from being published
            self.problem = str(error)
            self.config = Config(experiment=lab.root.name or "labnb")
        gate = Gate(lab, EMBEDDED)
        failure = gate.failure()
        if failure is not None and failure.code == StoreMisplaced.code and not lab.misplaced:
            gate.open()

    def changed(self) -> bool:
        """Whether labnb.toml was written since."""
        return written(self._lab.root) != self._written

    def of(self, run: Run) -> Sequence[str]:
        """Name the stores of a run: the embedded one, and the one that its process named, else labnb.toml.

        Where the embedded one may not lie where it would, the other alone, if there is one.
        """
        named = RunFolder(self._lab.run(run.uid)).tracking() or without_secrets(self.config.tracking_uri)
        if not named or named == uri_of(self._lab):
            return (EMBEDDED,)
        return (named,) if self._lab.misplaced else (EMBEDDED, named)

    def queue(self, name: str) -> StoreQueue:
        """Give what waits for the store of that name; it is opened when something does."""
        return StoreQueue(self._lab, name, partial(open_store, self._lab, name, self.config))


def open_store(lab: LabPaths, name: str, config: Config) -> ResultStore:
    """Open the embedded store, or the MLflow store at an address. Raises StoreError; imports MLflow."""
    if name == EMBEDDED and lab.misplaced:
        raise StoreMisplaced(lab.misplaced, ELSEWHERE)
    try:
        from labnb.adapters.mlflow.http import answer_quickly
        from labnb.adapters.mlflow.prepare import prepare_store
        from labnb.adapters.mlflow.store import MlflowResultStore

        if name == EMBEDDED:
            uri = prepare_store(lab, config.experiment)
            return MlflowResultStore(uri, lab.artifacts.as_uri(), config.experiment, own=True)
        answer_quickly()
        source = "" if lab.misplaced else uri_of(lab)
        return MlflowResultStore(with_login(name, config), None, config.experiment, name=name, source=source)
    except LabError:
        raise
    except Exception as error:
        raise StoreError(f"MLflow cannot be used: {type(error).__name__}: {error}.", "Try `import mlflow`.") from error


def with_login(name: str, config: Config) -> str:
    """Give the address with the password that may stand in it: the record has it without."""
    for told in (os.environ.get("MLFLOW_TRACKING_URI", ""), config.tracking_uri):
        if told and without_secrets(absolute(told, "/")) == name:
            return absolute(told, "/")
    return name
