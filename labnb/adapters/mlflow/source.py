"""Runs of an MLflow store read for lists: who else in the lab ran what. Changes nothing there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from labnb.adapters.mlflow import conventions as say
from labnb.adapters.mlflow.errors import translated
from labnb.adapters.mlflow.http import answer_quickly
from labnb.model.address import without_secrets
from labnb.model.run import MetricPoint, MlflowLink, Run, RunStatus, time_text
from labnb.model.tags import ARCHIVED, NOTE
from labnb.ports.run_index import Entry

PAGE = 500
#: After so many pages without news the rest is taken to be known.
QUIET_PAGES = 2
#: The state of a run whose folder lies here: what MLflow has of it is a copy.
HERE = "here"


class MlflowRuns:
    """The runs at a tracking address. See the port RunSource."""

    def __init__(self, uri: str) -> None:
        answer_quickly()
        self.name = without_secrets(uri)
        with translated(self.name):
            self._client = MlflowClient(uri, registry_uri=uri)

    def runs(self, known: Mapping[str, str], *, whole: bool = False) -> Iterator[Sequence[Entry]]:
        """Give the runs in pages, newest first; ends where nothing is news any more, unless `whole`."""
        with translated(self.name):
            experiments = {found.experiment_id: found.name for found in self._client.search_experiments()}
        token, quiet = None, 0
        while experiments:
            with translated(self.name):
                page = self._client.search_runs(
                    list(experiments), order_by=["attributes.start_time DESC"], max_results=PAGE, page_token=token
                )
            entries = [self._entry(run, experiments.get(run.info.experiment_id, "")) for run in page]
            yield entries
            news = any(known.get(entry.run.uid) not in (entry.state, HERE) for entry in entries)
            quiet = 0 if news else quiet + 1
            token = page.token
            if not token or (quiet >= QUIET_PAGES and not whole):
                return

    def points(self, run_id: str, names: Sequence[str]) -> Iterator[MetricPoint]:
        """Give the points of some metrics of a run."""
        for name in names:
            with translated(self.name):
                history = self._client.get_metric_history(run_id, name)
            for metric in history:
                yield MetricPoint(name, float(metric.value), int(metric.step), metric.timestamp / 1000)

    def _entry(self, found: MlflowRun, experiment: str) -> Entry:
        info, tags = found.info, found.data.tags
        status = info.status if info.status in RunStatus.__members__ else RunStatus.FAILED.value
        kept = {name: text for name, text in tags.items() if not name.startswith(("mlflow.", "labnb."))}
        kept |= {name: tags[name] for name in (NOTE, ARCHIVED) if name in tags}
        notebook = tags.get("mlflow.source.name") if tags.get("mlflow.source.type") == "NOTEBOOK" else None
        run = Run(
            uid=tags.get(say.UID) or info.run_id,
            name=info.run_name or info.run_id[:8],
            status=RunStatus(status),
            started=time_text((info.start_time or 0) / 1000),
            ended=time_text(info.end_time / 1000) if info.end_time else None,
            user=tags.get("mlflow.user") or info.user_id or "",
            notebook=notebook,
            cell_id=tags.get("labnb.cell_id"),
            fingerprint=tags.get("labnb.fingerprint"),
            params=dict(found.data.params),
            metrics={name: float(value) for name, value in found.data.metrics.items()},
            tags=kept,
            published="published",
            mlflow=MlflowLink(self.name, experiment, info.run_id),
        )
        # MLflow counts no changes: what can be seen of one is its end and how much there is.
        state = f"{info.run_id}:{status}:{info.end_time}:{len(run.params)}:{len(run.metrics)}:{len(tags)}"
        return Entry(run, "tracking", state if run.status.ended else f"{state}:{hash(tuple(run.metrics.items()))}")
