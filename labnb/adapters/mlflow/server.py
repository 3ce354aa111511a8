"""Whether the lab's MLflow store answers, lets this user in, and is of a version that fits; for the doctor."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

from labnb.adapters.mlflow.embedded import database_of
from labnb.model.address import without_secrets
from labnb.model.errors import LabError, StoreUnreachable
from labnb.model.health import ServerFacts

_VERSION = re.compile(r"\d+\.\d+[\w.]*")


def server_facts(uri: str) -> ServerFacts:
    """Ask the store at `uri` as the publisher asks it; imports MLflow. Changes nothing there."""
    name, client = without_secrets(uri), metadata.version("mlflow")
    database = database_of(uri)
    if database is not None and not database.exists():  # to look would make it
        return ServerFacts(name, client=client)
    try:
        from mlflow import MlflowClient

        from labnb.adapters.mlflow.errors import translated
        from labnb.adapters.mlflow.http import answer_quickly

        answer_quickly()
        with translated(name):
            MlflowClient(uri, registry_uri=uri).search_experiments(max_results=1)
            version = _version(uri) if uri.lower().startswith("http") else ""
    except StoreUnreachable as error:
        hint = "Is the network there, or the VPN? Runs stay here until it answers; labnb sync asks it at once."
        return ServerFacts(name, error.message, hint, client=client)
    except LabError as error:
        return ServerFacts(name, error.message, error.hint, client=client)
    except Exception as error:  # noqa: BLE001 - the other checks go on
        return ServerFacts(name, f"MLflow cannot be used: {type(error).__name__}: {error}.", "Try `import mlflow`.")
    return ServerFacts(name, version=version, client=client)


def _version(uri: str) -> str:
    from mlflow.utils import credentials, rest_utils

    untyped: Any = credentials, rest_utils
    # Where there is no such page (another maker's, behind a proxy), what comes is no number.
    response = untyped[1].http_request(untyped[0].get_default_host_creds(uri), "/version", "GET")
    found = _VERSION.fullmatch(response.text.strip()) if response.status_code == 200 else None
    return found.group() if found else ""
