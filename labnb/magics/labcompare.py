"""`%labcompare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic import Magics, line_magic, magics_class

from labnb.model.errors import LabError

if TYPE_CHECKING:
    from labnb.magics.recorder import Recorder


@magics_class
class CompareMagics(Magics):
    """The magic of comparisons."""

    def __init__(self, shell: Any, recorder: Recorder) -> None:
        super().__init__(shell)
        self._recorder = recorder

    @line_magic
    def labcompare(self, line: str) -> Any:
        """Show runs side by side: %labcompare RUN RUN [RUN ...] [--metric NAME ...] [--x step|time|relative] [--all].

        RUN is a uid or the start of it. The table shows what differs, --all everything; the figure the curves of the
        metrics that are named, or of the first ones. The answer has `.figure` (plotly) and `.comparison`.

            %labcompare 1a2b3c4d 5e6f7a8b
            best = %labcompare 1a2b3c4d 5e6f7a8b --metric loss --x relative
        """
        from labnb.magics.comparing import labcompare

        try:
            return labcompare(self._recorder.lab(), line)
        except LabError as error:
            raise IPythonUsageError(str(error)) from None
