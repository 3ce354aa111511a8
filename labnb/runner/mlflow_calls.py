"""What the cell logs to MLflow itself, autologging included, stands in the record of the job as well.

The calls go where the cell says; they are heard on their way. The first run that the cell opens is the job's own, as in
a notebook, and gets the tag by which the publisher finds it; later ones are its children.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any

from labnb.runfolder.journal import Journal
from labnb.runner.after_import import after_import

_CLIENT = "mlflow.tracking._tracking_service.client"


def hear_mlflow(uid: str, journal: Journal, clean: Callable[[str, Any], Any]) -> None:
    """Write into the journal what is logged to MLflow from now on; nothing is imported for that."""
    after_import(_CLIENT, lambda: _Ear(uid, journal, clean).listen(sys.modules[_CLIENT]))


class _Ear:
    def __init__(self, uid: str, journal: Journal, clean: Callable[[str, Any], Any]) -> None:
        self._uid = uid
        self._opened = False
        self._journal = journal
        self._clean = clean
        self._run = ""

    def listen(self, module: Any) -> None:
        client = module.TrackingServiceClient
        for name in ("log_metric", "log_param", "log_batch"):
            setattr(client, name, self._heard(getattr(client, name), getattr(self, f"_{name}")))
        client.create_run = self._tagged(client.create_run)

    def _tagged(self, method: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(method)

        def create_run(*args: Any, **kwargs: Any) -> Any:
            with contextlib.suppress(TypeError):
                bound = signature.bind(*args, **kwargs)
                own = {"labnb.parent": self._uid} if self._opened else {"labnb.uid": self._uid, "labnb.joined": "true"}
                bound.arguments["tags"] = {**(bound.arguments.get("tags") or {}), **own}
                args, kwargs = bound.args, bound.kwargs
            created = method(*args, **kwargs)
            self._opened = True
            return created

        return create_run

    def _heard(self, method: Callable[..., Any], hear: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
        signature = inspect.signature(method)

        def call(*args: Any, **kwargs: Any) -> Any:
            with contextlib.suppress(Exception):  # another version's words: the call itself goes on
                given = signature.bind(*args, **kwargs).arguments
                self._run = self._run or given["run_id"]
                if given["run_id"] == self._run:
                    hear(given)
            return method(*args, **kwargs)

        call.__name__, call.__doc__ = method.__name__, method.__doc__
        return call

    def _log_metric(self, given: dict[str, Any]) -> None:
        self._journal.metrics({given["key"]: float(given["value"])}, int(given.get("step") or 0))

    def _log_param(self, given: dict[str, Any]) -> None:
        self._journal.add("param", name=given["key"], value=self._clean(given["key"], str(given["value"])))

    def _log_batch(self, given: dict[str, Any]) -> None:
        by_step: dict[int, dict[str, float]] = {}
        for metric in _some(given.get("metrics")):
            by_step.setdefault(int(metric.step or 0), {})[metric.key] = float(metric.value)
        for step, values in by_step.items():
            self._journal.metrics(values, step)
        for param in _some(given.get("params")):
            self._log_param({"key": param.key, "value": param.value})


def _some(items: Iterable[Any] | None) -> Iterable[Any]:
    return items or ()
