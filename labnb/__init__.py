"""labnb: MLOps in JupyterLab. Write `%%labrun` above a cell and it becomes a recorded run.

`%load_ext labnb` brings the magics; `labnb.log`, `labnb.param`, `labnb.tag`, `labnb.artifact` add to the run of
the cell; `labnb.run` and `labnb.runs` read runs back. Everything loads at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Where each name of the package lives.
_HOMES = {
    "artifact": "labnb.runfolder.active",
    "checkpoint": "labnb.runfolder.checkpoint",
    "job": "labnb.api_jobs",
    "log": "labnb.runfolder.active",
    "open": "labnb.api_data",
    "param": "labnb.runfolder.active",
    "path": "labnb.api_data",
    "run": "labnb.api",
    "runs": "labnb.api",
    "tag": "labnb.runfolder.active",
}

# Without open: `from labnb import *` shall not take Python's own away.
__all__ = ["__version__", "artifact", "checkpoint", "job", "log", "param", "path", "run", "runs", "tag"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("labnb")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'labnb' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext labnb`."""
    from labnb.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext labnb`."""
    from labnb.magics import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "labnb"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "labnb.server.extension"}]
