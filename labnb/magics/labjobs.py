"""`%labjobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic import Magics, line_magic, magics_class

from labnb.model.errors import LabError

if TYPE_CHECKING:
    from labnb.magics.recorder import Recorder


@magics_class
class JobMagics(Magics):
    """The magic of jobs."""

    def __init__(self, shell: Any, recorder: Recorder) -> None:
        super().__init__(shell)
        self._recorder = recorder

    @line_magic
    def labjobs(self, line: str) -> Any:
        """List the jobs, or show one: %labjobs [JOB ...] [--open] [--limit N] [--wait | --cancel | --retry].

        JOB is the id of a job, of an array, or the start of it. --open leaves out those that have ended; --wait waits
        for the jobs that are named, or for all that have not ended.

            %labjobs
            %labjobs 1a2b3c4d --cancel
            %labjobs g1a2b3c4d5e6 --retry     (only the members that failed)
        """
        from labnb.magics.jobs import labjobs

        try:
            return labjobs(self._recorder.lab(), line)
        except LabError as error:
            raise IPythonUsageError(str(error)) from None
