"""What the system knows of processes: whether they live, what they use; Linux by /proc, others as far as it goes."""

from __future__ import annotations

import contextlib
import os
import signal

TYPE_CHECKING = False  # typing itself would take longer to load than all of this
if TYPE_CHECKING:
    from typing import Any

PROC = os.path.isdir("/proc/self")


def stat_of(pid: int) -> list[bytes] | None:
    """Give the fields of /proc/PID/stat behind the name; the name itself may hold blanks and brackets."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def birth(pid: int) -> str | None:
    """When a process was born, in ticks since boot; "" where that cannot be known, None where it is gone."""
    if PROC:
        fields = stat_of(pid)
        return None if fields is None or fields[0] == b"Z" else fields[19].decode()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""


def lives(process: Any) -> bool:
    """Whether a process, given as [pid, birth], is still the same one."""
    return bool(process) and process[1] is not None and birth(process[0]) == process[1]


def place() -> list[str]:
    """Name this machine since its last boot, as seen from this container."""
    boot = space = ""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return [os.uname().nodename, boot, space]


def family(pid: int) -> list[int]:
    """Give a process and all below it."""
    found = [pid]
    for number in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{number}/task"):
                with open(f"/proc/{number}/task/{task}/children", encoding="ascii") as file:
                    found += [int(word) for word in file.read().split()]
    return found


def usage(pid: int) -> tuple[int, float]:
    """Give the memory in bytes and the seconds of CPU of a family at this moment; shared memory counts once."""
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    own = largest = shared_of_largest = 0
    seconds = 0.0
    for number in family(pid) if PROC else ():
        fields = stat_of(number)
        try:
            with open(f"/proc/{number}/statm", encoding="ascii") as file:
                words = file.read().split()
        except OSError:
            continue
        if fields:
            # With the children that have ended and were waited for.
            seconds += sum(int(field) for field in fields[11:15]) / tick
        resident, shared = int(words[1]) * page, int(words[2]) * page
        own += resident - shared
        if resident > largest:
            largest, shared_of_largest = resident, shared
    return own + shared_of_largest, seconds


def oom_kills() -> int:
    """Count the processes that Linux has killed here for lack of memory."""
    files = ["/proc/vmstat"]
    with contextlib.suppress(OSError, ValueError), open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            number, _, path = line.strip().split(":", 2)
            if number == "0":
                files.insert(0, os.path.join("/sys/fs/cgroup", path.lstrip("/"), "memory.events"))
    for name in files:
        with contextlib.suppress(OSError, ValueError, StopIteration), open(name, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
    return 0


def signal_group(pid: int, number: int) -> None:
    """Signal a job with all in its group; one that was stopped goes on, to hear it."""
    with contextlib.suppress(OSError):
        os.killpg(pid, number)
        os.killpg(pid, signal.SIGCONT)


def gpu_count() -> int:
    """Count the GPUs that NVIDIA's driver shows."""
    import subprocess

    with contextlib.suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=False)
        return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    return 0
