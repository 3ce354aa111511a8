"""The row of a run as the index keeps it, and back to what filters see of the run."""

from __future__ import annotations

import json
from typing import Any

from labnb.model.api_runs import RunItem
from labnb.model.dataset import FileUse
from labnb.model.plain import plain, sound
from labnb.model.run import MlflowLink, Run, RunStatus
from labnb.model.run_item import item_of
from labnb.ports.run_index import Source


def packed(run: Run, source: Source) -> str:
    """Write the row, and what filters need besides it, as the index keeps it."""
    item = item_of(run, source)
    data = {name: getattr(item, name) for name in RunItem.__slots__}
    data["status"] = run.status.value
    data["_tags"] = run.tags
    data["_job"] = run.job
    data["_mlflow"] = plain(run.mlflow) if source == "tracking" else None
    data["_data"] = next(([use.dataset, use.version] for use in run.inputs if use.dataset), None)
    return sound(json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str))


def unpacked(text: str) -> RunItem:
    """Read the row that `packed` wrote."""
    data = json.loads(text)
    data["status"] = RunStatus(data["status"])
    return RunItem(**{name: data[name] for name in RunItem.__slots__})


def link_of(text: str) -> MlflowLink | None:
    """Give where MLflow shows a packed run of the lab's server."""
    found = json.loads(text).get("_mlflow")
    return MlflowLink(**found) if found else None


def facts_run(text: str) -> Run:
    """Give of a packed run what filters see of it, but the words of free text."""
    data: dict[str, Any] = json.loads(text)
    used = data["_data"]
    return Run(
        uid=data["uid"],
        name=data["name"],
        status=RunStatus(data["status"]),
        started=data["started"],
        ended=data["ended"],
        user=data["user"],
        notebook=data["notebook"],
        fingerprint=data["fingerprint"],
        params=data["params"],
        metrics=data["metrics"],
        tags=data["_tags"],
        inputs=(FileUse("", None, 0, dataset=used[0], version=used[1]),) if used else (),
        published=data["published"],
    )
