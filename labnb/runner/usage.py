"""What the job uses: processor, memory and GPUs of its process and everything that it started."""

from __future__ import annotations

import contextlib
import os
import shutil
import string
import time

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_DEVICES = frozenset(string.ascii_letters + string.digits + ",-")
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Usage:
    """Looks at the process tree; `used` holds seconds of processor time and bytes, the peaks of what was seen."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._before = (time.monotonic(), 0.0)
        # Of a machine's GPUs the job has those that its scheduler gave it.
        given = os.environ.get("CUDA_VISIBLE_DEVICES")
        self._smi = None if given in ("", "-1", "NoDevFiles") else shutil.which("nvidia-smi")
        self._given = [f"--id={given}"] if given and set(given) <= _DEVICES else []
        self.used: dict[str, float] = {}

    def look(self) -> dict[str, float]:
        """Look, and give the metrics under MLflow's names (percents, megabytes)."""
        cpu, memory = self._tree()
        now = time.monotonic()
        seconds, before = self._before
        share = 100 * max(0.0, cpu - before) / max(now - seconds, 1e-3) / self._cpus
        self._before = (now, cpu)
        self._peak("cpu", round(cpu, 3))
        self._peak("memory", float(memory))
        self.used["memory_now"] = float(memory)
        found = {
            "system/cpu_utilization_percentage": round(min(share, 100.0), 2),
            "system/process_memory_usage_megabytes": memory / 1e6,
        }
        total, free = _machine_memory()
        if total:
            found["system/system_memory_usage_megabytes"] = (total - free) / 1e6
            found["system/system_memory_usage_percentage"] = round(100 * (total - free) / total, 2)
        return found

    def gpus(self) -> dict[str, float]:
        """Ask NVIDIA's own program, where there is one, for load and memory of the GPUs; takes some 50 ms."""
        if self._smi is None:
            return {}
        import subprocess

        words = [self._smi, "--query-gpu=index,utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
        try:
            told = subprocess.run([*words, *self._given], capture_output=True, timeout=5, check=True)
        except (OSError, subprocess.SubprocessError):
            if not self._given:
                self._smi = None
            self._given = []  # it may not know the name of a part of a GPU
            return {}
        found: dict[str, float] = {}
        for line in told.stdout.decode("ascii", "replace").splitlines():
            with contextlib.suppress(ValueError):
                index, load, memory = (part.strip() for part in line.split(","))
                found[f"system/gpu_{index}_utilization_percentage"] = float(load)
                self._peak("gpu", float(load))
                found[f"system/gpu_{index}_memory_usage_megabytes"] = float(memory) * 1.048576
                self._peak("gpu_memory", float(memory) * 1048576)
        return found

    def _peak(self, name: str, value: float) -> None:
        self.used[name] = max(self.used.get(name, 0.0), value)

    def _tree(self) -> tuple[float, int]:
        """Give processor seconds and resident bytes of the process and its living descendants."""
        try:
            pids = _descendants(self._pid)
        except OSError:
            return _without_proc()
        ticks = pages = 0
        for pid in pids:
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
                    # The command name may hold spaces and brackets: the fields are counted after the last one.
                    fields = file.read(4096).rpartition(b")")[2].split()
                # Own time, and that of children which have ended and were waited for.
                ticks += sum(int(field) for field in fields[11:15])
                pages += int(fields[21])
        return ticks / _TICK, pages * _PAGE


def _descendants(pid: int) -> list[int]:
    found, todo = [pid], [pid]
    if not os.path.exists(f"/proc/{pid}/task/{pid}/children"):
        return _descendants_by_parents(pid)
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError, ValueError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children", "rb", buffering=0) as file:
                    children = [int(word) for word in file.read(1 << 16).split()]
                found += children
                todo += children
    return found


def _descendants_by_parents(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read(4096).rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def _without_proc() -> tuple[float, int]:
    import resource
    import sys

    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime, mine.ru_maxrss * unit


def _machine_memory() -> tuple[int, int]:
    found = {}
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("MemTotal", "MemAvailable"):
                found[name] = int(value.split()[0]) * 1024
    return found.get("MemTotal", 0), found.get("MemAvailable", 0)
