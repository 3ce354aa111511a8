"""`%%labrun`.

A local `%%labrun` is not run by a magic at all: an input transformer takes its line away (the line numbers
stay), IPython runs the cell as any other, and the recorder listens before and after. Only what cannot go that
way (a wrong option) reaches the cell magic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic import Magics, cell_magic, magics_class

from labnb.magics.request import MAGIC, find_line, make_parser, parse_request
from labnb.model.errors import LabError

if TYPE_CHECKING:
    from labnb.magics.recorder import Recorder


def take_line_away(lines: list[str]) -> list[str]:
    """Replace the line of a local `%%labrun` by an empty one; part of IPython's input transformation.

    It also runs when a front end asks whether the input is complete: it changes nothing but the lines.
    A wrong line stays, so that the magic answers it.
    """
    if not lines or not lines[0].startswith(MAGIC):
        return lines
    rest = find_line(lines[0])
    if rest is None:
        return lines
    try:
        request = parse_request(rest)
    except LabError:
        return lines
    if request.job.elsewhere:
        return lines
    body = lines[1:]
    if body and body[0].startswith("%%"):
        return body  # another cell magic must stand first to be seen
    return ["\n", *body]


# IPython then leaves it out where it asks whether a typed cell is complete: `%%labrun` ends at an empty line, as
# any cell magic does.
take_line_away.has_side_effects = True  # type: ignore[attr-defined]


@magics_class
class RunMagics(Magics):
    """The magic that records."""

    def __init__(self, shell: Any, recorder: Recorder) -> None:
        super().__init__(shell)
        self._recorder = recorder

    @cell_magic
    def labrun(self, line: str, cell: str) -> None:
        try:
            request = parse_request(line)
            if request.job.elsewhere:
                from labnb.magics import jobs

                awaited = jobs.submit(self.shell, self._recorder, request, line, cell)
        except LabError as error:
            raise IPythonUsageError(str(error)) from None
        if request.job.elsewhere:
            if request.job.wait:
                jobs.wait(self.shell, self._recorder, awaited)
            return
        # Reached when code calls the magic itself: the ordinary way, one level down.
        assert self.shell is not None
        self.shell.run_cell(f"{MAGIC} {line}\n{cell}").raise_error()  # type: ignore[no-untyped-call]

    labrun.__doc__ = (
        "Record this cell as a run.\n\n"
        "Its code with what it needs from earlier cells, the state of the repository, the environment, the files that "
        "it reads and writes, its params, metrics and outputs are recorded; nothing needs to be declared.\n\n"
        + make_parser().format_help()
    )
