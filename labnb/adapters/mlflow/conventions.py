"""How MLflow wants things said: names, tags, params and datasets of a run. Pure functions, without MLflow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from labnb.model.dataset import FileUse
from labnb.model.run import Run

UID = "labnb.uid"
PARENT_UID = "labnb.parent"
JOINED = "labnb.joined"
PARENT_RUN = "mlflow.parentRunId"
NOTE = "mlflow.note.content"

# MLflow's limits, in characters.
NAME, PARAM, TAG, DIGEST, DATASET = 250, 6000, 8000, 36, 500

_NOT_ALLOWED = re.compile(r"[^/\w.\- :]")
_CUT = "… [cut, {} characters]"


def name_of(name: str) -> str:
    """Write a param, metric or tag name as MLflow takes it: other characters become "_", long names are cut.

    >>> name_of("val/loss@1")
    'val/loss_1'
    """
    name = _NOT_ALLOWED.sub("_", name)
    # MLflow reads names as paths and takes only those that are their own normal form.
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[:NAME] or "_"


def cut(text: str, limit: int) -> str:
    """Shorten a text to `limit` characters, saying so.

    >>> cut("x" * 50, 30)
    'xxxxxxx… [cut, 50 characters]'
    """
    if len(text) <= limit:
        return text
    mark = _CUT.format(len(text))
    return text[: limit - len(mark)] + mark


def params_of(run: Run) -> dict[str, str]:
    """Give the params as MLflow keeps them: text, as Python writes the value."""
    return {name_of(name): cut(str(value), PARAM) for name, value in run.params.items()}


def tags_of(run: Run) -> dict[str, str]:
    """Give all tags of a run but its note: MLflow's own where MLflow has a word for it, else `labnb.…`."""
    code = run.code
    ours = {
        UID: run.uid,
        "mlflow.user": run.user,
        "mlflow.source.name": run.notebook or "<console>",  # MLflow's word for code without a file
        "mlflow.source.type": "NOTEBOOK" if run.notebook else "LOCAL",
        "mlflow.source.git.commit": code.get("commit"),
        "mlflow.source.git.branch": code.get("branch"),
        "mlflow.source.git.repoURL": code.get("remote"),
        "labnb.fingerprint": run.fingerprint,
        "labnb.snapshot": run.snapshot,
        "labnb.cell_id": run.cell_id,
        "labnb.code.ref": code.get("ref"),
        "labnb.code.snapshot": code.get("snapshot"),
        "labnb.code.dirty": str(bool(code["dirty"])).lower() if "dirty" in code else None,
        "labnb.environment.python": run.environment.get("python"),
        "labnb.environment.lock": run.environment.get("lock"),
        **{f"labnb.job.{name}": (run.job or {}).get(name) for name in ("target", "state", "cause", "node", "handle")},
        "labnb.error": f"{run.error.get('type', '')}: {run.error.get('message', '')}" if run.error else None,
    }
    tags = {**run.tags, **{name: str(value) for name, value in ours.items() if value}}
    return {name_of(name): cut(str(value), TAG) for name, value in tags.items()}


def note_of(run: Run, said: Mapping[str, str]) -> str:
    """Write the note of a run: a short page in Markdown. `said` are further remarks, by what they are about."""
    lines = []
    if run.error:
        lines += [f"**{run.error.get('type', 'Error')}**: {run.error.get('message', '')}", ""]
    for title, uses in (("Read", run.inputs), ("Written", run.outputs)):
        if uses:
            lines += [f"**{title}**", ""]
            lines += [f"- `{use.path}`{_version(use)}" for use in uses[:20]]
            lines += [f"- and {len(uses) - 20} more"] if len(uses) > 20 else []
            lines.append("")
    remarks = [f"{note.message} {note.hint}".rstrip() for note in run.notes]
    remarks += [f"`{name}`: {text}" for name, text in said.items()]
    if remarks:
        lines += ["**Notes**", "", *(f"- {text}" for text in remarks), ""]
    lines += [f"`labnb show {run.uid[:12]}`"]
    return cut("\n".join(lines), TAG)


def _version(use: FileUse) -> str:
    if use.dataset:
        return f": {use.dataset}, {use.version or 'changed since its last version'}"
    return f": {use.digest}" if use.digest else ""


def datasets_of(run: Run) -> Iterator[tuple[str, str, str, str]]:
    """Give (context, name, digest, source as JSON) of each file that the run read ("input") or wrote ("output")."""
    for context, uses in (("input", run.inputs), ("output", run.outputs)):
        for use in uses:
            source = {"path": use.path, "digest": use.digest, "size": use.size, "files": use.files}
            source |= {"dataset": use.dataset, "version": use.version}
            yield context, cut(use.dataset or use.path, DATASET), digest_of(use), json.dumps(source)


def digest_of(use: FileUse) -> str:
    """Write a digest in the characters that MLflow has for it: the hash alone, "unknown" where there is none.

    A hash longer than that is cut at the end; the whole of it stands in the dataset's source.
    """
    text = use.digest or "unknown"
    kind, colon, rest = text.partition(":")
    return (rest if colon else kind)[:DIGEST]
