"""The environment: what is installed, and on what it runs."""

from __future__ import annotations

from typing import Protocol

from labnb.model.snapshot import Environment


class EnvironmentProbe(Protocol):
    """Tells the environment of this process."""

    def capture(self) -> Environment:
        """Tell it as it is now; what cannot change within a process is read once."""
        ...
