"""Take over what a cell's own code left in the embedded store: artifacts, logged models and child runs.

Everything is found again by a tag that names what it is a copy of, so that a transfer which was cut goes on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, Metric, Param, ViewType
from mlflow.entities import Run as MlflowRun
from mlflow.entities.logged_model_status import LoggedModelStatus

from labnb.adapters.mlflow import conventions as say
from labnb.adapters.mlflow.artifacts import Artifacts, local_folder
from labnb.model.errors import StoreError
from labnb.model.run import MlflowLink, Note, Run

COPY_OF = "labnb.copy_of"
_METRICS, _OTHERS, _FILES = 1000, 100, 50


class Transfer:
    """From the embedded store at `source` to a run of another store."""

    def __init__(self, source: str, target: MlflowClient, link: MlflowLink) -> None:
        self._source = source
        self._target = target
        self._run_id = link.run_id
        self._notes: list[Note] = []
        self._experiments: list[str] = []

    def take(self, run: Run) -> Sequence[Note]:
        """Copy what is not there yet, and give notes on what stays behind."""
        try:
            with _reading():
                client = MlflowClient(self._source, registry_uri=self._source)
                self._experiments = [one.experiment_id for one in _all_experiments(client)]
                own = self._search(client, f"tags.`{say.UID}` = '{run.uid}'")
                own = [one for one in own if say.JOINED in one.data.tags]
                children = self._search(client, f"tags.`{say.PARENT_UID}` = '{run.uid}'")
        except StoreError as error:
            return [Note("mlflow_transfer", error.message, "What the record itself holds is published.")]
        if not own and not children:
            return ()
        experiment = self._target.get_run(self._run_id).info.experiment_id
        ids = {one.info.run_id: self._run_id for one in own}
        for one in own:
            self._artifacts(one, self._run_id)
            self._models(client, one, self._run_id, experiment)
        for child in sorted(children, key=lambda one: one.info.start_time):
            parent = ids.get(child.data.tags.get(say.PARENT_RUN, ""), self._run_id)
            ids[child.info.run_id] = self._child(client, child, experiment, parent)
        return self._notes

    def _search(self, client: MlflowClient, words: str) -> list[MlflowRun]:
        found: list[MlflowRun] = []
        token = None
        while True:
            page = client.search_runs(self._experiments, words, max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def _child(self, client: MlflowClient, child: MlflowRun, experiment: str, parent: str) -> str:
        """Copy a run that the cell opened beneath its own, and give the copy's id."""
        copy = self._copy_of(child.info.run_id, experiment)
        if copy is None:
            tags = {name: text for name, text in child.data.tags.items() if name != say.PARENT_RUN}
            self._target.create_run(
                experiment,
                start_time=child.info.start_time,
                tags={**tags, COPY_OF: child.info.run_id, say.PARENT_RUN: parent},
                run_name=child.info.run_name,
            )
            copy = self._copy_of(child.info.run_id, experiment)
        if copy is None:
            raise StoreError("A run that was just made cannot be found.", "It is tried again.")
        run_id = str(copy.info.run_id)
        if copy.info.end_time is not None:
            return run_id
        with _reading():
            params = [Param(name, text) for name, text in child.data.params.items() if name not in copy.data.params]
            inputs = list(child.inputs.dataset_inputs) if child.inputs else []
        for batch in _batches(params, _OTHERS):
            self._target.log_batch(run_id, params=batch)
        for name in child.data.metrics:
            with _reading():
                history = client.get_metric_history(child.info.run_id, name)
            for points in _batches([Metric(m.key, m.value, m.timestamp, m.step) for m in history], _METRICS):
                self._target.log_batch(run_id, metrics=points)
        for given in _batches(inputs, _OTHERS):
            self._target.log_inputs(run_id, datasets=given)
        self._artifacts(child, run_id)
        self._models(client, child, run_id, experiment)
        if child.info.end_time is not None:
            self._target.set_terminated(run_id, child.info.status, child.info.end_time)
        return run_id

    def _copy_of(self, run_id: str, experiment: str) -> MlflowRun | None:
        words = f"tags.`{COPY_OF}` = '{run_id}'"
        found = sorted(
            self._target.search_runs([experiment], words, ViewType.ACTIVE_ONLY, max_results=10),
            key=lambda one: (one.info.end_time is None, one.info.run_id),
        )
        for extra in found[1:]:
            self._target.delete_run(extra.info.run_id)
        return found[0] if found else None

    def _artifacts(self, run: MlflowRun, run_id: str) -> None:
        with _reading():
            files = _files_below(local_folder(run.info.artifact_uri))
        missing = dict(files)
        for folder in {name.rpartition("/")[0] for name in files}:
            for item in self._target.list_artifacts(run_id, folder or None):
                if item.path in files and files[item.path].stat().st_size == item.file_size:
                    del missing[item.path]
        names = sorted(name for name in missing if not name.startswith("labnb/"))
        for batch in _batches(names, _FILES):
            Artifacts(self._target, run_id).put({name: files[name] for name in batch})

    def _models(self, client: MlflowClient, run: MlflowRun, run_id: str, experiment: str) -> None:
        with _reading():
            words = f"source_run_id = '{run.info.run_id}'"
            models = list(client.search_logged_models(self._experiments, words))
            outputs = run.outputs.model_outputs if run.outputs else ()
            steps = {output.model_id: output.step for output in outputs}
            versions = client.search_model_versions(f"run_id = '{run.info.run_id}'")
        for model in models:
            self._model(model, run, run_id, experiment, steps.get(model.model_id, 0))
        for version in versions:
            self._notes.append(
                Note(
                    "mlflow_transfer",
                    f"The registered model {version.name}, version {version.version}, stays in the embedded registry.",
                    "Register the copied model on the server where others shall find it.",
                )
            )

    def _model(self, model: LoggedModel, run: MlflowRun, run_id: str, experiment: str, step: int) -> None:
        words = f"tags.`{COPY_OF}` = '{model.model_id}'"
        found = sorted(self._target.search_logged_models([experiment], words), key=lambda one: str(one.model_id))
        copy = found[0] if found else None
        if copy is None:
            tags = {**_plain_tags(model.tags), COPY_OF: str(model.model_id)}
            copy = self._target.create_logged_model(
                experiment, model.name, run_id, tags, dict(model.params), model.model_type
            )
        new = str(copy.model_id)
        if copy.status != LoggedModelStatus.READY:
            with _reading():
                files = _files_below(local_folder(model.artifact_location))
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                ids = {str(model.model_id): new, str(run.info.run_id): run_id}
                for name, path in files.items():
                    _lay(path, folder / name, ids)
                self._target.log_model_artifacts(new, str(folder))
            done = model.status if model.status in (LoggedModelStatus.READY, LoggedModelStatus.FAILED) else None
            if done is not None:
                self._target.finalize_logged_model(new, done)
        outputs = self._target.get_run(run_id).outputs
        if new not in {output.model_id for output in (outputs.model_outputs if outputs else ())}:
            self._target.log_outputs(run_id, [LoggedModelOutput(new, step)])
        metrics = [
            Metric(m.key, m.value, m.timestamp, m.step, new, m.dataset_name, m.dataset_digest, run_id)
            for m in model.metrics or ()
        ]
        for batch in _batches(metrics, _METRICS):
            self._target.log_batch(run_id, metrics=batch)


@contextmanager
def _reading() -> Iterator[None]:
    """Tell trouble of the embedded store apart from trouble of the one that is copied to."""
    try:
        yield
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise StoreError(f"What the cell logged to MLflow cannot be read from the embedded store: {first}.") from error


def _all_experiments(client: MlflowClient) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_experiments(view_type=ViewType.ALL, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _files_below(folder: Path | None) -> dict[str, Path]:
    if folder is None or not folder.is_dir():
        return {}
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _lay(source: Path, target: Path, ids: Mapping[str, str]) -> None:
    """Lay a file of a model out to be sent; the description of the model names itself and its run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.name != "MLmodel":
        target.symlink_to(source)
        return
    text = source.read_text(encoding="utf-8")
    for old, new in ids.items():
        text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")


def _plain_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in tags.items() if not name.startswith("mlflow.")}


def _batches(items: Sequence[Any], size: int) -> Iterator[Any]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
