"""Run a cell that calls IPython (magics, `!`, display) in IPython's own shell."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import Any

from labnb.runner.restore import NotRestored, show_source


def interactive(module: ModuleType) -> Any:
    """Give IPython's shell, without history, start-up files or terminal; raises NotRestored where there is none."""
    try:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config
    except ImportError as error:
        raise NotRestored(
            f"The cell calls IPython (a magic, ! or display), which the target does not have: {error}. "
            "Install ipython there, or write that part of the cell in Python."
        ) from None
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor" if sys.modules["IPython"].version_info[0] >= 9 else "NoColor"
    shell: Any = InteractiveShell.instance(config=config, user_module=module, user_ns=module.__dict__)
    sys.modules["__main__"] = module
    # Nobody sits at a terminal: the recorder of outputs, which wraps these, is the only one who listens.
    shell.display_pub.publish = _heard
    shell.displayhook.write_output_prompt = _heard
    shell.enable_gui = _heard  # `%matplotlib inline` asks for none, and where there is none that is an error
    return shell


def run_in(shell: Any, source: str, label: str) -> None:
    """Run the cell; raises what it raises, after the shell has shown it."""
    show_source(label, source)
    shell.compile.get_code_name = lambda *_: label
    number = re.search(r"\[(\d+)\]", label)
    if number is not None:  # IPython's own tracebacks tell cells by it
        shell.execution_count = int(number[1])
    result = shell.run_cell(source, store_history=False, silent=False)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise error


def _heard(*_: Any, **__: Any) -> None:
    """Heard by the recorder of outputs."""
