"""Every path name under `.labnb/`, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

LAB_FOLDER = ".labnb"
RUN_FILE = "run.json"

# Without slots: this file travels with the runner of jobs, which must run on Python 3.9.


@dataclass(frozen=True)
class LabPaths:
    """Where a project keeps what labnb writes. `root` is the project, `home` its `.labnb` folder.

    `store` is the folder of the embedded store where labnb.toml puts it elsewhere. `misplaced` says why the embedded
    store may not be opened where it lies, "" where it may. `labnb.lab.lab_paths` fills in both.
    """

    root: Path
    store: Path | None = None
    misplaced: str = ""

    @property
    def home(self) -> Path:
        return self.root / LAB_FOLDER

    @property
    def runs(self) -> Path:
        """A folder per run, named by its uid."""
        return self.home / "runs"

    @property
    def queue(self) -> Path:
        """An empty file per run that has something to publish."""
        return self.home / "queue"

    @property
    def cache(self) -> Path:
        """What can be made again: stat cache, environment."""
        return self.home / "cache"

    @property
    def brought(self) -> Path:
        """Versions of data that were brought for reading, a folder each."""
        return self.cache / "data"

    @property
    def versions(self) -> Path:
        """The versions of datasets that were added here, a line of JSON each."""
        return self.home / "versions.jsonl"

    @property
    def keeping(self) -> Path:
        """A file per run whose large changed data are being kept."""
        return self.home / "keeping"

    @property
    def code(self) -> Path:
        """Private git repositories and indexes; code snapshots of folders without git live here."""
        return self.home / "code"

    @property
    def mlflow(self) -> Path:
        """The embedded Result Store."""
        return self.store or self.home / "mlflow"

    @property
    def database(self) -> Path:
        return self.mlflow / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        return self.mlflow / "artifacts"

    @property
    def stores(self) -> Path:
        """A file per store that does not take runs at present: when it is asked again, and why."""
        return self.home / "stores"

    @property
    def store_note(self) -> Path:
        """One line: the folder in which the embedded store was last; missing where it was never elsewhere."""
        return self.home / "store"

    def last_store(self) -> Path:
        """Give the folder in which the embedded store was last."""
        try:
            return Path(self.store_note.read_text(encoding="utf-8").strip() or self.home / "mlflow")
        except (OSError, ValueError):
            return self.home / "mlflow"

    @property
    def publisher_lock(self) -> Path:
        return self.home / "publisher.lock"

    @property
    def publisher_log(self) -> Path:
        return self.home / "publisher.log"

    def run(self, uid: str) -> RunPaths:
        return RunPaths(self.runs / uid)

    def make(self) -> None:
        """Create the folders; `.labnb` ignores itself for git. Raises OSError where that is not allowed."""
        self.home.mkdir(exist_ok=True)
        ignore = self.home / ".gitignore"
        if not ignore.exists():
            write_atomic(ignore, "*\n")
        for folder in (self.runs, self.queue, self.stores, self.cache, self.code):
            folder.mkdir(exist_ok=True)


@dataclass(frozen=True)
class RunPaths:
    """The files of one run folder."""

    folder: Path

    @property
    def run(self) -> Path:
        """The run as its faces show it; written at the start and at the end."""
        return self.folder / RUN_FILE

    @property
    def journal(self) -> Path:
        """What was logged, appended line by line."""
        return self.folder / "journal.jsonl"

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshot.json"

    @property
    def script(self) -> Path:
        """The closure as a runnable script."""
        return self.folder / "closure.py"

    @property
    def notebook(self) -> Path:
        """The closure as a runnable notebook."""
        return self.folder / "closure.ipynb"

    @property
    def output(self) -> Path:
        """The cell with its outputs, as a notebook that renders later."""
        return self.folder / "output.ipynb"

    @property
    def log(self) -> Path:
        """What the cell printed, written while it runs."""
        return self.folder / "log.txt"

    @property
    def log_tail(self) -> Path:
        """The last line of the log while it is not whole: a progress bar, a question."""
        return self.folder / "log.tail"

    def ended(self, status: str) -> Path:
        """An empty file that tells the end of a run where there was no room for run.json."""
        return self.folder / f"ended.{status}"

    @property
    def lock(self) -> Path:
        """Requirement lines that rebuild the environment."""
        return self.folder / "environment.txt"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def files(self) -> Path:
        """Paths that child processes of the cell opened, appended by them."""
        return self.folder / "files.jsonl"

    @property
    def tracking(self) -> Path:
        """The address of the MLflow store that the recording process named, one line; missing where it named none."""
        return self.folder / "tracking"

    @property
    def published(self) -> Path:
        """How far the run was published, per store."""
        return self.folder / "published.json"


def state_key(path: Path) -> str:
    """Name the state of a file that is only ever replaced: another key means another file; "" where it is missing."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return f"{stat.st_ino}:{stat.st_mtime_ns}:{stat.st_size}"


def write_atomic(path: Path, text: str) -> None:
    """Write the whole file or nothing: aside, then renamed over."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # A lone surrogate is spelled out, as JSON and Python spell it.
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(aside, path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
