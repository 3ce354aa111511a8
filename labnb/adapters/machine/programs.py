"""Which programs an executor calls on this machine, and whether they are there."""

from __future__ import annotations

import shutil

_CALLED = {"slurm": ("sbatch", "squeue", "scancel")}


def missing_programs(executor: str) -> tuple[str, ...]:
    """Name what is not on PATH of what the executor calls, where its host is this machine."""
    return tuple(name for name in _CALLED.get(executor, ()) if shutil.which(name) is None)
