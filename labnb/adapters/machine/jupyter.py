"""Whether Jupyter will load labnb, read from Jupyter's own files; neither JupyterLab nor a server is imported."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path, jupyter_path

from labnb.model.health import JupyterFacts

NAME = "labnb"


def jupyter_facts() -> JupyterFacts:
    """Look where `jupyter server extension list` and `jupyter labextension list` look."""
    enabled, file = _server_extension()
    labextension, version, disabled = _labextension()
    try:
        installed = metadata.version(NAME)
    except metadata.PackageNotFoundError:
        installed = ""
    return JupyterFacts(enabled, file, labextension, version, disabled, installed)


def _server_extension() -> tuple[bool | None, str | None]:
    for folder in map(Path, jupyter_config_path()):  # the first that speaks of it decides
        names = [folder / "jupyter_server_config.json", *sorted((folder / "jupyter_server_config.d").glob("*.json"))]
        for path in names:
            said = _read(path).get("ServerApp", {}).get("jpserver_extensions", {})
            if isinstance(said, dict) and NAME in said:
                return bool(said[NAME]), str(path)
    return None, None


def _labextension() -> tuple[str | None, str | None, str | None]:
    folder = version = disabled = None
    for base in map(Path, jupyter_path("labextensions")):
        package = base / NAME / "package.json"
        if package.is_file():
            folder, version = str(package.parent), str(_read(package).get("version", ""))
            break
    for base in map(Path, jupyter_config_path()):
        path = base / "labconfig" / "page_config.json"
        said = _read(path).get("disabledExtensions", {})
        names = [name for name, off in said.items() if off] if isinstance(said, dict) else list(said)
        if NAME in names:
            disabled = str(path)
            break
    return folder, version, disabled


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
