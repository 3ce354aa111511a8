"""Completion of the magics' lines: options, and names of the session where names belong."""

from __future__ import annotations

import keyword
from typing import Any

from labnb.magics.job_options import LOCAL
from labnb.magics.request import options
from labnb.model.errors import LabError

_NAMES_AFTER = ("-m", "--metric", "-p", "--param", "-o", "--out", "--each")


def complete(shell: Any, event: Any) -> list[str]:
    """IPython's `complete_command` hook for `%%labrun`: give what may stand at the cursor."""
    words = event.line.split("\n")[0].split()
    before = words[-2] if event.symbol and len(words) > 1 else words[-1]
    if before == "--on":
        return [LOCAL, *target_names(shell)]
    if before in _NAMES_AFTER:
        return session_names(shell)
    return options()


def target_names(shell: Any) -> list[str]:
    """List the targets of the project's labnb.toml; none where it cannot be read."""
    from labnb.magics import recorder_of

    recorder = recorder_of(shell)
    try:
        return sorted(recorder.lab().config.targets) if recorder is not None else []
    except LabError:
        return []


def session_names(shell: Any) -> list[str]:
    """List the names that the researcher has defined."""
    hidden = shell.user_ns_hidden
    return sorted(
        name
        for name, value in shell.user_ns.items()
        if not name.startswith("_") and not keyword.iskeyword(name) and hidden.get(name) is not value
    )
