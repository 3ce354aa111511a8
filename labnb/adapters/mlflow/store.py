"""The MLflow result store: any store that MLflow can reach, the embedded one among them."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    Metric,
    Param,
    RunTag,
    ViewType,
)
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from labnb.adapters.mlflow import conventions as say
from labnb.adapters.mlflow.artifacts import Artifacts
from labnb.adapters.mlflow.embedded import database_of
from labnb.adapters.mlflow.errors import translated
from labnb.adapters.mlflow.prepare import identity_of
from labnb.model.address import without_secrets
from labnb.model.errors import NotFound, StoreError
from labnb.model.run import MetricPoint, MlflowLink, Note, Run, RunStatus, parse_time
from labnb.ports.result_store import StoredRun

METRICS_PER_CALL, OTHERS_PER_CALL = 1000, 100
# Seconds for which a run that goes on is not searched again in a store on the network.
REMEMBERED = 10.0

T = TypeVar("T")


class MlflowResultStore:
    """Runs in the MLflow store at `tracking_uri`, new ones in the experiment of that name.

    `artifact_root` is where a new experiment keeps its artifacts, None to leave it to the server. Keyword `own`
    says that this is the embedded store: labnb's copy of a run that the cell's own code opened as well is then removed
    for good; elsewhere it is only marked as deleted. `name` is the address without secrets, by which the store is
    known everywhere else. `source` is the embedded store, of which runs are taken over that code logged to it.
    """

    def __init__(
        self,
        tracking_uri: str,
        artifact_root: str | None,
        experiment: str,
        *,
        own: bool = False,
        name: str = "",
        source: str = "",
    ) -> None:
        self.name = name or without_secrets(tracking_uri)
        self._uri = tracking_uri
        self._root = artifact_root
        self._experiment_name = experiment
        self._own = own
        self._source = source
        self._names: dict[str, str] = {}
        self._known: dict[str, tuple[StoredRun, float]] = {}
        with translated(self.name):
            self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)

    def identity(self) -> str:
        """Name the store: by the mark that it got when labnb made it, else by its address."""
        if not self._own:
            return self.name
        with translated(self.name):
            return identity_of(self._client) or self.name

    def open(self, run: Run) -> StoredRun:
        """Find the run with this uid, the one that the cell's own code opened before any copy; else create it."""
        known, until = self._known.get(run.uid, (None, 0.0))
        if known is not None and not run.status.ended and time.monotonic() < until:
            return known
        with translated(self.name):
            # Two publishers that met here both see both runs, for each looks after it has made its own.
            found = self._find(run)
            if found is None:
                self._create(run)
                found = self._find(run)
            if found is None:
                raise StoreError(f"A run that was just made cannot be found in {self.name}.", "It is tried again.")
            self._set_tags(found, say.tags_of(run))
            stored = StoredRun(self._link(found), joined=say.JOINED in found.data.tags)
        if not self._own:
            self._known[run.uid] = stored, time.monotonic() + REMEMBERED
        return stored

    def log_metrics(self, link: MlflowLink, points: Iterable[MetricPoint]) -> None:
        """Add points, a thousand a call; times are kept to the millisecond."""
        with translated(self.name):
            for batch in _batches(points, METRICS_PER_CALL):
                metrics = [
                    Metric(say.name_of(point.name), point.value, round(point.time * 1000), point.step)
                    for point in batch
                ]
                self._client.log_batch(link.run_id, metrics=metrics)

    def log_data(self, link: MlflowLink, run: Run) -> None:
        """Tell inputs and outputs as datasets; the tag `mlflow.data.context` tells them apart."""
        inputs = (
            DatasetInput(
                Dataset(name=name, digest=digest, source_type="local", source=source),
                tags=[InputTag("mlflow.data.context", context)],
            )
            for context, name, digest, source in say.datasets_of(run)
        )
        with translated(self.name):
            for batch in _batches(inputs, OTHERS_PER_CALL):
                self._client.log_inputs(link.run_id, datasets=batch)

    def put_artifacts(self, link: MlflowLink, files: Mapping[str, Path]) -> None:
        """Store files under their artifact paths and see that they are there whole; the embedded store links them."""
        with translated(self.name):
            Artifacts(self._client, link.run_id).put(files, link_them=self._own)

    def adopt(self, link: MlflowLink, run: Run) -> Sequence[Note]:
        """Copy artifacts, logged models and child runs that the cell's code left in the embedded store."""
        there = database_of(self._source)
        if there is None or not there.exists():  # MLflow would make it, and not as the embedded store is made
            return ()
        from labnb.adapters.mlflow.transfer import Transfer

        with translated(self.name):
            return Transfer(self._source, self._client, link).take(run)

    def close(self, link: MlflowLink, run: Run) -> None:
        """Set params, tags, note, and where the run has ended its children's parent, its status and its end."""
        with translated(self.name):
            found = self._client.get_run(link.run_id)
            said = self._set_params(found, run)
            tags = say.tags_of(run)
            before = found.data.tags.get(say.NOTE, "")
            if not before or "`labnb show " in before:  # another note is the user's
                tags[say.NOTE] = say.note_of(run, said)
            self._set_tags(found, tags)
            if run.status.ended:
                self._adopt_children(link, run)
                end = round(parse_time(run.ended or run.started).timestamp() * 1000)
                self._client.set_terminated(link.run_id, status=run.status.value, end_time=end)
            elif run.status is RunStatus.SCHEDULED:
                self._client.update_run(link.run_id, status=run.status.value)

    def _find(self, run: Run) -> MlflowRun | None:
        found = self._search(f"tags.`{say.UID}` = '{run.uid}'")
        link = run.mlflow
        wanted = link.run_id if link is not None and link.tracking_uri == self.name else ""
        # Whoever else publishes this run decides alike: what is whole stays, else the first by its id.
        found.sort(
            key=lambda one: (
                say.JOINED not in one.data.tags,
                one.info.run_id != wanted,
                one.info.end_time is None,
                one.info.run_id,
            )
        )
        living = [one for one in found if one.info.lifecycle_stage == "active"]
        if found and not living:
            raise NotFound(f"The run {run.uid} was deleted in {self.name}.", "Restore it there.")
        for extra in living[1:]:
            if say.JOINED not in extra.data.tags:
                self._remove(extra.info.run_id)
        return living[0] if living else None

    def _search(self, words: str) -> list[MlflowRun]:
        found = self._client.search_runs(self._experiment_ids(), words, ViewType.ALL, max_results=100)
        return list(found)

    def _experiment_ids(self) -> list[str]:
        # The cell's own code may have chosen any experiment.
        found, token = [], None
        while True:
            page = self._client.search_experiments(view_type=ViewType.ALL, max_results=1000, page_token=token)
            found += [experiment.experiment_id for experiment in page]
            token = page.token
            if not token:
                return found

    def _experiment(self) -> Experiment:
        found = self._client.get_experiment_by_name(self._experiment_name)
        if found is not None:
            return found
        place = f"{self._root}/{say.name_of(self._experiment_name)}" if self._root else None
        # Another process may be making it as well: the second look decides.
        with contextlib.suppress(MlflowException):
            self._client.create_experiment(self._experiment_name, artifact_location=place)
        found = self._client.get_experiment_by_name(self._experiment_name)
        if found is None:
            raise NotFound(f"The experiment {self._experiment_name!r} cannot be made in {self.name}.")
        return found

    def _create(self, run: Run) -> None:
        self._client.create_run(
            self._experiment().experiment_id,
            start_time=round(parse_time(run.started).timestamp() * 1000),
            tags=say.tags_of(run),
            run_name=run.name or None,
        )

    def _remove(self, run_id: str) -> None:
        self._client.delete_run(run_id)
        if self._own:
            with contextlib.suppress(AttributeError):  # MLflow's own garbage collection uses it; it is not public
                self._client._tracking_client.store._hard_delete_run(run_id)

    def _set_tags(self, found: MlflowRun, tags: Mapping[str, str]) -> None:
        new = [RunTag(name, text) for name, text in tags.items() if found.data.tags.get(name) != text]
        for batch in _batches(new, OTHERS_PER_CALL):
            self._client.log_batch(found.info.run_id, tags=batch)

    def _set_params(self, found: MlflowRun, run: Run) -> dict[str, str]:
        """Add the params that are not there, and give remarks on those that MLflow cannot hold as they are."""
        said, new = {}, []
        for (name, text), value in zip(say.params_of(run).items(), run.params.values(), strict=False):
            there = found.data.params.get(name)
            if there is None:
                new.append(Param(name, text))
            elif there != text:
                said[name] = f"a param of MLflow cannot change: it shows {there!r}, its last value was {text!r}"
            if len(str(value)) > say.PARAM:
                said[name] = f"cut after {say.PARAM} characters; all of it stands in labnb/run.json"
        for batch in _batches(new, OTHERS_PER_CALL):
            self._client.log_batch(found.info.run_id, params=batch)
        return said

    def _adopt_children(self, link: MlflowLink, run: Run) -> None:
        for child in self._search(f"tags.`{say.PARENT_UID}` = '{run.uid}'"):
            if say.PARENT_RUN not in child.data.tags:
                self._client.set_tag(child.info.run_id, say.PARENT_RUN, link.run_id)

    def _link(self, found: MlflowRun) -> MlflowLink:
        number = found.info.experiment_id
        if number not in self._names:
            self._names[number] = self._client.get_experiment(number).name
        return MlflowLink(self.name, self._names[number], found.info.run_id)

    def tidy(self) -> None:
        """Let SQLite count what it holds: without that, sorting many runs by a metric takes minutes."""
        path = database_of(self._uri) if self._own else None
        if path is not None:
            with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=5)) as database:
                database.execute("PRAGMA analysis_limit = 1000")
                database.execute("ANALYZE")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
