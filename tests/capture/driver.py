"""Runs cells in a real IPython shell and slices the last; `python driver.py` with a JSON document on stdin."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any


def exact(value: Any) -> str:
    """Write a value so that equal texts mean equal bits."""
    if type(value).__module__ == "numpy" and hasattr(value, "tobytes"):
        return f"{value.dtype}{value.shape}{value.tobytes().hex()}"
    if hasattr(value, "to_csv"):
        return str(value.to_csv())
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(exact, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {exact(v)}" for k, v in value.items()) + "}"
    return repr(value)


def main() -> None:
    """Read the cells, run them, slice, and write down what came out."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from labnb.capture.session import Session
    from labnb.capture.slicing import slice_session
    from labnb.capture.slicing.slicer import _timelines
    from labnb.exporters.notebook import to_notebook
    from labnb.exporters.script import to_script

    asked = json.load(sys.stdin)
    config = Config({"HistoryManager": {"hist_file": ":memory:"}, "InteractiveShell": {"colors": "nocolor"}})
    shell = InteractiveShell.instance(config=config)
    late = asked.get("attach", 0)
    session: list[Session] = []

    def attach() -> None:
        session.append(Session(shell))
        shell.events.register("pre_run_cell", session[0].before)
        shell.events.register("post_run_cell", session[0].after)

    with open("session.log", "w") as log, contextlib.redirect_stdout(log):
        for place, source in enumerate(asked["cells"]):
            if place == late:
                attach()
            shell.run_cell(source, store_history=True)
    *history, target = session[0].history
    closure = slice_session(history, target)
    metrics = {name: exact(shell.user_ns.get(name)) for name in asked["metrics"]}
    json.dump(
        {
            "metrics": metrics,
            "script": to_script(closure),
            "notebook": to_notebook(closure),
            "pieces": [piece.code for piece in closure.pieces],
            "free": sorted(closure.free),
            "undefined": sorted(closure.undefined),
            "assigned": closure.assigned,
            "randomness": sorted(closure.randomness),
            "normalised": closure.normalised,
            "stumbled": [text for timeline in _timelines for text in timeline.stumbled],
            "failed": [cell.failed_line for cell in history],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
