"""The MLflow result store: any store that MLflow can reach, the embedded one among them."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlparse

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
from labnb.adapters.mlflow.errors import translated
from labnb.adapters.mlflow.prepare import identity_of
from labnb.model.errors import NotFound
from labnb.model.run import MetricPoint, MlflowLink, Run, RunStatus, parse_time
from labnb.ports.result_store import StoredRun

METRICS_PER_CALL, OTHERS_PER_CALL = 1000, 100

T = TypeVar("T")


class MlflowResultStore:
    """Runs in the MLflow store at `tracking_uri`, new ones in the experiment of that name.

    `artifact_root` is where a new experiment keeps its artifacts, None to leave it to the server. Keyword `own`
    says that this is the embedded store: a cell's own code may then have opened its run in any experiment, and
    labnb's copy of such a run is removed for good; elsewhere it is only marked as deleted.
    """

    def __init__(self, tracking_uri: str, artifact_root: str | None, experiment: str, *, own: bool = False) -> None:
        self.tracking_uri = tracking_uri
        self._root = artifact_root
        self._experiment_name = experiment
        self._own = own
        self._names: dict[str, str] = {}
        with translated(tracking_uri):
            self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)

    def identity(self) -> str:
        """Name the store: by the mark that it got when labnb made it, else by its address."""
        if not self._own:
            return self.tracking_uri
        with translated(self.tracking_uri):
            return identity_of(self._client) or self.tracking_uri

    def open(self, run: Run) -> StoredRun:
        """Find the run with this uid, the one that the cell's own code opened before any copy; else create it."""
        with translated(self.tracking_uri):
            found = self._find(run) or self._create(run)
            self._set_tags(found, say.tags_of(run))
            return StoredRun(self._link(found), joined=say.JOINED in found.data.tags)

    def log_metrics(self, link: MlflowLink, points: Iterable[MetricPoint]) -> None:
        """Add points, a thousand a call; times are kept to the millisecond."""
        with translated(self.tracking_uri):
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
        with translated(self.tracking_uri):
            for batch in _batches(inputs, OTHERS_PER_CALL):
                self._client.log_inputs(link.run_id, datasets=batch)

    def put_artifacts(self, link: MlflowLink, files: Mapping[str, Path]) -> None:
        """Store files under their artifact paths. On the same disk they are linked, not copied."""
        with translated(self.tracking_uri):
            folder = _local(self._client.get_run(link.run_id).info.artifact_uri)
            for name, path in files.items():
                if folder is not None:
                    _put_file(path, folder / name)
                else:
                    inner = name.rpartition("/")[0]
                    self._client.log_artifact(link.run_id, str(path), inner or None)

    def close(self, link: MlflowLink, run: Run) -> None:
        """Set params, tags, note, and where the run has ended its children's parent, its status and its end."""
        with translated(self.tracking_uri):
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
        if link is not None and link.tracking_uri == self.tracking_uri:
            known = [one for one in found if one.info.run_id == link.run_id]
            found = known + [one for one in found if one not in known]
        found.sort(key=lambda one: (say.JOINED not in one.data.tags, one.info.start_time))
        living = [one for one in found if one.info.lifecycle_stage == "active"]
        if found and not living:
            raise NotFound(f"The run {run.uid} was deleted in {self.tracking_uri}.", "Restore it there.")
        for extra in living[1:]:
            if say.JOINED not in extra.data.tags:
                self._remove(extra.info.run_id)
        return living[0] if living else None

    def _search(self, words: str) -> list[MlflowRun]:
        found = self._client.search_runs(self._experiment_ids(), words, ViewType.ALL, max_results=100)
        return list(found)

    def _experiment_ids(self) -> list[str]:
        # In the embedded store the cell's own code may have chosen any experiment.
        if not self._own:
            return [self._experiment().experiment_id]
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
            raise NotFound(f"The experiment {self._experiment_name!r} cannot be made in {self.tracking_uri}.")
        return found

    def _create(self, run: Run) -> MlflowRun:
        return self._client.create_run(
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
        return MlflowLink(self.tracking_uri, self._names[number], found.info.run_id)

    def tidy(self) -> None:
        """Let SQLite count what it holds: without that, sorting many runs by a metric takes minutes."""
        if self._own and self.tracking_uri.startswith("sqlite:///"):
            path = unquote(self.tracking_uri.removeprefix("sqlite:///"))
            with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=5)) as database:
                database.execute("PRAGMA analysis_limit = 1000")
                database.execute("ANALYZE")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _local(uri: str) -> Path | None:
    parsed = urlparse(uri)
    if parsed.scheme == "file" and parsed.netloc in ("", "localhost"):
        return Path(unquote(parsed.path))
    return Path(uri) if parsed.scheme == "" else None


def _put_file(source: Path, target: Path) -> None:
    """Put a file in place, whole or not at all. Files of an ended run are replaced, never changed: a link is enough."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        try:
            os.link(source, aside)
        except OSError:  # another disk, or a file system without links
            shutil.copy2(source, aside)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
