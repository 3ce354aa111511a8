"""What goes on beside a running cell: its log on disk, its elapsed time on the card, the machine's load."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any

from labnb.capture.files import aside

TICK = 0.5
CARD_EVERY = 2.0
SYSTEM_EVERY = 5.0


class Pulse:
    """A thread that lives as long as the cell.

    `log` takes fresh output twice a second, `card` redraws the running card every two seconds, `system` takes
    the machine's load every five (so a short cell has none). Each failing listener is dropped, once.
    """

    def __init__(
        self,
        log: Callable[[], None],
        card: Callable[[float], None] | None,
        system: Callable[[dict[str, float]], None],
    ) -> None:
        self._done = threading.Event()
        self._log: Callable[[], None] | None = log
        self._card = card
        self._system: Callable[[dict[str, float]], None] | None = system
        # The context carries the kernel's notion of the cell that is running: displays go there.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="labnb-pulse", daemon=True)

    def start(self) -> None:
        self._started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what it was doing is finished first."""
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        with aside():  # what labnb reads here is not read by the cell
            self._beat()

    def _beat(self) -> None:
        card_at, system_at = CARD_EVERY, SYSTEM_EVERY
        load = None
        while not self._done.wait(TICK):
            elapsed = time.monotonic() - self._started
            self._try("_log")
            if elapsed >= card_at:
                card_at += CARD_EVERY if elapsed < 120 else 10 * CARD_EVERY
                self._try("_card", elapsed)
            if elapsed >= system_at - TICK:
                load = load or SystemLoad()
            if elapsed >= system_at and load is not None:
                system_at += SYSTEM_EVERY
                self._try("_system", load.read())

    def _try(self, name: str, *args: Any) -> None:
        listener = getattr(self, name)
        if listener is None:
            return
        try:
            listener(*args)
        except Exception:  # noqa: BLE001 - the pulse of a record must not end the record
            setattr(self, name, None)


class SystemLoad:
    """The machine's load under MLflow's names (`system/…`): percents, megabytes."""

    def __init__(self) -> None:
        import psutil

        self._psutil = psutil
        psutil.cpu_percent()
        self._process = psutil.Process()

    def read(self) -> dict[str, float]:
        memory = self._psutil.virtual_memory()
        found = {
            "system/cpu_utilization_percentage": float(self._psutil.cpu_percent()),
            "system/system_memory_usage_megabytes": memory.used / 1e6,
            "system/system_memory_usage_percentage": float(memory.percent),
            "system/process_memory_usage_megabytes": self._process.memory_info().rss / 1e6,
        }
        found.update(gpu_load())
        return found


def gpu_load() -> dict[str, float]:
    """Load of NVIDIA GPUs where their library is installed; nothing elsewhere."""
    try:
        import pynvml
    except ImportError:
        return {}
    found: dict[str, float] = {}
    try:
        pynvml.nvmlInit()
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            found[f"system/gpu_{index}_utilization_percentage"] = float(
                pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
            )
            found[f"system/gpu_{index}_memory_usage_megabytes"] = pynvml.nvmlDeviceGetMemoryInfo(handle).used / 1e6
    except pynvml.NVMLError:
        return {}
    return found
