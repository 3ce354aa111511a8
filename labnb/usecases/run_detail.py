"""Everything of one run: its facts, log, outputs, and what it kept. Reads run folders; never writes."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labnb.model.api_run_parts import Artifact, Artifacts, Code, EnvironmentDetail, Log
from labnb.model.api_runs import Parts, RunDetail
from labnb.model.errors import NotFound, TooLarge
from labnb.model.run import SCHEMA, Run
from labnb.model.tags import ARCHIVED, NOTE
from labnb.ports.run_index import RunIndex
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.paths import RunPaths
from labnb.usecases.browse import Browse
from labnb.usecases.run_detail_code import code_of, environment_of
from labnb.usecases.run_detail_files import artifact_of, artifacts_of

#: A notebook of outputs longer than this (bytes) is not sent whole.
LONGEST_OUTPUT = 50_000_000
#: A diff of the work tree to the last commit: (snapshot's facts, most characters) -> unified diff.
Difference = Callable[[dict[str, Any], int], str]


class RunDetails:
    """Answers about single runs of a project. `index` knows the runs of the lab's MLflow server."""

    def __init__(self, browse: Browse, index: RunIndex, difference: Difference) -> None:
        self._browse, self._index, self._difference = browse, index, difference

    def uid(self, start: str) -> str:
        """Give the whole uid of a run by the start of it; raises NotFound."""
        item = self._index.item(start)
        return item.uid if item is not None and item.source == "tracking" else self._folder(start).uid

    def detail(self, start: str) -> RunDetail:
        """Give everything of one run but its long parts. Raises NotFound or StoreCorrupt."""
        try:
            folder = self._folder(start)
        except NotFound:
            item = self._index.item(start)
            if item is None or item.source != "tracking":
                raise
            run = Run(
                uid=item.uid, name=item.name, status=item.status, started=item.started, ended=item.ended,
                user=item.user, notebook=item.notebook, params=item.params, published="published",
                metrics={name: float(value) for name, value in item.metrics.items()},
                tags={**item.tags, **({NOTE: item.note} if item.note else {})}, mlflow=self._index.link(item.uid),
            )  # fmt: skip
            return _detail(run, Parts(0, False, False, False, 0, len(run.metrics)), "tracking")
        run = folder.read()
        paths = folder.paths
        parts = Parts(
            log=_size(paths.log),
            output=paths.output.exists(),
            script=paths.script.exists(),
            environment=paths.snapshot.exists(),
            artifacts=artifacts_of(paths.artifacts, "", 1, "").total,
            metrics=len(run.metrics),
        )
        return _detail(run, parts, "folder")

    def log(self, start: str, offset: int, limit: int) -> Log:
        """Give a piece of the log, cut at whole characters; a negative offset counts from the end."""
        folder = self._folder(start)
        # The end is looked up first: what is written after that comes with the next piece.
        ended = folder.read().status.ended
        size = _size(folder.paths.log)
        begin = max(size + offset, 0) if offset < 0 else min(offset, size)
        try:
            with open(folder.paths.log, "rb") as file:
                file.seek(begin)
                data = file.read(limit)
        except FileNotFoundError:
            data = b""
        begin += _inside_character(data) if begin else 0
        data = data[_inside_character(data) :] if begin else data
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(data, final=begin + len(data) >= size and ended)
        rest = len(decoder.getstate()[0])
        after = begin + len(data) - rest
        tail = ""
        with contextlib.suppress(OSError):
            tail = folder.paths.log_tail.read_text(encoding="utf-8", errors="replace")[-10_000:]
        return Log(text, begin, after, size, tail, ended)

    def output(self, start: str) -> str:
        """Give output.ipynb as text; raises NotFound where none was kept."""
        return self._document(self._folder(start).paths.output, "outputs")

    def notebook(self, start: str) -> str:
        """Give closure.ipynb as text; raises NotFound where none was kept."""
        return self._document(self._folder(start).paths.notebook, "notebook of what the cell needs")

    def code(self, start: str, against: str) -> Code:
        """Give the code, and how it differs from the last commit ("HEAD") or from another run."""
        folder = self._folder(start)
        other = self._other(against) if against not in ("", "HEAD") else None
        return code_of(folder, folder.read(), self._browse.snapshot(folder.uid), against, other, self._difference)

    def environment(self, start: str, against: str) -> EnvironmentDetail:
        """Give the environment, and how it differs from that of another run."""
        uid = self._folder(start).uid
        other = self._browse.snapshot(self._folder(against).uid) if against else None
        return environment_of(uid, self._browse.snapshot(uid), against, other)

    def artifacts(self, start: str, text: str, limit: int, cursor: str) -> Artifacts:
        """Give a page of the files whose path contains the text."""
        return artifacts_of(self._folder(start).paths.artifacts, text, limit, cursor)

    def artifact(self, start: str, number: str) -> tuple[Path, Artifact]:
        """Give one file by its id; raises NotFound."""
        return artifact_of(self._folder(start).paths.artifacts, number)

    def _folder(self, start: str) -> RunFolder:
        return self._browse.folder(start)

    def _other(self, start: str) -> RunPaths:
        return self._folder(start).paths

    def _document(self, path: Path, what: str) -> str:
        if _size(path) > LONGEST_OUTPUT:
            raise TooLarge(f"The {what} of this run is {_size(path) / 1e6:.0f} MB long.", f"It lies in {path.name}.")
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            json.loads(text)
        except FileNotFoundError:
            raise NotFound(f"This run has no {what}.") from None
        except ValueError as error:
            raise NotFound(f"The {what} of this run is damaged: {error}.") from None
        return text


def _detail(run: Run, parts: Parts, place: Any) -> RunDetail:
    return RunDetail(
        schema=SCHEMA,
        **{name: getattr(run, name) for name in _SAME},
        duration=run.duration,
        inputs=list(run.inputs),
        outputs=list(run.outputs),
        notes=list(run.notes),
        children=list(run.children),
        metrics=dict(run.metrics),
        tags={name: text for name, text in run.tags.items() if name not in (NOTE, ARCHIVED)},
        note=run.tags.get(NOTE, ""),
        archived=run.tags.get(ARCHIVED) == "true",
        parts=parts,
        place=place,
    )


_SAME = (
    "uid", "name", "status", "started", "ended", "user", "notebook", "cell_id", "source", "fingerprint", "snapshot",
    "params", "code", "environment", "error", "job", "published", "published_why", "mlflow", "verdict",
)  # fmt: skip


def _inside_character(data: bytes) -> int:
    """Count the bytes at the front that belong to a character which began before."""
    return next((at for at in range(min(4, len(data))) if data[at] & 0xC0 != 0x80), 0)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
