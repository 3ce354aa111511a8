"""`labnb doctor [--fix] [--json]`: gather the facts, show the checks."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from labnb.lab import Lab
from labnb.model.errors import LabError
from labnb.model.health import Check, State
from labnb.model.run import SCHEMA
from labnb.usecases.doctor import check_facts, check_runs, fix_project

_MARKS = {State.OK: "ok     ", State.WARNING: "warning", State.FAILING: "FAILING"}


def doctor(lab: Lab, *, fix: bool = False, as_json: bool = False) -> int:
    """Look at the project of `lab`; 0 when no check fails, else 1."""
    done = fix_project(lab.paths, lambda: _announce(lab)) if fix else []
    checks = [*check_facts(lab.facts()), *check_runs(lab.paths)]
    if as_json:
        items = [check.to_json() for check in checks]
        print(json.dumps({"schema": SCHEMA, "items": items, "fixed": done}, ensure_ascii=False, indent=1))
    else:
        print(to_text(checks, done))
    return 0 if all(check.ok for check in checks) else 1


def to_text(checks: Sequence[Check], done: Sequence[str]) -> str:
    """Write one line for each check, and what to do below those that need it."""
    width = max(len(check.check) for check in checks)
    lines = [f"fixed    {text}" for text in done]
    for check in checks:
        lines.append(f"{_MARKS[check.state]}  {check.check.ljust(width)}  {check.message}")
        if check.hint:
            lines.append(f"{' ' * (11 + width)}→ {check.hint}")
    failing = sum(not check.ok for check in checks)
    if failing:
        lines.append(f"\n{failing} of {len(checks)} checks fail.")
    return "\n".join(lines)


def _announce(lab: Lab) -> list[str]:
    from labnb.cli.sync import announce_unpublished
    from labnb.runfolder.queue import SWITCH, publisher_lives, start_publisher

    uids = announce_unpublished(lab.paths)
    if uids and os.environ.get(SWITCH) != "0" and not publisher_lives(lab.paths):
        start_publisher(lab.paths)
    return [uid for uid in uids if _ended(lab, uid)]


def _ended(lab: Lab, uid: str) -> bool:
    try:
        return lab.browse.run(uid).status.ended
    except LabError:
        return False
