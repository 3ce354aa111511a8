"""Everything that is recorded of a run, written for people."""

from __future__ import annotations

from typing import Any

from labnb.model.card import to_text
from labnb.model.dataset import FileUse
from labnb.model.errors import UnknownName
from labnb.model.run import Run
from labnb.model.wording import data_text, published_text

PARTS = ("cell", "code", "environment", "data", "output", "error")


def report(run: Run, snapshot: dict[str, Any], output: dict[str, Any], part: str | None = None) -> str:
    """Write the run, or one part of it. Raises UnknownName for a part that there is not."""
    if part is not None and part not in PARTS:
        raise UnknownName("part of a run", part, PARTS)
    writers = {
        "cell": lambda: run.source,
        "code": lambda: _code(run, snapshot),
        "environment": lambda: _environment(run, snapshot),
        "data": lambda: _data(run),
        "output": lambda: _output(output),
        "error": lambda: (run.error or {}).get("traceback", ""),
    }
    if part is not None:
        return writers[part]() or f"The run has no {part}."
    sections = [to_text(run), _where(run)]
    for name in PARTS:
        text = writers[name]()
        if text:
            sections.append(f"── {name} " + "─" * (60 - len(name)) + f"\n{text.rstrip()}")
    return "\n\n".join(section for section in sections if section)


def _where(run: Run) -> str:
    lines = [f"  uid: {run.uid}", f"  fingerprint: {run.fingerprint}", f"  by: {run.user}", f"  started: {run.started}"]
    if run.notebook:
        lines.append(f"  notebook: {run.notebook}" + (f", cell {run.cell_id}" if run.cell_id else ""))
    lines.append(f"  published: {published_text(run)}")
    if run.mlflow:
        lines.append(f"  mlflow: {run.mlflow.experiment}/{run.mlflow.run_id} in {run.mlflow.tracking_uri}")
    lines.extend(f"  child: {child.name} {child.status} {child.metrics}" for child in run.children)
    lines.extend(f"  tag {name}: {value}" for name, value in run.tags.items())
    return "\n".join(lines)


def _code(run: Run, snapshot: dict[str, Any]) -> str:
    code = run.code
    lines = []
    if code:
        lines.append(f"commit {code.get('commit') or 'none yet'}" + (" with changes" if code.get("dirty") else ""))
        lines.append(f"work tree kept as {code.get('snapshot')} on {code.get('ref')}")
        lines.extend(f"left out: {item}" for item in code.get("left_out", ()))
        lines.extend(f"submodule {path}: {commit}" for path, commit in code.get("submodules", {}).items())
    pieces = snapshot.get("closure", {}).get("pieces", [])
    if len(pieces) > 1:
        lines.append(f"the cell needs {len(pieces) - 1} earlier pieces of code:")
        for piece in pieces[:-1]:
            lines.append(f"  # In [{piece['cell'].get('execution_count') or ' '}]")
            lines.extend(f"  {line}" for line in piece["code"].rstrip().splitlines())
    undefined = snapshot.get("closure", {}).get("undefined", [])
    if undefined:
        lines.append(f"names that no recorded cell defined: {', '.join(undefined)}")
    return "\n".join(lines)


def _environment(run: Run, snapshot: dict[str, Any]) -> str:
    environment = snapshot.get("environment", {})
    if not environment:
        return ""
    lines = [f"Python {environment['python']} on {environment['platform']}", f"lock {run.environment.get('lock')}"]
    lines.extend(f"{name}: {value}" for name, value in environment.get("hardware", {}).items() if value)
    loaded = environment.get("loaded", {})
    lines.append(f"{len(environment.get('lock', []))} packages installed; loaded:")
    lines.append("  " + ", ".join(f"{name} {version}" for name, version in sorted(loaded.items())))
    lines.extend(f"{name}={value}" for name, value in environment.get("variables", {}).items())
    return "\n".join(lines)


def _data(run: Run) -> str:
    lines = [f"read  {_file(use)}" for use in run.inputs]
    lines.extend(f"wrote {_file(use)}" for use in run.outputs)
    return "\n".join(lines)


def _file(use: FileUse) -> str:
    many = f"{use.files} files, " if use.files > 1 else ""
    return f"{data_text(use)}  ({many}{use.size:,} bytes, {use.digest or 'no digest'})"


def _output(output: dict[str, Any]) -> str:
    lines: list[str] = []
    for cell in output.get("cells", []):
        for item in cell.get("outputs", []):
            if item["output_type"] == "stream":
                lines.append(item["text"].rstrip("\n"))
            elif item["output_type"] != "error":
                data = item.get("data", {})
                lines.append(str(data.get("text/plain", f"[{', '.join(data)}]")))
    return "\n".join(lines)
