"""Where a version of data comes from, and what became of it, by the recorded runs and the pipelines of DVC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from labnb.model.lineage import Lineage, lineage, run_step
from labnb.ports.data_catalog import DataCatalog
from labnb.usecases.data_log import DataLog


@dataclass(frozen=True)
class TraceData:
    """The use case; `models` maps uids to the names of the models that those runs logged."""

    catalog: DataCatalog
    log: DataLog
    models: Callable[[], Mapping[str, Sequence[str]]]

    def trace(self, spec: str) -> Lineage:
        """Give the graph of NAME[@VERSION]; raises NotFound."""
        found = self.log.find(spec)
        models = self.models()
        steps = [*(run_step(run, models.get(run.uid, ())) for run in self.log.runs()), *self.catalog.stages()]
        sources = {
            dataset.name: dataset.source
            for dataset in self.catalog.datasets()
            if dataset.origin in ("import", "import-url")
        }
        return lineage(found.dataset, found.version, steps, self._listing, lambda name: sources.get(name, ""))

    def _listing(self, name: str, version: str) -> Mapping[str, str] | None:
        content = self.catalog.content(name, version)
        return content.files if content is not None else None
