"""Decides which files a snapshot holds, and says of the others why not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

MAX_COUNT = 20_000

_SUFFIXES = (
    ".py .pyi .ipynb .toml .yaml .yml .json .md .rst .txt .cfg .ini .sh .bash .r .rmd .qmd .jl .sql .dvc .lock .in "
    ".c .cc .cpp .h .hpp .cu .cuh .pyx .pxd .m .f90 .rs .go .java .scala .js .ts .smk .nf .sbatch .slurm"
)
CODE_SUFFIXES = frozenset(_SUFFIXES.split(" "))
CODE_NAMES = frozenset({"makefile", "dockerfile", "snakefile", "dvc.lock", "requirements", "license", "mlproject"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of one file and of all files together, and how many files, a snapshot takes beyond the commit."""

    file: int
    total: int
    count: int = MAX_COUNT


@dataclass(slots=True)
class Selection:
    """`held` maps each path to its stat; `gone` are paths that vanished; `left_out` says why, in words."""

    held: dict[bytes, os.stat_result] = field(default_factory=dict)
    gone: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def refuse(self, path: bytes, why: str) -> None:
        """Leave a file out."""
        self.refused.append(path)
        self.left_out.append(f"{shown(path)}: {why}")


def looks_like_code(path: bytes) -> bool:
    """Whether a name is one that code, configuration or notes have."""
    name = PurePosixPath(os.fsdecode(path))
    return name.suffix.lower() in CODE_SUFFIXES or name.name.lower() in CODE_NAMES


def select(top: bytes, paths: Iterable[bytes], limits: Limits, used: int = 0) -> Selection:
    """Look at each path below `top` and take what fits; `used` bytes are taken already."""
    chosen = Selection()
    fitting: dict[bytes, os.stat_result] = {}
    for path in paths:
        try:
            found = os.lstat(os.path.join(top, path))
        except (FileNotFoundError, NotADirectoryError):
            chosen.gone.append(path)
            continue
        except OSError as error:
            chosen.refuse(path, f"cannot be read ({error.strerror})")
            continue
        if stat.S_ISREG(found.st_mode):
            if found.st_size > limits.file:
                chosen.refuse(path, f"{amount(found.st_size)}, over the limit of {amount(limits.file)}")
                continue
            if not os.access(os.path.join(top, path), os.R_OK):
                chosen.refuse(path, "cannot be read (Permission denied)")
                continue
        elif stat.S_ISDIR(found.st_mode):
            chosen.gone.append(path)  # a folder stands where the file was; its files have entries of their own
            continue
        elif not stat.S_ISLNK(found.st_mode):
            chosen.refuse(path, "neither a file nor a link")
            continue
        fitting[path] = found
    return _within_total(chosen, fitting, limits, used)


def _within_total(chosen: Selection, fitting: dict[bytes, os.stat_result], limits: Limits, used: int) -> Selection:
    if len(fitting) <= limits.count and used + sum(s.st_size for s in fitting.values()) <= limits.total:
        chosen.held = fitting
        return chosen
    # Code first, then the small files: what is left out is then most likely data.
    for path in sorted(fitting, key=lambda p: (not looks_like_code(p), fitting[p].st_size, p)):
        size = fitting[path].st_size
        if len(chosen.held) >= limits.count:
            chosen.refuse(path, f"more than {limits.count:,} new files")
        elif used + size > limits.total:
            chosen.refuse(path, f"{amount(size)}, all together over the limit of {amount(limits.total)}")
        else:
            chosen.held[path] = fitting[path]
            used += size
    return chosen


def shown(path: bytes) -> str:
    """Write a path so that any face can show it, also one that is not UTF-8."""
    return path.decode("utf-8", "backslashreplace")


def amount(size: int) -> str:
    """Write bytes in decimal units.

    >>> amount(120_000_000), amount(1_500)
    ('120 MB', '1.5 kB')
    """
    value, units = float(size), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if value >= 100 else f"{value:.3g} {units[0]}"
