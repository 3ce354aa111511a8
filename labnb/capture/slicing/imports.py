"""Imports: what they bind, and what they do besides."""

from __future__ import annotations

import ast

from labnb.capture.slicing import habits, kinds
from labnb.capture.slicing.magics import Magics
from labnb.capture.slicing.state import Binding, Value


class Imports(Magics):
    """What imports do."""

    def imported(self, node: ast.Import) -> None:
        for alias in node.names:
            root = kinds.root_of(alias.name)
            self.import_module(alias.name)
            region = self.named_region(f"module:{root}")
            if alias.asname:
                self.bind_import(alias.asname, Value(frozenset((region,)), f"@{alias.name}"))
                continue
            dotted = "." in alias.name
            value = Value(frozenset((region,)), f"@{root}", "dotted" if dotted else None)
            old = self.state.env.get(root) if self.frame is None else None
            if old is not None and not old.gone and old.value.kind == value.kind and (dotted or old.value.text):
                # `import a.b` after `import a`: both are needed where a.b is meant.
                definitions = old.definitions | {self.number}
                self.state.env[root] = Binding(definitions, value._replace(text="dotted"))
            else:
                self.bind_import(root, value)

    def imported_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        self.import_module(module)
        region = self.named_region(f"module:{kinds.root_of(module) if not node.level else module}")
        for alias in node.names:
            if alias.name == "*":
                self.binds_unseen = True
                for name in sorted(self.bound):
                    value = Value(frozenset((region,)), f"@{module}.{name}")
                    self.store_global(name, value, weak=not self.sole)
            else:
                self.bind_import(alias.asname or alias.name, Value(frozenset((region,)), f"@{module}.{alias.name}"))

    def import_module(self, module: str) -> None:
        """Note what importing a module may do besides binding its name."""
        if habits.EFFECT_IMPORTS.match(module):
            self.always = True
        if not kinds.is_known(module):
            self.draw(self.randomness)
            self.files(module.lstrip(".").replace(".", "/") + ".py")

    def bind_import(self, name: str, value: Value) -> None:
        """Bind an imported name; importing the same thing again changes nothing."""
        old = self.state.env.get(name)
        again = self.frame is None and old is not None and not old.gone and old.value == value
        unchanged = not any(self.state.heap[r].writers for r in value.regions)
        if again and unchanged and old is not None and len(old.definitions) == 1:
            return
        self.touch(value.regions)
        self.store(name, value)
