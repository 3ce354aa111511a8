"""Call a function when a module has been imported, without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class ImportHook:
    """Calls `then` after the first import of the module `name`, until it is removed.

    Stands first on `sys.meta_path`, lets the others find the module, and wraps the loader of what they found.
    """

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name = name
        self._then = then
        self._active = True
        self._asking = False
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stop listening."""
        self._active = False
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Take part in Python's import."""
        if fullname != self._name or not self._active or self._asking:
            return None
        self._asking = True
        try:
            for finder in sys.meta_path:
                find = getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find(fullname, path, target) if find and finder is not self else None
                if spec is not None:
                    self._wrap(spec)
                    return spec
        finally:
            self._asking = False
        return None

    def _wrap(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        run = getattr(loader, "exec_module", None)
        if run is None:
            return

        def exec_module(module: ModuleType) -> None:
            run(module)
            if self._active:
                self.remove()
                self._then()

        try:
            loader.exec_module = exec_module
        except AttributeError:  # a loader of a kind that takes no attributes: the module is imported all the same
            return
