"""`labnb.checkpoint`: what a cell keeps, so that a second start of its job goes on where the first one was stopped.

A checkpoint is a folder. It is made aside and takes the place of the last one only when it is whole, so that there is
always one whole checkpoint, whenever the job is killed.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from labnb.runfolder.active import active
from labnb.runfolder.job_paths import JobPaths

Save = Callable[[Path], object]


class Checkpoint:
    """Keeps what a function saves; `labnb.checkpoint` is the one of this process.

    ::

        labnb.checkpoint(lambda folder: torch.save(model.state_dict(), folder / "model.pt"))
        if labnb.checkpoint.restored:
            model.load_state_dict(torch.load(labnb.checkpoint.folder / "model.pt"))

    The function is called when the job is about to be stopped, preempted or out of time, and by `save()`.
    """

    def __init__(self) -> None:
        self._hook: Save | None = None
        self._lock = threading.RLock()
        self._restored: dict[Path, bool] = {}

    def __call__(self, save: Save | None = None) -> Path:
        """Say how to save: `save(folder)` writes files into an empty folder. Gives the folder of the last one.

        Raises TypeError where `save` cannot be called.
        """
        if save is not None:
            if not callable(save):
                raise TypeError("labnb.checkpoint takes a function: labnb.checkpoint(lambda folder: …).")
            self._hook = save
        return self.folder

    @property
    def folder(self) -> Path:
        """The last whole checkpoint; a path to nothing while there is none."""
        folder = self._place()
        self._restored.setdefault(folder, folder.is_dir())
        return folder

    @property
    def restored(self) -> bool:
        """Whether an earlier start of this job left a checkpoint."""
        return self._restored[self.folder]

    def save(self) -> bool:
        """Save now; whether there was something to save. Raises what the function raises: the last one stays then."""
        hook = self._hook
        if hook is None:
            return False
        with self._lock:
            folder = self.folder
            fresh, old = (folder.with_name(f"{folder.name}.{word}") for word in ("new", "old"))
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True, mode=0o700)
            hook(fresh)
            shutil.rmtree(old, ignore_errors=True)
            if folder.is_dir():
                os.rename(folder, old)
            os.rename(fresh, folder)
            shutil.rmtree(old, ignore_errors=True)
        return True

    def forget(self) -> None:
        """The cell has ended: its function is not called any more."""
        self._hook = None

    def _place(self) -> Path:
        run = active()
        folder = JobPaths(run.paths.folder).checkpoint if run else Path(".labnb-checkpoint").absolute()
        old = folder.with_name(f"{folder.name}.old")
        if old.is_dir() and not folder.exists():  # killed between the two renames of `save`
            os.rename(old, folder)
        return folder


checkpoint = Checkpoint()
