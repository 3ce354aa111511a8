"""What is known of jobs on this machine."""

from __future__ import annotations

import contextlib
import json
import time

from labnb.adapters.process_executor.far.processes import lives, place
from labnb.adapters.process_executor.far.registry import path_of, read

TYPE_CHECKING = False  # typing itself would take longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Sight = dict[str, Any]

# Seconds without a sign of life after which a keeper on a machine that cannot be looked into is given up.
SILENT = 60.0
# Seconds that a claim may stay without a keeper.
STARTING = 30.0


def look(tokens: Iterable[str]) -> dict[str, Sight]:
    """Tell what is known; a token that nobody knows is left out."""
    here = place()
    found = ((token, sight(token, here)) for token in tokens)
    return {token: seen for token, seen in found if seen}


def sight(token: str, here: list[str]) -> Sight | None:
    """Tell of one job."""
    ended = read(token, "end.json")
    if ended:
        return ended
    state = read(token, "state.json")
    if state is None:
        return _without_keeper(token)
    if state["place"] == here:
        if lives(state["keeper"]):
            return state
        ended = read(token, "end.json")
        if ended:
            return ended
        if lives(state.get("child")):
            return {**state, "reason": "the process that looks after it was killed; how it ends will not be known"}
        if read(token, "cancel"):
            return {**state, **(_without_keeper(token) or {})}
        why = "the job and the process that looked after it were both killed"
    elif time.time() - state["beat"] < SILENT:
        return state
    elif state["place"][0] == here[0]:
        why = f"{here[0]} was started again while it ran"
    else:
        why = f"nothing was heard of it from {state['place'][0]} for {time.time() - state['beat']:.0f} s"
    return {**state, "state": "LOST", "reason": why}


def _without_keeper(token: str) -> Sight | None:
    cancel = read(token, "cancel")
    if cancel:
        return {"state": "CANCELLED", "reason": f"cancelled by {cancel.get('by')}", "ended": cancel.get("time")}
    with contextlib.suppress(OSError, ValueError), open(path_of(token, "claim"), encoding="utf-8") as file:
        claimed = json.load(file)
        if time.time() - claimed["time"] < STARTING:
            return {"state": "PENDING", "reason": "starting", "submitted": claimed["time"]}
    return None
