"""The magics: `%load_ext labnb` registers them; everything else loads at first use."""

from __future__ import annotations

from typing import Any

_loaded: dict[int, Any] = {}


def magics() -> tuple[Any, ...]:
    """Give the classes of magics; their modules are light to import."""
    from labnb.magics.labrun import RunMagics
    from labnb.magics.lines import LineMagics

    return (RunMagics, LineMagics)


def load(shell: Any) -> None:
    """Bring the magics into a shell; a second time changes nothing."""
    if id(shell) in _loaded:
        return
    from labnb.magics.labrun import take_line_away
    from labnb.magics.recorder import Recorder

    recorder = Recorder(shell)
    for kind in magics():
        shell.register_magics(kind(shell, recorder))
    shell.input_transformers_cleanup.append(take_line_away)
    shell.events.register("pre_run_cell", recorder.before)
    shell.events.register("post_run_cell", recorder.after)
    shell.set_hook("complete_command", _complete, str_key="%%labrun")
    _loaded[id(shell)] = recorder


def _complete(shell: Any, event: Any) -> list[str]:
    from labnb.magics.completion import complete

    return complete(shell, event)


def recorder_of(shell: Any) -> Any:
    """Give the recorder of a shell; None where labnb is not loaded."""
    return _loaded.get(id(shell))


def unload(shell: Any) -> None:
    """Take them out again."""
    from labnb.magics.labrun import take_line_away

    recorder = _loaded.pop(id(shell), None)
    if recorder is None:
        return
    shell.input_transformers_cleanup.remove(take_line_away)
    shell.events.unregister("pre_run_cell", recorder.before)
    shell.events.unregister("post_run_cell", recorder.after)
    recorder.close()
    for kind in magics():
        for place, names in kind.magics.items():
            for name in names:
                shell.magics_manager.magics[place].pop(name, None)
