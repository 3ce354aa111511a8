"""`labnb targets list` and `labnb targets test NAME`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from labnb.lab import open_lab
from labnb.model.errors import UnknownName, UsageError
from labnb.model.resources import Resources
from labnb.model.run import SCHEMA
from labnb.model.target import Target


def add_to(commands: Any) -> None:
    """Add the commands to the command line."""
    targets = commands.add_parser("targets", help="the places where jobs run: list them, try one")
    verbs = targets.add_subparsers(dest="verb", metavar="VERB", parser_class=type(targets), required=True)

    listed = verbs.add_parser("list", help="list the targets that labnb.toml names")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(call=_list)

    tried = verbs.add_parser("test", help="try a target: its host, folder, Python, resources, and one small job")
    tried.add_argument("name", metavar="NAME", help="the target's name in labnb.toml")
    tried.add_argument("--timeout", default="5m", metavar="TIME", help="how long the job may wait and run (default 5m)")
    tried.add_argument("--json", action="store_true", help="as JSON")
    tried.set_defaults(call=_test)


def _list(given: argparse.Namespace) -> int:
    targets = open_lab(given.project).config.targets
    if given.json:
        items = [_to_json(target) for target in targets.values()]
        print(json.dumps({"schema": SCHEMA, "items": items, "next": None}, ensure_ascii=False, indent=1))
        return 0
    if not targets:
        print("labnb.toml names no targets. labnb.toml.example shows how: [targets.NAME]")
        return 0
    rows = [("NAME", "HOST", "EXECUTOR", "ASKS FOR", "PYTHON"), *(_row(target) for target in targets.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _test(given: argparse.Namespace) -> int:
    from labnb import plugins
    from labnb.usecases.test_target import TargetTrial

    patience = Resources.parse({"time": given.timeout}, "--timeout: ").time
    lab = open_lab(given.project)
    target = _named(lab.config.targets, given.name)
    host, executor = plugins.host(target.host), plugins.executor(target.executor)
    place = target.folder or "~/.labnb/jobs"
    if host.local:
        # Jobs of this machine lie in the project: the nodes of a cluster must see it.
        lab.paths.make()
        place = str(lab.paths.home / "jobs")
    trial = TargetTrial(target, host, executor, place, float(patience or 0))
    for step in trial:
        if not given.json:
            print(f"{'ok     ' if step.ok else 'FAILED '}  {step.step.ljust(9)}  {step.message}", flush=True)
            if step.hint and not step.ok:
                print(f"{' ' * 20}→ {step.hint}", flush=True)
    ok = all(step.ok for step in trial.told)
    if given.json:
        items = [step.to_json() for step in trial.told]
        told = {"schema": SCHEMA, "target": target.name, "ok": ok, "items": items}
        print(json.dumps(told, ensure_ascii=False, indent=1))
    if any(step.unreachable for step in trial.told):
        return 3
    return 0 if ok else 1


def _named(targets: Mapping[str, Target], name: str) -> Target:
    if name not in targets:
        if not targets:
            raise UsageError(f"There is no target {name!r}: labnb.toml names none.", "labnb.toml.example shows how.")
        raise UnknownName("target", name, targets)
    return targets[name]


def _to_json(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "host": target.host,
        "executor": target.executor,
        "resources": target.resources.to_json(),
        "python": target.python,
        "setup": list(target.setup),
        "environment": target.environment,
        "image": target.image,
        "folder": target.folder,
    }


def _row(target: Target) -> tuple[str, ...]:
    asked = []
    for name, value in target.resources.to_json().items():
        shown = f"{value / 1e9:.3g} GB" if name == "memory" else f"{value} s" if name == "time" else value
        asked.append(f"{name} {' '.join(shown) if isinstance(shown, list) else shown}")
    python = target.image or target.python or ("this one" if not target.host else "python3")
    if target.environment:
        python = f"{python}, {target.environment}"
    return target.name, target.host or "this machine", target.executor, ", ".join(asked) or "nothing", python
