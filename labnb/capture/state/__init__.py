"""The state of a cell: the values that it needs from its session, packed for a job."""

from labnb.capture.state.pack import Packed, needs_ipython, pack

__all__ = ["Packed", "needs_ipython", "pack"]
