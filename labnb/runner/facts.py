"""What a record says of the place where a job ran."""

from __future__ import annotations

import os
import platform
import re
import sys
from typing import Any

_METADATA = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*?)-([0-9][^-]*)\.(?:dist|egg)-info")


def environment() -> dict[str, Any]:
    """Give Python, packages, hardware and loaded modules of the target; some milliseconds."""
    modules = [name for name in os.environ.get("LOADEDMODULES", "").split(":") if name]
    hardware: dict[str, Any] = {"cpus": os.cpu_count() or 0}
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        hardware["memory"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES") or os.environ.get("SLURM_JOB_GPUS")
    if gpus:
        hardware["gpus"] = gpus
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        # platform.platform() would start a program to learn of the processor.
        "platform": "-".join((platform.system(), platform.release(), platform.machine())),
        "packages": packages(),
        "hardware": hardware,
        "modules": modules,
    }


def packages() -> dict[str, str]:
    """Give the installed distributions and their versions, read from the names of their folders."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            match = _METADATA.fullmatch(name)
            if match is not None:
                found.setdefault(re.sub(r"[-_.]+", "-", match[1]).lower(), match[2])
    return found
