"""What `%labcompare` answers: a table of what differs, and the curves in a plotly figure."""

from __future__ import annotations

import argparse
import shlex
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from labnb.lab import Lab
from labnb.model.api_run_parts import Curves
from labnb.model.comparison import LEAST, MOST, Comparison
from labnb.model.comparison_text import comparison_html, comparison_text
from labnb.model.errors import UsageError, nearest

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: So many metrics are drawn where none is named; so many points of each curve.
DRAWN, POINTS = 6, 2000
AXES = {"step": "step", "time": "time (UTC)", "relative": "seconds since the start"}


class ComparisonView:
    """Runs side by side; displays as a table and, where metrics have a history, a figure."""

    def __init__(self, comparison: Comparison, curves: Curves, everything: bool) -> None:
        self.comparison = comparison
        self.curves = curves
        self._everything = everything

    @cached_property
    def figure(self) -> go.Figure:
        """The curves, a plot per metric and a colour per run."""
        return figure_of(self.comparison, self.curves)

    def __repr__(self) -> str:
        return comparison_text(self.comparison, everything=self._everything)

    def _repr_html_(self) -> str:
        return comparison_html(self.comparison, everything=self._everything)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display({"text/plain": repr(self), "text/html": self._repr_html_()}, raw=True)  # type: ignore[no-untyped-call]
        if any(len(curve.x) > 1 for curve in self.curves.items):
            display(self.figure)  # type: ignore[no-untyped-call]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%labcompare: {message}.", "%labcompare? shows its options.")


def labcompare(lab: Lab, line: str) -> ComparisonView:
    """Answer `%labcompare`. Raises UsageError or NotFound."""
    parser = _Parser(prog="%labcompare", add_help=False, allow_abbrev=False)
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--metric", "-m", action="append", default=[])
    parser.add_argument("--x", choices=tuple(AXES), default="step")
    parser.add_argument("--all", "-a", action="store_true")
    try:
        given = parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"%labcompare: {error}.", "Close the quotes.") from None
    if not LEAST <= len(given.runs) <= MOST:
        raise UsageError(f"%labcompare takes {LEAST} to {MOST} runs.", "%labruns lists them.")
    uids = [lab.browse.folder(start).uid for start in given.runs]
    found = lab.many.compare.compare(uids, diffs=False)
    if unknown := [name for name in given.metric if name not in found.metrics]:
        raise UsageError(f"None of these runs has a metric {unknown[0]!r}.", nearest(unknown[0], found.metrics))
    names = given.metric or [name for name in found.metrics if not name.startswith("system/")][:DRAWN]
    curves = lab.many.compare.curves(uids, names, given.x, POINTS) if names else Curves(given.x, [], [])
    return ComparisonView(found, curves, given.all)


def figure_of(comparison: Comparison, curves: Curves) -> go.Figure:
    """Draw curves: a plot per metric, a colour per run. Names are shown as they are written, never as HTML."""
    import html

    import plotly.graph_objects as go
    from plotly.colors import qualitative
    from plotly.subplots import make_subplots

    names = list(dict.fromkeys(curve.name for curve in curves.items))
    runs = {run.uid: f"{html.escape(run.name)} ({run.uid[:8]})" for run in comparison.runs}
    colours = qualitative.Plotly
    columns = 1 if len(names) < 2 else 2
    rows = max(-(-len(names) // columns), 1)
    figure: go.Figure = make_subplots(rows=rows, cols=columns, subplot_titles=[html.escape(name) for name in names])
    for curve in curves.items:
        at = names.index(curve.name)
        number = list(runs).index(curve.run)
        x: list[Any] = [_date(seconds) for seconds in curve.x] if curves.axis == "time" else list(curve.x)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=list(curve.y),
                name=runs[curve.run],
                legendgroup=curve.run,
                showlegend=at == 0 or all(one.run != curve.run for one in curves.items if names.index(one.name) < at),
                mode="lines" if len(curve.x) > 1 else "markers",
                line={"color": colours[number % len(colours)]},
            ),
            row=at // columns + 1,
            col=at % columns + 1,
        )
    figure.update_xaxes(title_text=AXES[curves.axis], row=rows)
    figure.update_layout(height=320 * rows + 80, margin={"l": 50, "r": 20, "t": 50, "b": 50}, hovermode="x unified")
    return figure


def _date(seconds: float) -> str:
    from labnb.model.run import time_text

    return time_text(seconds)
