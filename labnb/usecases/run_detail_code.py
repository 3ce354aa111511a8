"""Code and environment of a run, and how they differ from the last commit or from another run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from labnb.model.api_run_parts import Change, Code, EnvironmentDetail
from labnb.model.errors import LabError
from labnb.model.run import Run
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import RunPaths

#: Characters of a diff, and of a script, that are sent.
LONGEST_DIFF, LONGEST_SCRIPT = 500_000, 2_000_000
# Python's difflib takes time in the square of what differs.
MOST_LINES = 6_000


def code_of(
    folder: RunFolder,
    run: Run,
    snapshot: Mapping[str, Any],
    against: str,
    other: RunPaths | None,
    difference: Callable[[dict[str, Any], int], str],
) -> Code:
    """Give cell, closure and diff. A diff that cannot be made is told in `message`."""
    code = dict(snapshot.get("code") or run.code)
    diff, message = "", ""
    if against == "HEAD":
        try:
            diff = difference(code, LONGEST_DIFF + 1)
        except LabError as error:
            message = str(error)
    elif other is not None:
        diff = script_diff(other, folder.paths)
    return Code(
        uid=folder.uid,
        source=run.source,
        script=_text(folder.paths.script),
        commit=code.get("commit"),
        branch=code.get("branch"),
        dirty=bool(code.get("dirty")),
        left_out=[str(item) for item in code.get("left_out") or ()],
        against=against,
        diff=diff[:LONGEST_DIFF],
        same=bool(against) and not diff and not message,
        cut=len(diff) > LONGEST_DIFF,
        message=message,
    )


def script_diff(before: RunPaths, after: RunPaths) -> str:
    """Give the unified diff between the closures of two runs."""
    return text_diff(_text(before.script), _text(after.script), before.folder.name[:8], after.folder.name[:8])


def text_diff(before: str, after: str, old: str, new: str) -> str:
    """Give a unified diff of two texts; of very long ones only that they differ."""
    if before == after:
        return ""
    one, two = before.splitlines(), after.splitlines()
    if len(one) + len(two) > MOST_LINES:
        return f"--- {old}\n+++ {new}\n@@ too long to be compared line by line: {len(one)} and {len(two)} lines @@\n"
    return "\n".join(difflib.unified_diff(one, two, old, new, lineterm="")) + "\n"


def environment_of(
    uid: str, snapshot: Mapping[str, Any], against: str, other: Mapping[str, Any] | None
) -> EnvironmentDetail:
    """Give the environment, with how it differs from the other's."""
    found = snapshot.get("environment") or {}
    return EnvironmentDetail(
        uid=uid,
        python=str(found.get("python", "")),
        platform=str(found.get("platform", "")),
        hardware=dict(found.get("hardware") or {}),
        variables=dict(found.get("variables") or {}),
        loaded=dict(found.get("loaded") or {}),
        lock=list(found.get("lock") or ()),
        against=against,
        changes=environment_changes(other, snapshot) if other is not None else [],
    )


def environment_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """List what differs between the environments of two snapshots, by name."""
    one, two = (_facts(snapshot.get("environment") or {}) for snapshot in (before, after))
    names = sorted(one.keys() | two.keys(), key=lambda name: (name not in ("python", "platform"), name.lower()))
    return [Change(name, one.get(name), two.get(name)) for name in names if one.get(name) != two.get(name)]


def _facts(environment: Mapping[str, Any]) -> dict[str, str]:
    facts = {name: str(environment[name]) for name in ("python", "platform") if name in environment}
    facts |= {f"hardware {name}": str(value) for name, value in (environment.get("hardware") or {}).items()}
    facts |= {f"${name}": str(value) for name, value in (environment.get("variables") or {}).items()}
    return facts | dict(_requirements(environment.get("lock") or ()))


def _requirements(lines: Iterable[object]) -> Iterable[tuple[str, str]]:
    for line in lines:
        text = str(line).strip()
        if text and not text.startswith(("#", "-")):
            for sign in ("==", " @ "):
                name, found, version = text.partition(sign)
                if found:
                    yield name.strip(), version.strip()
                    break
            else:
                yield text, ""


def _text(path: Path) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST_SCRIPT)
    except OSError:
        return ""
