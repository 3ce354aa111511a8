"""Tells the machine: operating system, processor, memory, GPUs."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

GPU_SECONDS = 2.0
PROC = Path("/proc")


@functools.cache
def platform_text() -> str:
    """Give the operating system, kernel, machine and C library on one line."""
    system = platform.uname()
    parts = [f"{system.system} {system.release} {system.machine}"]
    try:
        parts.append(platform.freedesktop_os_release()["PRETTY_NAME"])
    except (OSError, KeyError):
        if system.system == "Darwin":
            parts.append(f"macOS {platform.mac_ver()[0]}")
    libc = " ".join(platform.libc_ver()).strip()
    return ", ".join([*parts, libc] if libc else parts)


@functools.cache
def hardware() -> dict[str, Any]:
    """Give `cpu` (its model), `cpus`, `memory` (bytes, None where unknown) and `gpus`; read once a process."""
    return {"cpu": _cpu(), "cpus": os.cpu_count() or 1, "memory": _memory(), "gpus": gpus()}


def gpus(proc: Path = PROC) -> list[dict[str, Any]]:
    """Ask the NVIDIA driver: name, driver version and, where nvidia-smi answers in time, memory in bytes."""
    return _ask_nvidia_smi() or _ask_proc(proc / "driver" / "nvidia")


def _ask_nvidia_smi() -> list[dict[str, Any]]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    question = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            [program, *question],
            capture_output=True,
            text=True,
            timeout=GPU_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return []
    if done.returncode != 0:
        return []
    found = []
    for line in done.stdout.splitlines():
        name, driver, memory = ([part.strip() for part in line.rsplit(",", 2)] + ["", ""])[:3]
        if name:
            size = int(memory) * 1024 * 1024 if memory.isdigit() else None
            found.append({"name": name, "driver": driver, "memory": size})
    return found


def _ask_proc(folder: Path) -> list[dict[str, Any]]:
    driver = ""
    for word in _text(folder / "version").split():
        if word[:1].isdigit() and "." in word:
            driver = word
            break
    found = []
    for card in sorted((folder / "gpus").glob("*/information")):
        for line in _text(card).splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "Model":
                found.append({"name": value.strip(), "driver": driver, "memory": None})
    return found


def _cpu() -> str:
    for line in _text(PROC / "cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
