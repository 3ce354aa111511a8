"""Run the cell as Python: its last expression is shown as a notebook shows it, tracebacks have its lines."""

from __future__ import annotations

import ast
import builtins
import sys
import traceback
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any

from labnb.runner.restore import show_source

_SHOWS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
}


class PlainShell:
    """What a recorder of outputs listens to where IPython does not run."""

    def __init__(self) -> None:
        self.display_pub = _Publisher()
        self.displayhook = _Hook(self)
        self.execution_count = 1

    def _showtraceback(self, kind: Any, value: Any, lines: list[str]) -> None:
        sys.stderr.write("\n".join(lines) + "\n")

    def show_error(self, error: BaseException, lines: list[str]) -> None:
        """Show a traceback as an output."""
        self._showtraceback(type(error), error, lines)

    def run(self, source: str, label: str, names: dict[str, Any]) -> None:
        """Run the cell in `names`; raises what it raises."""
        show_source(label, source)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(source, label, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        assert isinstance(tree, ast.Module)
        silent = source.rstrip().endswith(";")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) and not silent else None
        sys.displayhook = self.displayhook
        builtins.display = self.display  # type: ignore[attr-defined]
        _execute(compile(tree, label, "exec", flags, dont_inherit=True), names)
        if last is not None:
            _execute(compile(ast.Interactive([last]), label, "single", flags, dont_inherit=True), names)

    def display(self, *values: Any, **_: Any) -> None:
        """Stand in for IPython's `display`."""
        for value in values:
            self.display_pub.publish(mimebundle(value))


def show_figures(publish: Callable[[dict[str, Any]], object]) -> None:
    """Show the figures that are open, as a notebook does at the end of a cell."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    import io

    for number in pyplot.get_fignums():
        file = io.BytesIO()
        figure = pyplot.figure(number)
        figure.savefig(file, format="png", bbox_inches="tight")
        publish({"image/png": file.getvalue(), "text/plain": repr(figure)})
    pyplot.close("all")


class _Publisher:
    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, **_: Any) -> None:
        """Heard by the recorder of outputs."""

    def clear_output(self, wait: bool = False) -> None:
        """Heard by the recorder of outputs."""


class _Hook:
    def __init__(self, shell: PlainShell) -> None:
        self._shell = shell

    def __call__(self, value: Any) -> None:
        if value is not None:
            self._shell.execution_count = 2  # the recorder takes the count of the cell before
            self.write_format_data(mimebundle(value))

    def write_format_data(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        """Heard by the recorder of outputs."""
        print(data.get("text/plain", ""))


def mimebundle(value: Any) -> dict[str, Any]:
    """Give the forms in which a value can be shown, as IPython asks for them."""
    data: dict[str, Any] = {}
    if not isinstance(value, type):
        bundle = getattr(value, "_repr_mimebundle_", None)
        if callable(bundle):
            told = _asked(bundle)
            data.update(told[0] if isinstance(told, tuple) else told or {})
        for method, kind in _SHOWS.items():
            shows = getattr(type(value), method, None) and getattr(value, method)
            told = _asked(shows) if callable(shows) else None
            if told is not None:
                data.setdefault(kind, told[0] if isinstance(told, tuple) else told)
    data.setdefault("text/plain", _text(value))
    return data


def _asked(method: Any) -> Any:
    try:
        return method()
    except Exception:  # noqa: BLE001 - a picture that cannot be drawn is left out
        return None


def _text(value: Any) -> str:
    try:
        if isinstance(value, (dict, list, tuple, set, frozenset)) and len(value) > 1:
            import pprint

            return pprint.pformat(value, width=79, compact=True, **_IN_ORDER)
        return repr(value)
    except Exception as error:  # noqa: BLE001 - the value is shown, not used
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"


_IN_ORDER: Any = {"sort_dicts": False}


def _execute(code: CodeType, names: dict[str, Any]) -> None:
    import inspect

    if code.co_flags & inspect.CO_COROUTINE:
        import asyncio

        asyncio.run(eval(code, names))  # noqa: S307 - the cell
    else:
        exec(code, names)  # noqa: S102 - the cell


# As the frames of the runner's own code tell it, wherever that was compiled.
_OWN = PlainShell.run.__code__.co_filename.rpartition("/")[0] + "/"


def own_lines(error: BaseException, label: str) -> tuple[list[str], int | None]:
    """Give the traceback from the cell on, and the line of the cell at which it left it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN) and trace.tb_next is not None:
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    return text.rstrip("\n").split("\n"), _line(error, trace, label)


def _line(error: BaseException, trace: TracebackType | None, label: str) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == label:
        return error.lineno
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == label:
            return trace.tb_lineno
        trace = trace.tb_next
    return None
