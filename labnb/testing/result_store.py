"""A result store in memory, and the contract that every result store keeps.

The contract is a class of tests: derive from `ResultStoreContract` in a test module and give it the fixtures `store`
and `look` (a function from a link to what the store holds of that run).
"""

from __future__ import annotations

import dataclasses
import math
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labnb.model.dataset import FileUse
from labnb.model.errors import StoreError
from labnb.model.run import MetricPoint, MlflowLink, Note, Run, RunStatus
from labnb.ports.result_store import ResultStore, StoredRun


@dataclass
class Held:
    """What a result store holds of one run. Metric times are in milliseconds."""

    uid: str
    name: str = ""
    status: str = "RUNNING"
    params: dict[str, str] = field(default_factory=dict)
    points: set[tuple[str, int, int, str]] = field(default_factory=set)
    datasets: set[tuple[str, str, str]] = field(default_factory=set)
    artifacts: dict[str, bytes] = field(default_factory=dict)

    def values(self, name: str) -> list[float]:
        """Give the values of a metric in the order of step and time."""
        found = sorted((step, time, value) for key, step, time, value in self.points if key == name)
        return [float(value) for _, _, value in found]


class MemoryResultStore:
    """Keeps runs in memory. `before` is called with the name of each call, and may raise to make it fail."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.runs: dict[str, Held] = {}
        self.calls: list[str] = []
        self.joined: set[str] = set()
        self.before: Callable[[str], None] = lambda call: None

    def identity(self) -> str:
        """Name the store."""
        return self.name

    def open(self, run: Run) -> StoredRun:
        """Find or create the run."""
        self._call("open")
        run_id = next((key for key, held in self.runs.items() if held.uid == run.uid), None)
        if run_id is None:
            run_id = uuid.uuid4().hex
            self.runs[run_id] = Held(run.uid, run.name)
        return StoredRun(MlflowLink(f"memory:{self.name}", "", run_id), run_id in self.joined)

    def log_metrics(self, link: MlflowLink, points: Iterable[MetricPoint]) -> None:
        """Add points."""
        self._call("log_metrics")
        held = self._held(link)
        for point in points:
            held.points.add((point.name, point.step, round(point.time * 1000), repr(point.value)))

    def log_data(self, link: MlflowLink, run: Run) -> None:
        """Tell inputs and outputs."""
        self._call("log_data")
        for context, uses in (("input", run.inputs), ("output", run.outputs)):
            for use in uses:
                self._held(link).datasets.add((context, use.dataset or use.path, use.digest or ""))

    def put_artifacts(self, link: MlflowLink, files: Mapping[str, Path]) -> None:
        """Store files."""
        self._call("put_artifacts")
        for name, path in files.items():
            self._held(link).artifacts[name] = path.read_bytes()

    def adopt(self, link: MlflowLink, run: Run) -> Sequence[Note]:
        """Copy nothing: no code logs to anything but this store."""
        self._call("adopt")
        return ()

    def close(self, link: MlflowLink, run: Run) -> None:
        """Set params and status."""
        self._call("close")
        held = self._held(link)
        held.params.update({name: str(value) for name, value in run.params.items()})
        held.status = run.status.value

    def _held(self, link: MlflowLink) -> Held:
        if link.run_id not in self.runs:
            raise StoreError(f"There is no run {link.run_id} in {self.name}.")
        return self.runs[link.run_id]

    def _call(self, name: str) -> None:
        self.before(name)
        self.calls.append(name)


class ResultStoreContract:
    """What every result store does; `store` and `look` are fixtures of the deriving class's module."""

    def test_a_run_is_made_once(self, store: ResultStore, look: Callable[[MlflowLink], Held]) -> None:
        run = example_run()
        first, second = store.open(run), store.open(run)
        assert first == second
        assert look(first.link).status == "RUNNING"

    def test_two_runs_are_two(self, store: ResultStore, look: Callable[[MlflowLink], Held]) -> None:
        assert store.open(example_run()).link.run_id != store.open(example_run()).link.run_id

    def test_points_are_kept_in_full(self, store: ResultStore, look: Callable[[MlflowLink], Held]) -> None:
        link = store.open(example_run()).link
        points = [MetricPoint("loss", 1 / (i + 1), i, 1_700_000_000 + i / 1000) for i in range(2500)]
        store.log_metrics(link, points)
        assert look(link).values("loss") == [point.value for point in points]

    def test_points_told_twice_are_there_once(self, store: ResultStore, look: Callable[[MlflowLink], Held]) -> None:
        link = store.open(example_run()).link
        points = [MetricPoint("loss", float(i), i, 1_700_000_000.0) for i in range(30)]
        store.log_metrics(link, points[:20])
        store.log_metrics(link, points[10:])
        assert look(link).values("loss") == [point.value for point in points]

    def test_values_that_are_no_numbers(self, store: ResultStore, look: Callable[[MlflowLink], Held]) -> None:
        link = store.open(example_run()).link
        strange = [math.nan, math.inf, -math.inf, 0.0, 1e-300]
        points = [MetricPoint("x", value, step, 1_700_000_000.0) for step, value in enumerate(strange)]
        store.log_metrics(link, points)
        store.log_metrics(link, points)
        found = look(link).values("x")
        assert len(found) == 5
        assert math.isnan(found[0])
        assert found[1] > 1e308
        assert found[2] < -1e308
        assert found[3:] == [0.0, 1e-300]

    def test_data_and_artifacts(self, store: ResultStore, look: Callable[[MlflowLink], Held], tmp_path: Path) -> None:
        run = example_run()
        link = store.open(run).link
        file = tmp_path / "päper 1.txt"
        file.write_bytes(b"\x00\xff text")
        for _ in range(2):
            store.log_data(link, run)
            store.put_artifacts(link, {"plots/päper 1.txt": file, "labnb/run.json": file})
        held = look(link)
        assert {(context, name) for context, name, _ in held.datasets} == {
            ("input", "data/iris"),
            ("input", "notes.txt"),
            ("output", "model.pkl"),
        }
        assert held.artifacts == {"plots/päper 1.txt": b"\x00\xff text", "labnb/run.json": b"\x00\xff text"}

    def test_the_end(self, store: ResultStore, look: Callable[[MlflowLink], Held]) -> None:
        for status in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED):
            run = dataclasses.replace(example_run(), status=status, ended="2026-01-01T00:00:02.500Z")
            link = store.open(run).link
            for _ in range(2):
                store.close(link, run)
            held = look(link)
            assert held.status == status.value
            assert held.params == {"lr": "0.1", "layers": "[64, 32]", "name": "ü"}


def example_run() -> Run:
    """Make a run with something of everything, with a uid of its own."""
    return Run(
        uid=uuid.uuid4().hex,
        name="a run",
        status=RunStatus.RUNNING,
        started="2026-01-01T00:00:00.000Z",
        user="ann",
        notebook="work/study.ipynb",
        cell_id="c0ffee",
        source="%%labrun\nfit()",
        params={"lr": 0.1, "layers": "[64, 32]", "name": "ü"},
        inputs=(
            FileUse("data/iris/", "md5:" + "a" * 32 + ".dir", 2000, 3, dataset="data/iris", version="a1"),
            FileUse("notes.txt", "md5:" + "b" * 32, 10),
        ),
        outputs=(FileUse("model.pkl", None, 5),),
        code={"commit": "c" * 40, "branch": "main", "remote": "https://example.org/x.git", "dirty": True},
    )
