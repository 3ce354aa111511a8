"""Every path name of a job: in its run folder, and beside the run folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labnb.runfolder.paths import RunPaths

# Without slots: this file travels with the runner, which must run on Python 3.9.


@dataclass(frozen=True)
class JobPaths:
    """The files of one job; `folder` is its run folder, here or on the target."""

    folder: Path

    @property
    def run(self) -> RunPaths:
        """The ordinary files of the run: journal, log, outputs, artifacts."""
        return RunPaths(self.folder)

    @property
    def home(self) -> Path:
        """What belongs to the job and not to every run."""
        return self.folder / "job"

    @property
    def job(self) -> Path:
        """The job as the near side knows it; only the near side writes it."""
        return self.home / "job.json"

    @property
    def request(self) -> Path:
        """What is asked of the runner (`JobRequest`)."""
        return self.home / "request.json"

    @property
    def cell(self) -> Path:
        """The cell as plain Python, after IPython's transformation."""
        return self.home / "cell.py"

    @property
    def claim(self) -> Path:
        """Made once, with O_EXCL, by the start that runs the cell."""
        return self.home / "claim"

    @property
    def starts(self) -> Path:
        """One JSON line per start, also of those that found the job claimed."""
        return self.home / "starts.jsonl"

    @property
    def state(self) -> Path:
        """Where the job runs and what it uses, written anew every few seconds: its sign of life."""
        return self.home / "state.json"

    @property
    def end(self) -> Path:
        """How the job ended; written last. Where it is, it is the truth."""
        return self.home / "end.json"

    @property
    def stopped(self) -> Path:
        """How a start was stopped that its scheduler may start again; its end by its own word where it does not."""
        return self.home / "stopped.json"

    @property
    def forgotten(self) -> Path:
        """Names a start whose scheduler forgot it and that gave no sign of life: the next one may take over."""
        return self.home / "forgotten.json"

    @property
    def values(self) -> Path:
        """Index of the values that come back: name -> object, or why it could not travel."""
        return self.home / "values.json"

    @property
    def value_objects(self) -> Path:
        """The values themselves, by content."""
        return self.home / "values"

    def value(self, digest: str) -> Path:
        """The file of one value, by its sha256."""
        return self.value_objects / digest

    @property
    def error(self) -> Path:
        """The exception that ended the cell, pickled; missing where it could not be."""
        return self.home / "error.pkl"

    @property
    def files(self) -> Path:
        """The files that the job read and wrote, with the digests taken on the target."""
        return self.home / "files.json"

    @property
    def checkpoint(self) -> Path:
        """What `labnb.checkpoint` keeps over a second start."""
        return self.home / "checkpoint"

    @property
    def work(self) -> Path:
        """The code of the project as it was at submission, with its data; the cell runs here."""
        return self.home / "work"

    @property
    def target(self) -> Path:
        """The target as labnb.toml told it at submission; near side only."""
        return self.home / "target.json"

    @property
    def needs(self) -> Path:
        """Paths of data that the cell seems to need and that no version holds; near side only."""
        return self.home / "needs.json"

    @property
    def lock(self) -> Path:
        """Held by who changes job.json; near side only."""
        return self.home / "lock"

    @property
    def sending(self) -> Path:
        """Held by who brings the job to its target; near side only."""
        return self.home / "sending"

    @property
    def collecting(self) -> Path:
        """Held by who writes the end of the job into the record; near side only."""
        return self.home / "collecting"

    @property
    def cancel(self) -> Path:
        """Who wishes the job ended, and since when; near side only."""
        return self.home / "cancel.json"

    @property
    def output(self) -> Path:
        """What the job's process itself printed before or after the runner took over its output."""
        return self.home / "output.txt"


@dataclass(frozen=True)
class JobStore:
    """What the jobs of a project share on one host; `folder` is `.labnb/jobs`, or the jobs folder of a far host."""

    folder: Path

    @property
    def objects(self) -> Path:
        """Values, each in a file named by the sha256 of its content: what is there is not sent again."""
        return self.folder / "objects"

    def object(self, digest: str) -> Path:
        return self.objects / digest

    def runner(self, digest: str) -> Path:
        """The runner, in the version of that digest."""
        return self.folder / f"runner-{digest[:16]}.pyz"
