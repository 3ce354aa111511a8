"""Slicing a session: which of the code that ran a cell depends on."""

from labnb.capture.slicing.slicer import slice_session

__all__ = ["slice_session"]
