"""A run folder: opened by the process that runs the cell, read by everyone."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labnb.model.dataset import FileUse
from labnb.model.errors import NotFound, StoreCorrupt
from labnb.model.run import MetricPoint, Run, RunStatus, time_text
from labnb.runfolder.journal import Journal, read_journal
from labnb.runfolder.owner import Owner
from labnb.runfolder.paths import RUN_FILE, LabPaths, RunPaths, state_key, write_atomic
from labnb.runfolder.published import Published


class RunFolder:
    """The folder of one run. `create` makes one to write; `RunFolder(paths)` reads."""

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self.uid = paths.folder.name

    @staticmethod
    def create(lab: LabPaths, run: Run) -> tuple[RunFolder, Journal]:
        """Make the folder of a run that starts now; raises OSError where it cannot be written."""
        lab.make()
        folder = RunFolder(lab.run(run.uid))
        folder.paths.folder.mkdir()
        try:
            folder.write(run, Owner.this())
            return folder, Journal(folder.paths.journal)
        except OSError:
            # Half a beginning is no run.
            with contextlib.suppress(OSError):
                folder.paths.run.unlink(missing_ok=True)
                folder.paths.folder.rmdir()
            raise

    def write(self, run: Run, owner: Owner | None = None) -> None:
        """Write run.json, whole or not at all."""
        data = run.to_json()
        if owner is not None:
            data["owner"] = dataclasses.asdict(owner)
        write_atomic(self.paths.run, json.dumps(data, indent=1, ensure_ascii=False, default=str))

    def read(self) -> Run:
        """Read the run; one that has not ended is completed from its journal, and told KILLED when its process is gone.

        Raises NotFound where there is no such run, StoreCorrupt where it cannot be understood.
        """
        run, owner = self.stored()
        if not run.status.ended:
            lines = [line for _, line in read_journal(self.paths.journal)]
            run = with_lines(run, lines)
            if self.over(owner):
                run = self._ended(run, lines)
        published = Published.read(self.paths.published)
        return dataclasses.replace(
            run, published=published.word, published_why=published.why, mlflow=published.link or run.mlflow
        )

    def stored(self) -> tuple[Run, Owner | None]:
        """Read run.json alone: the run as it was last written, and the process that writes it (None once it ended).

        Raises NotFound where there is no such run, StoreCorrupt where it cannot be understood.
        """
        data = self._read_json()
        try:
            return Run.from_json(data), Owner.from_json(data["owner"]) if data.get("owner") else None
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise StoreCorrupt(f"{self.paths.run} is not a run: {error}.", _MEND) from error

    def tracking(self) -> str:
        """Give the address of the MLflow store that the recording process named, "" where it named none."""
        try:
            return self.paths.tracking.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""

    def write_tracking(self, address: str) -> None:
        """Note which MLflow store the recording process names; raises OSError."""
        if self.tracking() != address:
            write_atomic(self.paths.tracking, f"{address}\n")

    def state_key(self) -> str:
        """Name the state of run.json: another key means that it was written again; "" where it is missing."""
        return state_key(self.paths.run)

    def points(self, offset: int = 0) -> Iterator[tuple[int, MetricPoint]]:
        """Give the metric points logged since `offset` bytes of the journal, each with the offset after its line."""
        for after, line in read_journal(self.paths.journal, offset):
            for point in points_of(line):
                yield after, point

    def over(self, owner: Owner | None) -> bool:
        """Whether a run whose run.json tells no end is over all the same: its process died, or could not write it."""
        if self.mark() is not None:
            return True
        return owner is not None and not owner.lives(time.time() - self._last_sign())

    def mark_end(self, status: RunStatus) -> None:
        """Leave an empty file that tells how the run ended: on a full disk there is often room for its name."""
        with contextlib.suppress(OSError):
            self.paths.ended(status.value).touch()

    def mark(self) -> RunStatus | None:
        """Give the status that `mark_end` left, None where there is none."""
        return next((status for status in RunStatus if status.ended and self.paths.ended(status.value).exists()), None)

    def forget_mark(self) -> None:
        """The end stands in run.json now."""
        for status in RunStatus:
            with contextlib.suppress(OSError):
                self.paths.ended(status.value).unlink(missing_ok=True)

    def _ended(self, run: Run, lines: Iterable[dict[str, Any]]) -> Run:
        """Complete a run that did not write its own end: KILLED, unless the cell itself had ended by then."""
        status, ended, error = self.mark() or RunStatus.KILLED, None, None
        for line in lines:
            if line.get("k") == "end":
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    status, ended = RunStatus(line["status"]), time_text(float(line["t"]))
            elif line.get("k") == "error":
                error = {name: str(line.get(name, "")) for name in ("type", "message", "traceback")}
        if error is not None and status is RunStatus.KILLED and error["type"] != "KeyboardInterrupt":
            status = RunStatus.FAILED
        return dataclasses.replace(
            run, status=status, ended=run.ended or ended or time_text(self._last_sign()), error=run.error or error
        )

    def _last_sign(self) -> float:
        found = [0.0]
        for path in (self.paths.journal, self.paths.run, self.paths.log, self.paths.log_tail, self.paths.output):
            with contextlib.suppress(OSError):
                found.append(path.stat().st_mtime)
        return max(found)

    def _read_json(self) -> dict[str, Any]:
        try:
            data = json.loads(self.paths.run.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"There is no run {self.uid}.", "labnb runs lists them.") from None
        except (ValueError, OSError) as error:
            raise StoreCorrupt(f"{self.paths.run} cannot be read: {error}.", _MEND) from error
        if not isinstance(data, dict):
            raise StoreCorrupt(f"{self.paths.run} is not a run.", _MEND)
        return data


def with_lines(run: Run, lines: Iterable[dict[str, Any]]) -> Run:
    """Give the run with what these lines of a journal add to it."""
    metrics, params, tags, code, inputs = dict(run.metrics), dict(run.params), dict(run.tags), run.code, run.inputs
    for line in lines:
        kind = line.get("k")
        if kind == "metric":
            metrics.update({point.name: point.value for point in points_of(line)})
        elif kind == "param" and "name" in line:
            params[str(line["name"])] = line.get("value")
        elif kind == "tag" and "name" in line:
            tags[str(line["name"])] = str(line.get("value"))
        elif kind == "input" and isinstance(line.get("file"), dict):
            with contextlib.suppress(TypeError):
                inputs = (*inputs, FileUse.from_json(line["file"]))
        elif kind == "code" and isinstance(line.get("value"), dict):
            code = line["value"]
    return dataclasses.replace(run, metrics=metrics, params=params, tags=tags, code=code, inputs=inputs)


def points_of(line: dict[str, Any]) -> list[MetricPoint]:
    """Give the points of one line of a journal; what is no number is passed over."""
    if line.get("k") != "metric":
        return []
    found = []
    try:
        for name, value in line["v"].items():
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                found.append(MetricPoint(name, float(value), int(line["s"]), float(line["t"])))
    except (KeyError, AttributeError):
        return found
    return found


_MEND = "The other files of its folder may still hold what was logged; move the folder away to hide it."


def all_uids(lab: LabPaths) -> list[str]:
    """List the uids of the project's run folders, in no order."""
    try:
        return [path.name for path in lab.runs.iterdir() if (path / RUN_FILE).exists()]
    except (FileNotFoundError, NotADirectoryError):
        return []


# run.json is written one field a line, the status among the first.
_STATUS = re.compile(rb'^ "status": "([A-Z]+)"', re.MULTILINE)
_HEAD = 4096


def unended_uids(lab: LabPaths) -> list[str]:
    """List the runs whose run.json tells no end; looks at no more than the head of each (some 20 µs)."""
    found = []
    try:
        names = os.listdir(lab.runs)
    except (FileNotFoundError, NotADirectoryError):
        return []
    above = str(lab.runs)
    for name in names:
        try:
            fd = os.open(f"{above}/{name}/{RUN_FILE}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            status = _STATUS.search(os.read(fd, _HEAD))
        except OSError:
            continue
        finally:
            os.close(fd)
        if status is None or status[1] in (b"RUNNING", b"SCHEDULED"):
            found.append(name)
    return found


def find_uid(lab: LabPaths, start: str) -> str:
    """Find the one run whose uid starts with these characters (at least four).

    Raises NotFound, or NotFound that lists the candidates where several match.
    """
    if lab.run(start).run.exists() and Path(start).name == start:
        return start
    found = sorted(uid for uid in all_uids(lab) if uid.startswith(start)) if len(start) >= 4 else []
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(f"{len(found)} runs start with {start!r}.", f"They are: {', '.join(u[:12] for u in found[:5])}.")
    raise NotFound(
        f"There is no run {start!r}.",
        "labnb runs lists them; at least four characters of the uid are needed.",
    )
