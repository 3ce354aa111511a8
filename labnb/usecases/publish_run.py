"""Publish runs: copy run folders into result stores, once, step by step, while they may still go on.

The run folder is never changed by this, but for `published.json`, which tells how far each store has got. Whatever
stops a copy half-way (a killed process, a store that does not answer), the next one goes on from there; and because
every call to a store may be repeated, a step that was done but not noted does no harm.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labnb.model.errors import LabError, NotFound
from labnb.model.plain import digest_of
from labnb.model.run import MetricPoint, Run, Value
from labnb.ports.result_store import ResultStore, StoredRun
from labnb.runfolder.folder import RunFolder, points_of
from labnb.runfolder.gate import retry_after
from labnb.runfolder.journal import read_journal
from labnb.runfolder.paths import LabPaths, RunPaths
from labnb.runfolder.published import Published, StoreState

# Points per call, as many as an MLflow server takes.
BATCH = 1000
# Seconds that one run may take of a pass over the queue before the others have their turn.
TURN = 2.0
# Artifacts are put and checked so many, or so many bytes, at a time.
FILES, BYTES = 50, 8_000_000


@dataclass(frozen=True)
class NamedStore:
    """A result store under the name that `published.json` knows it by; "embedded" is the project's own."""

    name: str
    store: ResultStore


@dataclass(frozen=True, slots=True)
class Progress:
    """What one attempt came to: `done` when every store has the ended run whole; else when to try again.

    `again` is in seconds since the epoch, 0 for at once, None while the run itself goes on. `error` is what a store
    said last, `asked` that one was asked at all.
    """

    done: bool
    again: float | None = None
    error: LabError | None = None
    asked: bool = True


def publish_run(
    lab: LabPaths,
    uid: str,
    stores: Sequence[NamedStore],
    stopping: Callable[[], bool] = lambda: False,
    turn: float = TURN,
    announced: float = 0.0,
) -> Progress:
    """Copy a run, as far as it has got, into each of the stores; one that fails does not keep the others.

    What failed is left alone until its time has come, or until the run is `announced` (seconds since the epoch) anew.
    Raises NotFound and StoreCorrupt for the run folder itself, OSError where published.json cannot be written.
    """
    folder = RunFolder(lab.run(uid))
    progress = []
    for named in stores:
        state = Published.read(folder.paths.published).stores.get(named.name, StoreState())
        if state.retry_at > time.time() and state.tried >= announced:
            progress.append(Progress(False, state.retry_at, asked=False))
            continue
        copy = _Copy(folder, named.name, state, named.store, stopping, time.monotonic() + turn)
        try:
            progress.append(copy.go_on())
        except LabError as error:
            progress.append(Progress(False, fail(folder, named.name, state, error), error))
    waiting = [step.again for step in progress if not step.done and step.again is not None]
    said = next((step.error for step in progress if step.error is not None), None)
    return Progress(
        all(step.done for step in progress),
        min(waiting) if waiting else None,
        said,
        any(step.asked for step in progress),
    )


def fail(folder: RunFolder, name: str, state: StoreState, error: LabError, retry_at: float = 0.0) -> float:
    """Note that a store did not take the run, and give when it is asked again (seconds since the epoch)."""
    state.failures += 1
    state.error = str(error)
    state.tried = time.time()
    state.retry_at = retry_at or state.tried + retry_after(state.failures, error.retry_after)
    Published.update(folder.paths.published, name, state)
    return state.retry_at


@dataclass
class _Copy:
    """One run on its way into one store."""

    folder: RunFolder
    name: str
    state: StoreState
    store: ResultStore
    stopping: Callable[[], bool]
    deadline: float

    def go_on(self) -> Progress:
        key = self.folder.state_key()
        run, _ = self.folder.stored()
        if not run.status.ended and self._is_up_to_date():
            return Progress(False, asked=False)
        identity = self.store.identity()
        if self.state.store != identity:
            _reset(self.state, identity)
        if run.status.ended and self.state.copied == key:
            return Progress(True)
        try:
            opened = self.store.open(run)
        except NotFound:  # somebody deleted it there, and that is how it stays
            self._succeed(key)
            return Progress(True)
        if self.state.link is None or self.state.link.run_id != opened.link.run_id:
            _reset(self.state, identity)
        new = self.state.link is None
        self.state.link = opened.link
        if new:
            self._note()
        # What the cell's own code logs to the run is read back when the cell ends; until then only it may write there.
        params: dict[str, Value] | None = {}
        if run.status.ended or not opened.joined:
            params = self._copy_points(opened)
            if params is None:
                return Progress(False, 0.0)
            if not run.status.ended:
                run = dataclasses.replace(run, params={**run.params, **params})
        if run.status.ended and not self._copy_rest(opened, run, key):
            return Progress(False, 0.0)
        if run.status.ended or (not opened.joined and (new or params)):
            self.store.close(opened.link, run)
        self._succeed(key if run.status.ended else "")
        return Progress(run.status.ended)

    def _is_up_to_date(self) -> bool:
        """Whether the store has all that was logged so far: a job that waits for days is no reason to ask it."""
        journal = self.folder.paths.journal
        logged = journal.stat().st_size if journal.exists() else 0
        return self.state.link is not None and not self.state.failures and logged == self.state.offset

    def _copy_points(self, opened: StoredRun) -> dict[str, Value] | None:
        """Copy what was logged since the last time; give the params among it, None when there was no time for all."""
        params: dict[str, Value] = {}
        points: list[MetricPoint] = []
        offset = self.state.offset
        for after, line in read_journal(self.folder.paths.journal, offset):
            found = points_of(line)
            # A line is never split over two batches: the offset says that all of it is there.
            if points and len(points) + len(found) > BATCH:
                self._flush(opened, points, offset)
                points = []
                if self._late():
                    return None
            if line.get("k") == "param" and "name" in line:
                params[str(line["name"])] = line.get("value")
            points.extend(found)
            offset = after
        if offset != self.state.offset:
            self._flush(opened, points, offset)
        return params

    def _flush(self, opened: StoredRun, points: list[MetricPoint], offset: int) -> None:
        if points:
            self.store.log_metrics(opened.link, points)
        self.state.offset = offset
        self._note()

    def _copy_rest(self, opened: StoredRun, run: Run, key: str) -> bool:
        """Copy data and files of a run that has ended; False when there was no time for all."""
        data = digest_of([use.to_json() for use in (*run.inputs, *run.outputs)])
        if data != self.state.data:
            self.store.log_data(opened.link, run)
            self.state.data = data
        for number, group in enumerate(self._missing_files()):
            if number and self._late():  # one group each turn, or it would never end
                return False
            self.store.put_artifacts(opened.link, {name: path for name, (path, _) in group.items()})
            self.state.artifacts |= {name: seen for name, (_, seen) in group.items()}
            self._note()
        if self.state.adopted != key:
            self.state.notes = [f"{note.message} {note.hint}".strip() for note in self.store.adopt(opened.link, run)]
            self.state.adopted = key
            self._note()
        return True

    def _missing_files(self) -> Iterator[dict[str, tuple[Path, list[int]]]]:
        """Give the files that are not stored as they are now, in small groups; each with its size and time."""
        group: dict[str, tuple[Path, list[int]]] = {}
        size = 0
        for name, path in artifacts_of(self.folder.paths).items():
            stat = path.stat()
            seen = [stat.st_size, stat.st_mtime_ns]
            if self.state.artifacts.get(name) == seen:
                continue
            if group and (len(group) >= FILES or size + stat.st_size > BYTES):
                yield group
                group, size = {}, 0
            group[name] = path, seen
            size += stat.st_size
        if group:
            yield group

    def _late(self) -> bool:
        return self.stopping() or time.monotonic() > self.deadline

    def _succeed(self, copied: str) -> None:
        before = dataclasses.replace(self.state)
        self.state.copied = copied
        self.state.failures, self.state.tried, self.state.retry_at, self.state.error = 0, 0.0, 0.0, ""
        if self.state != before:
            self._note()

    def _note(self) -> None:
        Published.update(self.folder.paths.published, self.name, self.state)


def _reset(state: StoreState, identity: str) -> None:
    for field in dataclasses.fields(StoreState):
        setattr(state, field.name, getattr(StoreState(), field.name))
    state.store = identity


def artifacts_of(paths: RunPaths) -> dict[str, Path]:
    """Name what a store keeps of a run folder: the user's artifacts at the root, labnb's files under `labnb/`."""
    ours = (
        paths.run, paths.snapshot, paths.script, paths.notebook, paths.output, paths.lock,
    )  # fmt: skip
    found = {f"labnb/{path.name}": path for path in ours if path.is_file()}
    if paths.artifacts.is_dir():
        for path in sorted(paths.artifacts.rglob("*")):
            if path.is_file():
                found[path.relative_to(paths.artifacts).as_posix()] = path
    return found
