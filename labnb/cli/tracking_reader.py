"""Reads the lab's MLflow server into the index of a project: a process of its own, so that the server that shows runs
neither imports MLflow nor waits for anybody.

`python -m labnb.cli.tracking_reader ROOT` answers one JSON line for each on its standard input, and ends with it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from labnb.config import load_config
from labnb.lab import Lab
from labnb.model.address import without_secrets
from labnb.model.errors import LabError
from labnb.model.plain import plain

#: The state of a run whose folder lies here: what MLflow has of it is a copy.
HERE = "here"
#: Seconds after which all runs of the server are gone through again, for what changed or went long ago.
WHOLE = 3600.0


class Reader:
    """Answers for one project."""

    def __init__(self, root: Path) -> None:
        self._lab = Lab(root)
        self._source: Any = None
        self._uri = ""
        self._whole = 0.0

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one question; failures are told."""
        try:
            if asked.get("ask") == "points":
                return {"points": plain(list(self._opened().points(asked["run_id"], asked["names"])))}
            return self._refresh()
        except LabError as error:
            return {"failed": str(error), "code": error.code}
        except Exception as error:  # noqa: BLE001 - told to who asked; the next question may fare better
            return {"failed": without_secrets(f"{type(error).__name__}: {error}"), "code": "store"}

    def _refresh(self) -> dict[str, Any]:
        source, index = self._opened(), self._lab.many.index
        whole = time.monotonic() - self._whole > WHOLE if self._whole else True
        there = index.states("tracking")
        known = {**there, **dict.fromkeys(index.states("folder"), HERE)}
        seen: set[str] = set()
        changed: list[str] = []
        for entries in source.runs(known, whole=whole):
            seen.update(entry.run.uid for entry in entries)
            changed += index.put(entry for entry in entries if known.get(entry.run.uid) not in (entry.state, HERE))
        gone = index.remove([uid for uid in there if uid not in seen], "tracking") if whole else ()
        if whole:
            self._whole = time.monotonic()
        return {"changed": changed[:300], "gone": list(gone)[:300], "more": len(changed) + len(gone) > 300}

    def _opened(self) -> Any:
        uri = load_config(self._lab.root).tracking_uri
        if self._source is None or uri != self._uri:
            self._source, self._uri, self._whole = self._lab.many.tracking_source(uri), uri, 0.0
        return self._source


def main(root: str) -> int:
    """Answer until the input ends."""
    reader = Reader(Path(root))
    for line in sys.stdin:
        answer = json.dumps(reader.answer(json.loads(line)))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
