"""What a follower remembers between two looks: of a job, and of what failed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from labnb.ports.executor import Sight

#: Seconds after which something that goes on failing is tried again at the latest.
LONGEST_PAUSE = 30.0


@dataclass
class Memory:
    """What is remembered of one job between two looks."""

    sight: Sight | None = None
    unknown: int = 0
    unknown_since: float = 0.0
    over_since: float = 0.0
    again: int = 0
    cancelled: bool = False
    announced: bool = False
    #: So many starts the job had when it was put back into the queue: what they left says nothing of the next.
    starts: int = 0


@dataclass
class Patience:
    """When something that failed is tried again: after 1 s, and twice as long each time up to `LONGEST_PAUSE`."""

    failures: int = 0
    due: float = 0.0

    @property
    def ready(self) -> bool:
        return time.monotonic() >= self.due

    def failed(self) -> None:
        self.due = time.monotonic() + min(2.0**self.failures, LONGEST_PAUSE)
        self.failures += 1

    def worked(self) -> None:
        self.failures, self.due = 0, 0.0
