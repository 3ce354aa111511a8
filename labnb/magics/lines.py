"""The magics of one line: `%labruns`, `%labshow`, `%labcompare`, `%labjobs`, `%labdata`.

Only their help is here; what they do loads when one is used.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic import Magics, line_magic, magics_class

from labnb.model.errors import LabError

if TYPE_CHECKING:
    from labnb.magics.recorder import Recorder


@magics_class
class LineMagics(Magics):
    """The magics that ask and show."""

    def __init__(self, shell: Any, recorder: Recorder) -> None:
        super().__init__(shell)
        self._recorder = recorder

    @line_magic
    def labruns(self, line: str) -> Any:
        """List the recorded runs: %labruns [FILTER] [--sort KEY] [--limit N].

        FILTER is MLflow's grammar or free text:

            %labruns metrics.accuracy > 0.9 and params.model = 'forest'
            %labruns forest
        """
        from labnb.magics import reading

        return _answer(lambda: reading.labruns(self._recorder.lab(), line))

    @line_magic
    def labshow(self, line: str) -> Any:
        """Show everything that is recorded of a run: %labshow RUN [code|environment|data|output].

        RUN is the uid or the start of it; without one, the last run of this session.
        """
        from labnb.magics import reading

        words = shlex.split(line)
        if not words and self._recorder.last is not None:
            words = [self._recorder.last.uid]
        return _answer(lambda: reading.labshow(self._recorder.lab(), words))

    @line_magic
    def labcompare(self, line: str) -> Any:
        """Show runs side by side: %labcompare RUN RUN [RUN ...] [--metric NAME ...] [--x step|time|relative] [--all].

        RUN is a uid or the start of it. The table shows what differs, --all everything; the figure the curves of the
        metrics that are named, or of the first ones. The answer has `.figure` (plotly) and `.comparison`.

            %labcompare 1a2b3c4d 5e6f7a8b
            best = %labcompare 1a2b3c4d 5e6f7a8b --metric loss --x relative
        """
        from labnb.magics import comparing

        return _answer(lambda: comparing.labcompare(self._recorder.lab(), line))

    @line_magic
    def labjobs(self, line: str) -> Any:
        """List the jobs, or show one: %labjobs [JOB ...] [--open] [--limit N] [--wait | --cancel | --retry].

        JOB is the id of a job, of an array, or the start of it. --open leaves out those that have ended; --wait waits
        for the jobs that are named, or for all that have not ended.

            %labjobs
            %labjobs 1a2b3c4d --cancel
            %labjobs g1a2b3c4d5e6 --retry     (only the members that failed)
        """
        from labnb.magics import jobs

        return _answer(lambda: jobs.labjobs(self._recorder.lab(), line))

    @line_magic
    def labdata(self, line: str) -> Any:
        """Datasets and their versions: %labdata WORD ….

            %labdata list                          the datasets with their state
            %labdata add PATH [-m TEXT] [--tag v1] make the present content a version
            %labdata status                        what differs from what is recorded
            %labdata log NAME                      versions, with the runs that made and used them
            %labdata diff NAME@V1 [@V2]            files, and in tables rows, columns and values
            %labdata preview NAME[@VERSION] [PATH] a look into it
            %labdata checkout NAME@VERSION [--to DIR] [--force]
            %labdata push | pull [NAME[@VERSION]]  to and from the remote
            %labdata remote add | list | test
            %labdata gc [--yes]                    free what nothing uses
            %labdata lineage NAME[@VERSION]        what it was made of, and what became of it

        VERSION is a tag, a digest or its start, a revision of the code, or latest. `%labdata WORD --help` says more.
        """
        from labnb.magics import data_words

        return _answer(lambda: data_words.labdata(self._recorder.lab(), line))


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except LabError as error:
        raise IPythonUsageError(str(error)) from None
