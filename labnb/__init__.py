"""labnb: MLOps in JupyterLab. Write `%%labrun` above a cell and it becomes a recorded run.

`%load_ext labnb` brings the magics; `labnb.log`, `labnb.param`, `labnb.tag`, `labnb.artifact` add to the run of
the cell; `labnb.run` and `labnb.runs` read runs back. Everything loads at first use.
"""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "artifact", "log", "param", "run", "runs", "tag"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("labnb")
    if name in ("log", "param", "tag", "artifact"):
        from labnb.runfolder import active as home
    elif name in ("run", "runs"):
        from labnb import api as home  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module 'labnb' has no attribute {name!r}")
    value = globals()[name] = getattr(home, name)
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
