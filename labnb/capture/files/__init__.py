"""Every file that a cell reads or writes, none invented. Heavy parts load at first use."""

from __future__ import annotations

from labnb.capture.files.audit import aside
from labnb.capture.files.report import FileReport
from labnb.capture.files.watch import FileWatch
from labnb.runfolder.stat_cache import StatCache

__all__ = ["FileReport", "FileWatch", "StatCache", "aside"]
